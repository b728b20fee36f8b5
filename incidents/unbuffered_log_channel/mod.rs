//! A log channel without a buffer: every request waits for one slow writer.

pub(crate) mod broken;
mod buffered;
mod cancelled;
mod exercise;
mod fixed;
mod shared;
mod timed;

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
        Variant { name: "buffered", install: buffered::install, steer: None },
        Variant { name: "cancelled", install: cancelled::install, steer: None },
        Variant { name: "timed", install: timed::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["unbuffered_log_channel/shared.rs"],
    }),
};
