//! What the forms share: what is released.

use firedrill_core::incident::{Chain, Slot};

/// Seconds that a canary is watched.
pub const WATCHED_S: f64 = 4.0;

/// What is released: the same in every variant. They differ in how it is rolled out.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, crate::unbuffered_log_channel::broken::log);
}
