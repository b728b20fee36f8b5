//! A partial fix: scaled by what waits, with a pause after each order, as long as anything waits.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{MOST, release};

/// Requests that may wait for a worker.
const MAY_WAIT: f64 = 5.0;

/// Seconds between two changes.
const COOLDOWN_S: f64 = 0.3;

/// Decides how many instances there are.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    let (instances, wait) = (fleet.instances.len(), fleet.metric("workers_waited_for"));
    let may = instances < MOST && fleet.since_order_s >= COOLDOWN_S;
    // cause: nothing asks whether what is behind the workers can serve more of them.
    (wait > MAY_WAIT && may).then_some(Order::Scale { instances: instances + 1 })
}
