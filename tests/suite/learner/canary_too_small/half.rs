//! A partial fix: half of all requests for the canary, and a look at its errors alone.

use firedrill_core::incident::fleet::{Fleet, Order, bad_percent};

pub use super::shared::install;

pub fn steer(fleet: &Fleet) -> Option<Order> {
    let all = fleet.instances.len();
    match (fleet.orders, fleet.canaries().count()) {
        (0, _) => {
            let says = "half of the requests".to_owned();
            Some(Order::Release { instances: 1, share_percent: 50.0, says })
        }
        (_, 1) if fleet.since_order_s > 4.0 => Some(if bad_percent(fleet.canaries()) > 1.0 {
            Order::roll_back("the canary fails")
        } else {
            Order::release(all, all, "it is well")
        }),
        _ => None,
    }
}
