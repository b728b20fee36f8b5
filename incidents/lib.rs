//! firedrill's own incidents, in the order in which they are taught: one line each.
//!
//! The first pack; one of your own looks the same, and depends on `firedrill-core` alone.

use std::borrow::Cow;

use firedrill_core::incident::{Incident, Pack};

mod autoscale_on_cpu;
mod cache_avalanche;
mod canary_too_small;
mod chaos_left_on;
mod context_key_clash;
mod expired_certificate;
mod fixed_timeout;
mod hot_resource;
mod metric_cardinality;
mod middleware_order;
mod missing_recover;
mod no_circuit_breaker;
mod no_priority;
mod noisy_neighbour;
mod one_switch;
mod open_by_default;
mod perfect_storm;
mod pool_leak;
mod retry_storm;
mod silent_log;
mod unbounded_queue;
mod unbuffered_log_channel;
mod version_skew;

/// All incidents of this pack.
pub static ALL: &[&Incident] = &[
    &unbuffered_log_channel::INCIDENT,
    &canary_too_small::INCIDENT,
    &missing_recover::INCIDENT,
    &middleware_order::INCIDENT,
    &pool_leak::INCIDENT,
    &retry_storm::INCIDENT,
    &unbounded_queue::INCIDENT,
    &no_priority::INCIDENT,
    &fixed_timeout::INCIDENT,
    &hot_resource::INCIDENT,
    &noisy_neighbour::INCIDENT,
    &no_circuit_breaker::INCIDENT,
    &cache_avalanche::INCIDENT,
    &autoscale_on_cpu::INCIDENT,
    &perfect_storm::INCIDENT,
    &metric_cardinality::INCIDENT,
    &context_key_clash::INCIDENT,
    &one_switch::INCIDENT,
    &open_by_default::INCIDENT,
    &silent_log::INCIDENT,
    &chaos_left_on::INCIDENT,
    &expired_certificate::INCIDENT,
    &version_skew::INCIDENT,
];

/// The pack, with the source of its incidents.
pub static PACK: Pack = Pack { file: file!(), incidents: ALL, files, source };

#[derive(rust_embed::Embed)]
#[folder = "."]
#[include = "*.rs"]
#[exclude = "examples/*"]
struct Folders;

fn files() -> Vec<Cow<'static, str>> {
    Folders::iter().collect()
}

fn source(file: &str) -> Option<&'static str> {
    match Folders::get(file)?.data {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok(),
        // Only a build that reads files as it runs has these.
        Cow::Owned(_) => None,
    }
}
