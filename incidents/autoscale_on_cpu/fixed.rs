//! The fix: scaled by what waits, and by CPU, slowly down, and never beyond what the database can serve.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{LEAST, MOST, WORKERS, release};

/// Requests that may wait for a worker.
const MAY_WAIT: f64 = 5.0;

/// Use of the CPUs above which an instance is added, in percent.
const BUSY_PERCENT: f64 = 60.0;

/// Seconds between an order and one for an instance more.
const COOLDOWN_UP_S: f64 = 0.5;

/// Seconds between an order and one for an instance less.
const COOLDOWN_DOWN_S: f64 = 5.0;

/// Share of the workers that may be busy with an instance less.
const SPARE: f64 = 0.6;

/// Decides how many instances there are.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    let instances = fleet.instances.len();
    let cpu_percent = fleet.instances.iter().map(|instance| instance.cpu_percent).sum::<f64>();
    let (wait, busy) = (fleet.metric("workers_waited_for"), fleet.metric("workers_busy"));
    // fix: more workers than the database can serve make a longer queue, and nothing else.
    let capacity = fleet.params.get("store_capacity").copied().unwrap_or_default();
    let most = ((capacity / WORKERS as f64) as usize).clamp(LEAST, MOST);
    let wants_more = wait > MAY_WAIT || cpu_percent / instances as f64 > BUSY_PERCENT;
    if wants_more && instances < most && fleet.since_order_s >= COOLDOWN_UP_S {
        return Some(Order::Scale { instances: instances + 1 });
    }
    let fewer = (instances - 1) * WORKERS;
    let has_spare = busy < SPARE * fewer as f64 && instances > LEAST;
    (has_spare && fleet.since_order_s >= COOLDOWN_DOWN_S)
        .then_some(Order::Scale { instances: instances - 1 })
}
