//! Code shared by the variants: coupons, and the job that mails a receipt.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter};
use serde::Deserialize;

/// A coupon that a customer redeems.
#[derive(Debug, Deserialize)]
pub struct Coupon {
    percent: u32,
    email: String,
}

impl Coupon {
    /// Bonus points. Nobody thought of a coupon for 100 percent: that divides by zero.
    pub fn points(&self) -> u32 {
        1000 / (100 - self.percent)
    }
}

/// Points given out so far.
#[derive(Debug, Default)]
pub struct Ledger {
    points: u64,
}

impl Ledger {
    pub fn add(&mut self, points: u32) {
        self.points += u64::from(points);
    }
}

/// The background job: mails a receipt. Nobody thought of an address without an `@`.
pub async fn mail_receipt(coupon: Coupon) {
    describe_counter!("receipts_asked", Unit::Count, "receipts that requests asked for");
    describe_counter!("receipts_mailed", Unit::Count, "receipts that went out");
    counter!("receipts_asked").increment(1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (_name, _host) = coupon.email.split_once('@').expect("an address has an @");
    counter!("receipts_mailed").increment(1);
}
