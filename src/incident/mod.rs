//! What an incident is, and what its code may use.
//!
//! * [`manifest`]: `incident.toml`: story, traffic, phases, expectations
//! * [`formula`]: the expressions in it
//! * [`request`]: a request of it, ready to be sent
//! * [`chain`]: the slots of the service and the patches that bugs are
//! * [`mod@env`]: what a server hands to the code in its chain
//! * [`metrics`]: every metric that code registers, for the screen and for Prometheus
//! * [`wait`]: where tasks wait, by source line

pub mod chain;
pub mod env;
pub mod formula;
pub mod manifest;
pub mod metrics;
pub mod request;
mod validate;
pub mod wait;

use std::collections::BTreeMap;

pub use chain::{Chain, Install, Slot};
pub use env::Env;
pub use manifest::{Manifest, ManifestError};
pub use wait::Parked;

/// One folder under `incidents/`, as the program knows it.
#[derive(Debug)]
pub struct Incident {
    /// Name of the folder, which is also the module that its metrics come from.
    pub module: &'static str,
    /// The text of `incident.toml`.
    pub manifest_toml: &'static str,
    /// The variants' code.
    pub variants: &'static [Variant],
}

/// The code of one variant.
#[derive(Debug)]
pub struct Variant {
    /// Name, as in the manifest.
    pub name: &'static str,
    /// Patches the chain.
    pub install: Install,
}

/// The bugs that are on: incident id to variant.
pub type Bugs = BTreeMap<String, String>;

/// A name that is not known, and the known one that is nearest to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{name}`{}", hint(.nearest.as_deref(), .known))]
pub struct Unknown {
    /// What was named: "incident", "variant", "parameter" …
    pub kind: &'static str,
    /// The name as typed.
    pub name: String,
    /// The nearest known name, where one is near.
    pub nearest: Option<String>,
    /// All known names.
    pub known: Vec<String>,
}

fn hint(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.is_empty() => "; there are none".to_owned(),
        None => format!("; there are: {}", known.join(", ")),
    }
}

impl Unknown {
    /// Looks for the known name nearest to `name`.
    pub fn new<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let nearest = known
            .iter()
            .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate.clone());
        Self { kind, name: name.to_owned(), nearest, known }
    }
}
