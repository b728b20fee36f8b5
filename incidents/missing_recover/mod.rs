//! Code that panics on some payloads, in a service where nothing recovers.

mod broken;
mod fixed;
mod handlers;
mod rust;

use std::time::Duration;

use metrics::{Unit, counter, describe_counter};
use serde::Deserialize;

use firedrill_core::incident::{Incident, Variant};

/// What the catalogue knows of it.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "handlers", install: handlers::install, steer: None },
        Variant { name: "rust", install: rust::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
};

/// A coupon that a customer redeems.
#[derive(Debug, Deserialize)]
struct Coupon {
    percent: u32,
    email: String,
}

impl Coupon {
    /// Bonus points. Nobody thought of a coupon for 100 percent: that divides by zero.
    fn points(&self) -> u32 {
        1000 / (100 - self.percent)
    }
}

/// Points given out so far.
#[derive(Debug, Default)]
struct Ledger {
    points: u64,
}

impl Ledger {
    fn add(&mut self, points: u32) {
        self.points += u64::from(points);
    }
}

/// The background job: mails a receipt. Nobody thought of an address without an `@`.
async fn mail_receipt(coupon: Coupon) {
    describe_counter!("receipts_asked", Unit::Count, "receipts that requests asked for");
    describe_counter!("receipts_mailed", Unit::Count, "receipts that went out");
    counter!("receipts_asked").increment(1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (_name, _host) = coupon.email.split_once('@').expect("an address has an @");
    counter!("receipts_mailed").increment(1);
}
