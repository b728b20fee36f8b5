//! Three customers on one server, and one of them sends seventeen times as much as before.

mod broken;
mod exercise;
mod fixed;
mod quota;
mod shared;

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
        Variant { name: "quota", install: quota::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["noisy_neighbour/shared.rs"],
    }),
};
