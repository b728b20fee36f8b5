//! A cheat: few requests for one instance, forever.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;

pub fn steer(fleet: &Fleet) -> Option<Order> {
    let says = "few requests".to_owned();
    (fleet.orders == 0).then_some(Order::Release { instances: 1, share_percent: 4.0, says })
}
