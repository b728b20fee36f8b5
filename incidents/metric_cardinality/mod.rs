//! The monitoring middleware of the post-mortem, which labels its metrics by the path of the request.

mod broken;
mod capped;
mod fixed;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use firedrill_core::incident::{Incident, Variant};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

/// What the catalogue knows of it.
pub static INCIDENT: Incident = Incident {
    module: module_path!(),
    file: file!(),
    manifest_toml: firedrill_core::manifest!("incident.toml"),
    shares: &[],
    variants: &[
        Variant { name: "broken", install: broken::install, steer: None },
        Variant { name: "capped", install: capped::install, steer: None },
        Variant { name: "fixed", install: fixed::install, steer: None },
    ],
};

fn describe() {
    describe_counter!("monitored_started", Unit::Count, "requests that came, by method and path");
    describe_counter!("monitored_requests", Unit::Count, "requests by method, path and status");
    describe_histogram!("monitored_seconds", Unit::Seconds, "their time to the answer");
    describe_gauge!("monitored_last_failed", Unit::Count, "1 where the last one failed, else 0");
}

/// Counts a request that has come: a series for each method and path.
fn start(method: &Method, path: &str) {
    let labels = [("method", method.to_string()), ("path", path.to_owned())];
    counter!("monitored_started", &labels).increment(1);
}

/// Counts and times an answer: three series more for each set of labels.
fn record(method: &Method, path: &str, status: StatusCode, took: Duration) {
    let labels =
        [("method", method.to_string()), ("path", path.to_owned()), ("status", status.to_string())];
    counter!("monitored_requests", &labels).increment(1);
    histogram!("monitored_seconds", &labels).record(took.as_secs_f64());
    gauge!("monitored_last_failed", &labels).set(f64::from(u8::from(status.is_server_error())));
}
