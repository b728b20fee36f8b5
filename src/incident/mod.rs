//! What an incident is, and what its code may use.
//!
//! * [`manifest`]: `incident.toml`: story, traffic, phases, expectations
//! * [`formula`]: the expressions in it
//! * [`chain`]: the slots of the service and the patches that bugs are
//! * [`mod@env`]: what a server hands to the code in its chain
//! * [`metrics`]: every metric that code registers, for the screen and for Prometheus
//! * [`wait`]: where tasks wait, by source line

pub mod chain;
pub mod env;
pub mod formula;
pub mod manifest;
pub mod metrics;
pub mod wait;

use std::collections::BTreeMap;
use std::sync::LazyLock;

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
    /// The variants' code: name, install, source text.
    pub variants: &'static [Variant],
}

/// The code of one variant.
#[derive(Debug)]
pub struct Variant {
    /// Name, as in the manifest.
    pub name: &'static str,
    /// Patches the chain.
    pub install: Install,
    /// The source file's text.
    pub source: &'static str,
}

/// An incident and its parsed manifest.
#[derive(Debug)]
pub struct Entry {
    /// The static part.
    pub incident: &'static Incident,
    /// The manifest.
    pub manifest: Manifest,
}

impl Entry {
    /// The variant of this name.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.incident.variants.iter().find(|v| v.name == name)
    }

    /// The variant of this name.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn known_variant(&self, name: &str) -> Result<&'static Variant, Unknown> {
        self.variant(name).ok_or_else(|| {
            Unknown::new("variant", name, self.incident.variants.iter().map(|v| v.name))
        })
    }

    /// The fixed form, by contract the last.
    ///
    /// # Panics
    ///
    /// When the incident has no variant, which the catalogue refuses to load.
    pub fn fixed(&self) -> &'static Variant {
        self.incident.variants.last().expect("the catalogue refuses an incident without variants")
    }
}

/// The bugs that are on: incident id to variant.
pub type Bugs = BTreeMap<String, String>;

/// All incidents of this build.
#[derive(Debug)]
pub struct Catalogue {
    /// In the order in which they are taught.
    pub entries: Vec<Entry>,
}

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
            .filter(|(likeness, _)| *likeness > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate.clone());
        Self { kind, name: name.to_owned(), nearest, known }
    }
}

impl Catalogue {
    /// The incidents compiled into this program.
    ///
    /// # Errors
    ///
    /// When a manifest is broken; the message names file, line and field.
    pub fn load() -> Result<&'static Self, &'static ManifestError> {
        static LOADED: LazyLock<Result<Catalogue, ManifestError>> = LazyLock::new(|| {
            let entries = crate::incidents::ALL.iter().map(|incident| {
                let file = format!("incidents/{}/incident.toml", incident.module);
                let manifest = Manifest::parse(&file, incident.manifest_toml)?;
                manifest.check_variants(incident.variants.iter().map(|v| v.name))?;
                Ok(Entry { incident, manifest })
            });
            Ok(Catalogue { entries: entries.collect::<Result<_, _>>()? })
        });
        LOADED.as_ref()
    }

    /// The incident of this id.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn find(&self, id: &str) -> Result<&Entry, Unknown> {
        self.entries
            .iter()
            .find(|entry| entry.manifest.id == id)
            .ok_or_else(|| Unknown::new("incident", id, self.ids()))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.manifest.id.as_str())
    }

    /// The healthy chain, with each of `bugs` (incident id to variant) patched in.
    ///
    /// # Errors
    ///
    /// When an incident or a variant is not known; the error suggests the nearest.
    pub fn chain(&self, base: Chain, bugs: &Bugs) -> Result<Chain, Unknown> {
        let mut chain = base;
        for entry in &self.entries {
            (entry.fixed().install)(&mut chain);
        }
        for id in bugs.keys() {
            self.find(id)?;
        }
        // In the catalogue's order, so that the same set always makes the same chain.
        for entry in &self.entries {
            if let Some(variant) = bugs.get(&entry.manifest.id) {
                (entry.known_variant(variant)?.install)(&mut chain);
            }
        }
        Ok(chain)
    }

    /// The incident whose parameters include `name`.
    ///
    /// # Errors
    ///
    /// When no incident has such a parameter; the error suggests the nearest.
    pub fn param(&self, name: &str) -> Result<&manifest::Param, Unknown> {
        self.entries.iter().find_map(|entry| entry.manifest.params.get(name)).ok_or_else(|| {
            let known = self.entries.iter().flat_map(|e| e.manifest.params.keys());
            Unknown::new("parameter", name, known.map(String::as_str))
        })
    }
}
