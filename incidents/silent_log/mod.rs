//! An error that nobody hears of: it is swallowed on its way up, and what it leaves behind brings the
//! service down.

mod broken;
mod exercise;
mod fixed;
mod named;
mod no_cause;
mod reported;
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
        Variant { name: "no-cause", install: no_cause::install, steer: None },
        Variant { name: "named", install: named::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["silent_log/shared.rs", "silent_log/reported.rs"],
    }),
};
