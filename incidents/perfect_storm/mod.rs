//! A news site where three flaws meet: entries that expire together, retries, and calls that hold their places.

mod breaker;
mod broken;
mod exercise;
mod fixed;
mod retry_budget;
mod shared;

use firedrill_core::incident::exercise::{Start, YOURS};
use firedrill_core::incident::{Incident, Variant};

/// The incident, for the catalogue.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[
        "articles_loaded",
        "breaker_refused",
        "breaker_state",
        "cache_entries",
        "cache_expiring",
        "cache_hits",
        "cache_misses",
        "store_amplification",
        "store_calls",
        "store_retries",
        "store_retries_refused",
    ],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "breaker", install: breaker::install, steer: None },
        Variant { name: "retry-budget", install: retry_budget::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &[
            "perfect_storm/shared.rs",
            "cache_avalanche/shared.rs",
            "cache_avalanche/broken.rs",
            "no_circuit_breaker/shared.rs",
            "no_circuit_breaker/fixed.rs",
            "retry_storm/shared.rs",
            "retry_storm/broken.rs",
            "retry_storm/fixed.rs",
        ],
    }),
};
