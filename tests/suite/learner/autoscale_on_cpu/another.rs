//! A solution written otherwise: as many instances as busy workers need with a reserve, computed, never fewer again.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{LEAST, WORKERS, release};

/// Share of the workers that are to be busy.
const AIM: f64 = 0.85;

pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    let capacity = fleet.params["store_capacity"] as usize / WORKERS;
    let demand = fleet.metric("workers_busy") + fleet.metric("workers_waited_for") / 2.0;
    let wanted = (demand / AIM / WORKERS as f64).ceil() as usize;
    let wanted = wanted.clamp(LEAST, capacity.max(LEAST));
    (wanted > fleet.instances.len()).then_some(Order::Scale { instances: wanted })
}
