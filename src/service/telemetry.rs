//! Slot `metrics`: for every request its path, status and duration.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use axum::routing::Route;
use metrics::{Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge};
use metrics::{describe_histogram, gauge, histogram};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::incident::Env;

/// Wraps the routes.
pub fn install(routes: Router, env: &Env) -> Router {
    routes.layer(Measure(env.shared(Requests::new)))
}

/// The handles for one method and status of a route; status 0: dropped before it had one.
struct Kind {
    method: Method,
    status: u16,
    count: Counter,
    duration: Histogram,
}

/// The handles of all kinds of requests seen so far, by route: as many as there are routes,
/// methods and statuses in use.
struct Requests {
    in_flight: Gauge,
    routes: Mutex<HashMap<String, Vec<Kind>>>,
}

impl Requests {
    fn new() -> Self {
        describe_counter!("http_requests_total", Unit::Count, "requests by method, path, status");
        describe_histogram!("http_request_duration_seconds", Unit::Seconds, "time to the answer");
        describe_gauge!("http_requests_in_flight", Unit::Count, "requests inside the service");
        Self { in_flight: gauge!("http_requests_in_flight"), routes: Mutex::default() }
    }

    fn record(&self, method: &Method, path: &str, status: u16, seconds: f64) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if !routes.contains_key(path) {
            routes.insert(path.to_owned(), Vec::new());
        }
        let Some(kinds) = routes.get_mut(path) else { return };
        let same = |kind: &Kind| kind.status == status && kind.method == *method;
        let at = kinds.iter().position(same).unwrap_or_else(|| {
            kinds.push(Kind::new(method, path, status));
            kinds.len() - 1
        });
        kinds[at].count.increment(1);
        kinds[at].duration.record(seconds);
    }
}

impl Kind {
    fn new(method: &Method, path: &str, status: u16) -> Self {
        let named = if status == 0 { "dropped".to_owned() } else { status.to_string() };
        let labels = [("method", method.to_string()), ("path", path.to_owned()), ("status", named)];
        Self {
            method: method.clone(),
            status,
            count: counter!("http_requests_total", &labels),
            duration: histogram!("http_request_duration_seconds", &labels),
        }
    }
}

/// One request under way; recorded when dropped, so that a panic or a cancellation counts too.
struct UnderWay {
    requests: Arc<Requests>,
    method: Method,
    path: Option<MatchedPath>,
    started: Instant,
    status: u16,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.requests.in_flight.decrement(1);
        let path = self.path.as_ref().map_or("(none)", MatchedPath::as_str);
        self.requests.record(&self.method, path, self.status, self.started.elapsed().as_secs_f64());
    }
}

/// A layer by hand, not `from_fn`: every request passes here, and pays for each box on the way.
#[derive(Clone)]
struct Measure(Arc<Requests>);

impl Layer<Route> for Measure {
    type Service = Measured;

    fn layer(&self, inner: Route) -> Measured {
        Measured { inner, requests: Arc::clone(&self.0) }
    }
}

#[derive(Clone)]
struct Measured {
    inner: Route,
    requests: Arc<Requests>,
}

impl Service<Request> for Measured {
    type Response = Response;
    type Error = <Route as Service<Request>>::Error;
    type Future = Measuring<<Route as Service<Request>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request>::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.requests.in_flight.increment(1);
        let under_way = UnderWay {
            requests: Arc::clone(&self.requests),
            method: request.method().clone(),
            path: request.extensions().get::<MatchedPath>().cloned(),
            started: Instant::now(),
            status: 0,
        };
        Measuring { inner: self.inner.call(request), under_way: Some(under_way) }
    }
}

pin_project! {
    struct Measuring<F> {
        #[pin]
        inner: F,
        under_way: Option<UnderWay>,
    }
}

impl<F, E> Future for Measuring<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(context));
        if let (Some(mut under_way), Ok(response)) = (this.under_way.take(), &answer) {
            under_way.status = response.status().as_u16();
        }
        Poll::Ready(answer)
    }
}
