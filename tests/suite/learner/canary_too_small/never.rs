//! A cheat: what is never released does no harm.

use firedrill_core::incident::fleet::{Fleet, Order};

pub use super::shared::install;

pub fn steer(_: &Fleet) -> Option<Order> {
    None
}
