//! The partial fix: the canary gets its full fifth, and breaks; it is judged by the error rate of the
//! whole fleet, of which it is a fifth.

use firedrill_core::incident::fleet::{Fleet, Order, bad_percent};

use super::shared::WATCHED_S;
pub use super::shared::install;

/// Errors of all instances from which on a release is taken back, in percent.
const TOO_MANY_PERCENT_OF_ALL: f64 = 25.0;

/// Decides what happens to the release.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    let all = fleet.instances.len();
    match (fleet.orders, fleet.canaries().count()) {
        (0, _) => Some(Order::release(1, all, "canary: one instance, its full share")),
        (_, 1) if fleet.since_order_s >= WATCHED_S => {
            // cause: the healthy instances answer for the sick one: a fifth of the requests go to it,
            // so no more than a fifth of all requests can fail.
            if bad_percent(fleet.instances.iter()) > TOO_MANY_PERCENT_OF_ALL {
                return Some(Order::roll_back("too many errors: back"));
            }
            Some(Order::release(all, all, "the average is calm: promoted"))
        }
        _ => None,
    }
}
