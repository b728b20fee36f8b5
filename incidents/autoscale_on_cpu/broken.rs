//! Scaled by CPU: an instance more when the CPUs are busy.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{MOST, release};

/// Use of the CPUs above which an instance is added, in percent.
const BUSY_PERCENT: f64 = 60.0;

/// Seconds between two changes.
const COOLDOWN_S: f64 = 1.0;

/// Decides how many instances there are.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    let instances = fleet.instances.len();
    let cpu_percent = fleet.instances.iter().map(|instance| instance.cpu_percent).sum::<f64>();
    // cause: a worker that waits for the database needs no CPU.
    let is_busy = cpu_percent / instances as f64 > BUSY_PERCENT;
    let may = instances < MOST && fleet.since_order_s >= COOLDOWN_S;
    (is_busy && may).then_some(Order::Scale { instances: instances + 1 })
}
