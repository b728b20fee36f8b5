//! A limit on the requests that are worked on, and none on those that wait.

mod bounded;
mod broken;
mod exercise;
mod fixed;
mod lifo;
mod longer;
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
        Variant { name: "longer", install: longer::install, steer: None },
        Variant { name: "lifo", install: lifo::install, steer: None },
        Variant { name: "bounded", install: bounded::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["unbounded_queue/shared.rs"],
    }),
};
