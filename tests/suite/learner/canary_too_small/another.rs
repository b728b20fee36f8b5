//! A solution written otherwise: the canary is watched for its share of all tasks, and for longer.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;

pub fn steer(fleet: &Fleet) -> Option<Order> {
    let all = fleet.instances.len();
    if fleet.orders == 0 {
        return Some(Order::release(1, all, "one instance first"));
    }
    let canary = fleet.canaries().next().filter(|_| fleet.canaries().count() == 1)?;
    let others: u64 = fleet.others().map(|other| other.tasks).sum();
    if canary.sent > 10 && canary.tasks > others + 10 {
        return Some(Order::roll_back("the canary holds more than all others"));
    }
    (fleet.since_order_s > 6.0).then(|| Order::release(all, all, "it is well"))
}
