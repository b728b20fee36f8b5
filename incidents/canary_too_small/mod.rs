//! The canary release that carried the outage: the unbuffered log channel, to one of five instances.

mod average;
mod broken;
mod fixed;

use firedrill_core::incident::{Chain, Incident, Slot, Variant};

/// What the catalogue knows of it.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &["log_queue", "log_queue_capacity", "log_lines_written"],
    variants: &[
        Variant { name: "broken", install: release, steer: Some(broken::steer) },
        Variant { name: "average", install: release, steer: Some(average::steer) },
        Variant { name: "fixed", install: release, steer: Some(fixed::steer) },
    ],
};

/// Seconds that a canary is watched.
const WATCHED_S: f64 = 4.0;

/// What is released: the same in every variant. They differ in how it is rolled out.
fn release(chain: &mut Chain) {
    chain.layer(Slot::Log, crate::unbuffered_log_channel::log);
}
