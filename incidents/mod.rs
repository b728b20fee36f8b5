//! The incidents, in the order in which they are taught: one line each.

use crate::incident::Incident;

mod middleware_order;
mod missing_recover;
mod pool_leak;
mod unbuffered_log_channel;

/// All incidents of this build.
pub static ALL: &[&Incident] = &[
    &unbuffered_log_channel::INCIDENT,
    &missing_recover::INCIDENT,
    &middleware_order::INCIDENT,
    &pool_leak::INCIDENT,
];
