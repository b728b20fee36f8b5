//! Code shared by the variants: the release.

use firedrill_core::incident::{Chain, Slot};

/// Seconds that a canary is watched.
pub const WATCHED_S: f64 = 4.0;

/// Installs the release, which is the same in every variant. The variants differ in their rollout.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, crate::unbuffered_log_channel::broken::log);
}
