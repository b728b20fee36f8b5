//! Slot `metrics`: for every request its path, status and duration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use metrics::{Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge};
use metrics::{describe_histogram, gauge, histogram};
use tokio::time::Instant;

use crate::incident::Env;

/// Wraps the routes.
pub fn install(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(Requests::new), measure))
}

/// Method, route and status; 0 for a request that was dropped before it had one.
type Kind = (Method, String, u16);

/// The handles of all kinds of requests seen so far: as many as there are routes, methods and
/// statuses in use.
struct Requests {
    in_flight: Gauge,
    kinds: Mutex<HashMap<Kind, (Counter, Histogram)>>,
}

impl Requests {
    fn new() -> Self {
        describe_counter!("http_requests_total", Unit::Count, "requests by method, path, status");
        describe_histogram!("http_request_duration_seconds", Unit::Seconds, "time to the answer");
        describe_gauge!("http_requests_in_flight", Unit::Count, "requests inside the service");
        Self { in_flight: gauge!("http_requests_in_flight"), kinds: Mutex::default() }
    }

    fn record(&self, kind: Kind, seconds: f64) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, duration) = kinds.entry(kind).or_insert_with_key(|(method, path, status)| {
            let status = if *status == 0 { "dropped".to_owned() } else { status.to_string() };
            let labels =
                [("method", method.to_string()), ("path", path.clone()), ("status", status)];
            (
                counter!("http_requests_total", &labels),
                histogram!("http_request_duration_seconds", &labels),
            )
        });
        count.increment(1);
        duration.record(seconds);
    }
}

/// One request under way; recorded when dropped, so that a panic or a cancellation counts too.
struct UnderWay {
    requests: Arc<Requests>,
    method: Method,
    path: String,
    started: Instant,
    status: u16,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.requests.in_flight.decrement(1);
        let kind = (self.method.clone(), std::mem::take(&mut self.path), self.status);
        self.requests.record(kind, self.started.elapsed().as_secs_f64());
    }
}

async fn measure(
    State(requests): State<Arc<Requests>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    requests.in_flight.increment(1);
    let method = request.method().clone();
    let path = path.map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let mut under_way = UnderWay { requests, method, path, started: Instant::now(), status: 0 };
    let response = next.run(request).await;
    under_way.status = response.status().as_u16();
    response
}
