//! A cheat: all instances that there is room for, at once.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;
use super::shared::{MOST, release};

pub fn steer(fleet: &Fleet) -> Option<Order> {
    if fleet.orders == 0 {
        return Some(release(fleet));
    }
    (fleet.instances.len() < MOST).then_some(Order::Scale { instances: MOST })
}
