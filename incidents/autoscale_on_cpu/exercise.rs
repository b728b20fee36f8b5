//! The number of instances of a shop: one more when the CPUs are busy.
//!
//! `steer` is asked ten times a second, and sees every instance. Change it so that:
//!
//! * within two seconds after the traffic rises to what three instances can serve, at least 97 of 100 requests are
//!   answered, and it stays like that;
//! * when the traffic rises further, to more than the database can serve, at least 65 of 100 requests are answered.
//!
//! What you need to know:
//!
//! * An instance has 10 workers; each request keeps one for about 100 ms, which the database needs. 50 requests may
//!   wait in an instance, and clients wait for one second.
//! * All instances share one database. `fleet.params["store_capacity"]` is the number of queries that it works on at
//!   once: 30 today, 40 elsewhere.
//! * `fleet.metric("workers_waited_for")` is the number of requests that wait for a worker, in all instances;
//!   `fleet.metric("workers_busy")` that of the workers that have one.
//! * `Order::Scale { instances }` starts or ends instances. Of one that ends the requests in progress fail. There are at
//!   least two, and at most eight. `fleet.since_order_s` is the time since the last order.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{MOST, release};

/// Decides how many instances there are.
pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    let instances = fleet.instances.len();
    let cpu_percent = fleet.instances.iter().map(|instance| instance.cpu_percent).sum::<f64>();
    let is_busy = cpu_percent / instances as f64 > 60.0;
    let may = instances < MOST && fleet.since_order_s >= 1.0;
    (is_busy && may).then_some(Order::Scale { instances: instances + 1 })
}
