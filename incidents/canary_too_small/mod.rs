//! The canary release that carried the outage: the unbuffered log channel, to one of five instances.

mod average;
mod broken;
mod exercise;
mod fixed;
mod shared;

use firedrill_core::incident::exercise::{Start, YOURS};
use firedrill_core::incident::{Incident, Variant};

/// The incident, for the catalogue.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &["log_queue", "log_queue_capacity", "log_lines_written"],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: Some(broken::steer) },
        Variant { name: "average", install: average::install, steer: Some(average::steer) },
        Variant { name: "fixed", install: fixed::install, steer: Some(fixed::steer) },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: Some(exercise::steer) },
        files: &[
            "canary_too_small/shared.rs",
            "unbuffered_log_channel/broken.rs",
            "unbuffered_log_channel/shared.rs",
        ],
    }),
};
