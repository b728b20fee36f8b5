//! The roll-out of that night: what is released piles requests up under load, and the canary gets too few
//! to show it.
//!
//! `steer` is asked ten times a second, and sees every instance. Change it so that a release that does harm
//! is taken back before it reaches more than one instance, with at most 3 % of all requests hurt. The canary
//! is to get traffic, and a release that does no harm is to reach all instances.

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
