//! Pages that are open unless somebody closes them; and an account that came
//! with the software.

mod account;
mod broken;
mod exercise;
mod fixed;
mod prefix;
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
        Variant { name: "prefix", install: prefix::install, steer: None },
        Variant { name: "account", install: account::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
    exercise: Some(Start {
        form: Variant { name: YOURS, install: exercise::install, steer: None },
        files: &["open_by_default/shared.rs"],
    }),
};
