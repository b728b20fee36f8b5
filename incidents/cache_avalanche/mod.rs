//! A news site: its articles come from a cache, and one day all of them from the database.

pub mod broken;
mod exercise;
mod fixed;
mod jitter;
mod no_fallback;
pub mod shared;

use firedrill_core::incident::exercise::{Start, YOURS};
use firedrill_core::incident::{Incident, Variant};

/// The incident, for the catalogue.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &["cache_entries", "cache_expiring", "cache_hits", "cache_misses", "cache_errors"],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "jitter", install: jitter::install, steer: None },
        Variant { name: "no-fallback", install: no_fallback::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["cache_avalanche/shared.rs"],
    }),
};
