//! The roll-out of that night: one instance gets the release, and 4 % of the requests. Nothing goes
//! wrong with them, so all get it.

use firedrill_core::incident::fleet::{Fleet, Order, bad_percent};

use super::shared::WATCHED_S;
pub use super::shared::install;

/// The share of the canary: few shall be hurt.
const SHARE_PERCENT: f64 = 4.0;

/// Errors from which on a release is taken back, in percent.
const TOO_MANY_PERCENT: f64 = 1.0;

/// Decides what happens to the release.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    let all = fleet.instances.len();
    match (fleet.orders, fleet.canaries().count()) {
        (0, _) => {
            let says = "canary: one instance, few requests".to_owned();
            // cause: so few requests are fewer than the lines that the log's writer takes: what breaks
            // under load is not under load.
            Some(Order::Release { instances: 1, share_percent: SHARE_PERCENT, says })
        }
        (_, 1) if fleet.since_order_s >= WATCHED_S => {
            if bad_percent(fleet.canaries()) > TOO_MANY_PERCENT {
                return Some(Order::roll_back("the canary fails: back"));
            }
            Some(Order::release(all, all, "the canary is green: promoted"))
        }
        _ => None,
    }
}
