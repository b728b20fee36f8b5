//! The fix: a full share, judged against the other instances over the same time, on errors and on
//! what comes before errors: requests that pile up. Taken back by itself.

use firedrill_core::incident::fleet::{Fleet, Order, bad_percent};

use super::shared::WATCHED_S;
pub use super::shared::install;

/// Fewer requests than this say nothing.
const ENOUGH: u64 = 20;

/// Errors beyond those of the others that a release may have, in percent.
const WORSE_PERCENT: f64 = 2.0;

/// Tasks beyond twice those of the others that it may hold.
const PILED_UP: u64 = 15;

/// Decides what happens to the release.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    let all = fleet.instances.len();
    if fleet.orders == 0 {
        return Some(Order::release(1, all, "canary: one instance, its full share"));
    }
    let canary = fleet.canaries().next().filter(|_| fleet.canaries().count() < all)?;
    if canary.sent < ENOUGH {
        return None;
    }
    // fix: what is compared is the canary with its neighbours, now.
    let usual = fleet.others().map(|other| other.tasks).max().unwrap_or(0);
    if canary.tasks > 2 * usual + PILED_UP {
        return Some(Order::roll_back("requests pile up in the canary, and in no other: back"));
    }
    if bad_percent(fleet.canaries()) > bad_percent(fleet.others()) + WORSE_PERCENT {
        return Some(Order::roll_back("the canary fails more than the others: back"));
    }
    (fleet.since_order_s >= WATCHED_S)
        .then(|| Order::release(all, all, "the canary does as well as the others: promoted"))
}
