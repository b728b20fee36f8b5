//! Definition of an incident, and the interface for its code.
//!
//! * [`manifest`]: `incident.toml`: story, traffic, phases; [`claim`]: what a run must show;
//!   [`theory`]: what theory says; [`show`]: charts, headline, sentences
//! * [`formula`]: the expressions in it; [`measure`]: the names of what can be measured
//! * [`request`]: a request of it, ready to be sent
//! * [`exercise`]: what a learner is given, and how what they wrote is judged
//! * [`fleet`]: a lane's instances, and who releases to them
//! * [`chain`]: the slots of the service and the patches that bugs are
//! * [`client`]: the way to the store; [`context`]: what is known of a request on it
//! * [`mod@env`]: what a server hands to the code in its chain; [`cpu`]: processors
//! * [`metrics`]: every metric that code registers, for the screen and for Prometheus
//! * [`wait`]: where tasks wait, by source line; [`marks`]: the lines at fault, and that fix it
//!
//! A whole incident, in one file in place of a folder: a limit of one request at a time, where there
//! should be eight.
//!
//! ```
//! use std::borrow::Cow;
//! use std::sync::Arc;
//!
//! use firedrill_core::catalogue::Catalogue;
//! use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
//! use firedrill_core::incident::{Chain, ClientSlot, Env, Incident, Pack, Parked, Variant};
//! use tokio::sync::Semaphore;
//!
//! struct Places<const N: usize>(Semaphore);
//!
//! fn pool<const N: usize>(store: StoreClient, env: &Env) -> StoreClient {
//!     store.layer(env.shared(|| Places::<N>(Semaphore::new(N))), ask)
//! }
//!
//! async fn ask<const N: usize>(
//!     places: Arc<Places<N>>,
//!     store: StoreClient,
//!     request: StoreRequest,
//! ) -> StoreResult {
//!     // cause: one place for everybody.
//!     let _place = places.0.acquire().parked("a place").await;
//!     store.ask(request).await
//! }
//!
//! static INCIDENT: Incident = Incident {
//!     module: module_path!(),
//!     file: "pack/one_place/mod.rs",
//!     manifest_toml: r#"
//! id = "one-place"
//! title = "One place"
//! summary = "Every request waits for the one before"
//! symptom = "slow"
//! source = "An example"
//! duration_s = 20
//! load = { rate_per_s = 200, arrivals = "constant", client_timeout_ms = 2000, request = [
//!     { weight = 1, method = "GET", path = "/orders/7", headers = { authorization = "Bearer demo-token" } },
//! ] }
//! memory = { cap_mib = 160 }
//! bite = { metric = "waiting", above = 10 }
//!
//! [params.store_ms]
//! value = 10
//! unit = "ms"
//! min = 1
//! max = 1000
//! says = "how long the store takes for a command"
//!
//! [[variant]]
//! name = "broken"
//! says = "one at a time"
//!
//! [[variant]]
//! name = "fixed"
//! says = "eight at a time"
//!
//! [[phase]]
//! at_s = 0
//! says = "quiet"
//!
//! [[phase]]
//! at_s = 2
//! says = "the release goes out"
//! bugs = "on"
//!
//! [[theory]]
//! metric = "waiting"
//! variant = "broken"
//! per_s = "rate_per_s - 1000 / store_ms"
//!
//! [[expect]]
//! variant = "broken"
//! metric = "waiting"
//! window = { from_s = 1, to_s = 8 }
//! slope_per_s = "rate_per_s - 1000 / store_ms"
//!
//! [[expect]]
//! variant = "fixed"
//! metric = "p99_ms"
//! below = 50
//!
//! [switch_off]
//! after_s = 5
//! says = "new requests find eight places"
//!
//! [[switch_off.expect]]
//! variant = "broken"
//! metric = "ok_percent"
//! window = { from_s = 3, to_s = 6 }
//! above = 99
//! "#,
//!     shares: &[],
//!     variants: &[
//!         Variant {
//!             name: "broken",
//!             install: |chain: &mut Chain| chain.client(ClientSlot::Pool, pool::<1>),
//!             steer: None,
//!         },
//!         Variant {
//!             name: "fixed",
//!             install: |chain: &mut Chain| chain.client(ClientSlot::Pool, pool::<8>),
//!             steer: None,
//!         },
//!     ],
//!     exercise: None,
//! };
//!
//! static PACK: Pack = Pack {
//!     file: "pack/lib.rs",
//!     incidents: &[&INCIDENT],
//!     files: Vec::<Cow<'static, str>>::new,
//!     source: |_| None,
//! };
//!
//! let catalogue = Catalogue::read(&PACK, |_| None).expect("the manifest is in order");
//! assert_eq!(catalogue.find("one-place").expect("known").manifest.variants.len(), 2);
//! ```

pub mod certificate;
pub mod chain;
pub mod claim;
pub mod client;
pub mod context;
pub mod cpu;
pub mod env;
pub mod exercise;
mod expression;
pub mod fleet;
pub mod formula;
pub mod manifest;
pub mod marks;
pub mod measure;
pub mod metrics;
pub mod params;
mod places;
pub mod request;
pub mod show;
pub mod theory;
pub mod traffic;
mod validate;
pub mod wait;
pub mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use chain::{Chain, ClientSlot, Install, Slot};
pub use client::StoreClient;
pub use context::{Class, Context};
pub use env::Env;
pub use fleet::{Fleet, Order, Steer};
pub use manifest::{Manifest, ManifestError};
pub use wait::Parked;

/// The text of a manifest beside this file. A page of the book is handed its manifests, and has none compiled in.
#[macro_export]
macro_rules! manifest {
    ($file:literal) => {
        if cfg!(target_family = "wasm") { "" } else { include_str!($file) }
    };
}

/// A crate full of incidents.
#[derive(Debug)]
pub struct Pack {
    /// The file that it stands in, `file!()`: at the root of the incidents' folders.
    pub file: &'static str,
    /// Its incidents, in the order in which they are taught.
    pub incidents: &'static [&'static Incident],
    /// Its source files, by their paths from its root.
    pub files: fn() -> Vec<Cow<'static, str>>,
    /// The text of such a file.
    pub source: fn(&str) -> Option<&'static str>,
}

impl Pack {
    /// The path from the workspace to its root: empty, or with a `/` at its end.
    pub fn root(&self) -> &'static str {
        self.file.rfind('/').map_or("", |slash| &self.file[..=slash])
    }
}

/// One incident's folder, as the program knows it.
#[derive(Debug)]
pub struct Incident {
    /// The module that its metrics come from, `module_path!()`.
    pub module: &'static str,
    /// The file that it stands in, `file!()`: in the incident's folder.
    pub file: &'static str,
    /// The text of `incident.toml`.
    pub manifest_toml: &'static str,
    /// Metrics that code outside its folder registers for it.
    pub shares: &'static [&'static str],
    /// The variants' code.
    pub variants: &'static [Variant],
    /// Start of the exercise; none if the incident has no exercise.
    pub exercise: Option<exercise::Start>,
}

impl Incident {
    /// The path of its folder, as compiler and wait sites name it, with a `/` at its end.
    pub fn folder(&self) -> &'static str {
        self.file.rfind('/').map_or("", |slash| &self.file[..=slash])
    }

    /// The name of its folder: its id, with `_` for `-`.
    pub fn name(&self) -> &'static str {
        self.module.rsplit("::").next().unwrap_or(self.module)
    }
}

/// The code of one variant.
#[derive(Debug)]
pub struct Variant {
    /// Name, as in the manifest.
    pub name: &'static str,
    /// Puts its layers into the chain.
    pub install: Install,
    /// Decides what happens to the release, where that is what the incident is about.
    pub steer: Option<Steer>,
}

/// The bugs that are on: incident id to variant.
pub type Bugs = BTreeMap<String, String>;

/// A name that is not known, and the known one that is nearest to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{name}`{}", hint(.nearest.as_deref(), .known))]
pub struct Unknown {
    /// Kind of the name: "incident", "variant", "parameter" …
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
        // Several incidents may turn the same parameter.
        let mut known: Vec<String> = known.into_iter().map(str::to_owned).collect();
        let mut seen = std::collections::BTreeSet::new();
        known.retain(|name| seen.insert(name.clone()));
        let typed = name.to_lowercase();
        let likeness = |known: &str| strsim::jaro_winkler(&typed, &known.to_lowercase());
        let nearest = known
            .iter()
            .map(|candidate| (likeness(candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate.clone());
        Self { kind, name: name.to_owned(), nearest, known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_capitals_is_near_the_known_one() {
        let near =
            |name: &str| Unknown::new("incident", name, ["pool-leak", "hot-resource"]).nearest;
        assert_eq!(near("POOL-LEAK").as_deref(), Some("pool-leak"));
        assert_eq!(near("Hot_Resource").as_deref(), Some("hot-resource"));
        assert_eq!(near("xyz"), None);
    }
}
