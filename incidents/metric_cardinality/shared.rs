//! Code shared by the variants: the series of a request.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

pub fn describe() {
    describe_counter!("monitored_started", Unit::Count, "requests that came, by method and path");
    describe_counter!("monitored_requests", Unit::Count, "requests by method, path and status");
    describe_histogram!("monitored_seconds", Unit::Seconds, "their time to the answer");
    describe_gauge!("monitored_last_failed", Unit::Count, "1 where the last one failed, else 0");
}

/// Counts a request that has come: a series for each method and path.
pub fn start(method: &Method, path: &str) {
    let labels = [("method", method.to_string()), ("path", path.to_owned())];
    counter!("monitored_started", &labels).increment(1);
}

/// Counts and times an answer: three series more for each set of labels.
pub fn record(method: &Method, path: &str, status: StatusCode, took: Duration) {
    let labels =
        [("method", method.to_string()), ("path", path.to_owned()), ("status", status.to_string())];
    counter!("monitored_requests", &labels).increment(1);
    histogram!("monitored_seconds", &labels).record(took.as_secs_f64());
    gauge!("monitored_last_failed", &labels).set(f64::from(u8::from(status.is_server_error())));
}
