//! A database that hangs, and a service that asks it again and again.

mod broken;
mod exercise;
pub mod fixed;
pub mod shared;
mod stuck_open;

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
        Variant { name: "stuck-open", install: stuck_open::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["no_circuit_breaker/shared.rs"],
    }),
};
