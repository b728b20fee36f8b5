//! A partial fix: scaled by what waits, up and down, at once.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{LEAST, MOST, release};

/// Requests that may wait for a worker.
const MAY_WAIT: f64 = 5.0;

/// Seconds between two looks.
const LOOKS_S: f64 = 0.4;

/// Decides how many instances there are.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    if fleet.since_order_s < LOOKS_S {
        return None;
    }
    let (instances, wait) = (fleet.instances.len(), fleet.metric("workers_waited_for"));
    // cause: an instance that has just made the queue vanish goes as soon as it has vanished.
    if wait > MAY_WAIT {
        (instances < MOST).then_some(Order::Scale { instances: instances + 1 })
    } else {
        (instances > LEAST).then_some(Order::Scale { instances: instances - 1 })
    }
}
