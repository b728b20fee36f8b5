//! A client of the store that asks again when it fails, and again, and again.

mod backoff;
pub mod broken;
mod exercise;
pub mod fixed;
pub mod shared;

use firedrill_core::incident::exercise::{Start, YOURS};
use firedrill_core::incident::{Incident, Variant};

/// The incident, for the catalogue.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "backoff", install: backoff::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["retry_storm/shared.rs"],
    }),
};
