//! A cheat: everything is taken back, whatever it does.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;

pub fn steer(fleet: &Fleet) -> Option<Order> {
    match (fleet.orders, fleet.canaries().count()) {
        (0, _) => {
            let says = "few requests".to_owned();
            Some(Order::Release { instances: 1, share_percent: 2.0, says })
        }
        (_, 1) if fleet.since_order_s > 4.0 => Some(Order::roll_back("back, in any case")),
        _ => None,
    }
}
