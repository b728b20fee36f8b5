//! A shop that is scaled by the load of its CPUs, while its requests wait for something else.

mod broken;
mod exercise;
mod fixed;
mod flapping;
mod shared;
mod too_far;

use firedrill_core::incident::exercise::{Start, YOURS};
use firedrill_core::incident::{Incident, Variant};

/// The incident, for the catalogue.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: Some(broken::steer) },
        Variant { name: "flapping", install: flapping::install, steer: Some(flapping::steer) },
        Variant { name: "too-far", install: too_far::install, steer: Some(too_far::steer) },
        Variant { name: "fixed", install: fixed::install, steer: Some(fixed::steer) },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: Some(exercise::steer) },
        files: &["autoscale_on_cpu/shared.rs"],
    }),
};
