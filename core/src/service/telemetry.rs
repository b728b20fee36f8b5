//! Slot `metrics`: for every request its path, status and duration.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    let requests = env.shared(|| {
        let requests = Arc::new(Requests::new());
        let collected = Arc::clone(&requests);
        env.collect(move || collected.collect());
        requests
    });
    routes.layer(Measure(Arc::clone(&requests)))
}

/// Threads beyond this many share a shard.
const SHARDS: usize = 16;

/// Durations that a shard keeps before it hands them on by itself.
const PENDING: usize = 4096;

/// Requests, counted a shard for each thread, so that no two threads write to one place; handed
/// on to the metrics before those are read.
struct Requests {
    shards: [Mutex<Shard>; SHARDS],
    in_flight: Gauge,
    /// Looks at the metrics since error rates were told last.
    looks: AtomicUsize,
    rates: Mutex<Rates>,
}

/// Looks at the metrics, ten a second, over which an error rate goes.
const LOOKS: usize = 10;

/// Destination of requests: method and path.
type At = (&'static str, String);

/// Base values of the error rates.
#[derive(Default)]
struct Rates {
    /// Requests of each route that had ended when the rates were told last.
    ended: BTreeMap<At, u64>,
    /// The same of each error, with its gauge; by route and status.
    errors: BTreeMap<(At, u16), (u64, Gauge)>,
}

/// Counts of one thread.
#[derive(Default)]
struct Shard {
    started: u64,
    ended: u64,
    /// By route; as many as there are methods and statuses in use.
    routes: HashMap<String, Vec<RequestSeries>>,
}

/// The requests of one method and status; status 0: dropped before they had one.
struct RequestSeries {
    method: &'static str,
    status: u16,
    /// All of them.
    ended: u64,
    count: Counter,
    duration: Histogram,
    pending_s: Vec<f64>,
}

impl Requests {
    fn new() -> Self {
        describe_counter!("httpRequestCount", Unit::Count, "requests by method, path, status");
        describe_histogram!("httpRequestDuration", Unit::Seconds, "time to the answer");
        describe_gauge!("http_requests_in_flight", Unit::Count, "requests inside the service");
        describe_gauge!(
            "httpErrorRate",
            "share of a route's requests that ended with this error, over about a second"
        );
        Self {
            shards: Default::default(),
            in_flight: gauge!("http_requests_in_flight"),
            looks: AtomicUsize::new(0),
            rates: Mutex::default(),
        }
    }

    /// The shard of this thread.
    fn shard(&self) -> MutexGuard<'_, Shard> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        // A thread that ends drops its futures when its locals may be gone already.
        let thread = THREAD.try_with(|thread| *thread).unwrap_or_default();
        self.shards[thread % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the metrics up to date.
    fn collect(&self) {
        let (mut started, mut ended) = (0, 0);
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            started += shard.started;
            ended += shard.ended;
            shard.routes.values_mut().flatten().for_each(RequestSeries::hand_on);
        }
        self.in_flight.set(started as f64 - ended as f64);
        if self.looks.fetch_add(1, Ordering::Relaxed) % LOOKS == LOOKS - 1 {
            self.tell_rates();
        }
    }

    /// The share of a route's requests that ended with each error: a status from 500 on, or none. Gauges, as the
    /// post-mortem has them: they cannot be added up over instances, which counts can.
    fn tell_rates(&self) {
        let mut ended: BTreeMap<At, u64> = BTreeMap::new();
        let mut errors: BTreeMap<(At, u16), u64> = BTreeMap::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (path, kinds) in &shard.routes {
                for kind in kinds {
                    let route = (kind.method, path.clone());
                    if kind.status == 0 || kind.status >= 500 {
                        *errors.entry((route.clone(), kind.status)).or_default() += kind.ended;
                    }
                    *ended.entry(route).or_default() += kind.ended;
                }
            }
        }
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let Rates { ended: ended_before, errors: told } = &mut *rates;
        for ((route, status), count) in errors {
            let all = ended[&route] - ended_before.get(&route).copied().unwrap_or_default();
            let (before, shown) = told.entry((route, status)).or_insert_with_key(|(route, _)| {
                (0, gauge!("httpErrorRate", &labels(route.0, &route.1, status)))
            });
            let share = (count - std::mem::replace(before, count)) as f64 / all.max(1) as f64;
            shown.set(share);
        }
        *ended_before = ended;
    }
}

/// The labels of all that is told of requests; status 0: dropped before they had one.
fn labels(method: &'static str, path: &str, status: u16) -> [(&'static str, String); 3] {
    let named = if status == 0 { "dropped".to_owned() } else { status.to_string() };
    [("method", method.to_owned()), ("path", path.to_owned()), ("status", named)]
}

impl Shard {
    fn record(&mut self, method: &Method, path: &str, status: u16, seconds: f64) {
        self.ended += 1;
        if !self.routes.contains_key(path) {
            self.routes.insert(path.to_owned(), Vec::new());
        }
        let Some(kinds) = self.routes.get_mut(path) else { return };
        let method = known(method);
        let same = |kind: &RequestSeries| kind.status == status && kind.method == method;
        let at = kinds.iter().position(same).unwrap_or_else(|| {
            kinds.push(RequestSeries::new(method, path, status));
            kinds.len() - 1
        });
        kinds[at].ended += 1;
        kinds[at].pending_s.push(seconds);
        if kinds[at].pending_s.len() >= PENDING {
            kinds[at].hand_on();
        }
    }
}

/// A method's name; of one that nobody knows, that it is another one: a client that makes up methods
/// shall not make up series.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

impl RequestSeries {
    fn new(method: &'static str, path: &str, status: u16) -> Self {
        let labels = labels(method, path, status);
        Self {
            method,
            status,
            ended: 0,
            count: counter!("httpRequestCount", &labels),
            duration: histogram!("httpRequestDuration", &labels),
            pending_s: Vec::new(),
        }
    }

    fn hand_on(&mut self) {
        self.count.increment(self.pending_s.len() as u64);
        for seconds in self.pending_s.drain(..) {
            self.duration.record(seconds);
        }
    }
}

/// The post-mortem's names of metrics, each with the name by the conventions of Prometheus.
const CONVENTIONAL: [(&str, &str); 2] = [
    ("httpRequestCount", "http_requests_total"),
    ("httpRequestDuration", "http_request_duration_seconds"),
];

/// The text of `/metrics` with these metrics under both of their names.
pub fn with_conventional_names(mut text: String) -> String {
    let mut more = String::new();
    for (name, conventional) in CONVENTIONAL {
        for line in text.lines() {
            let Some((before @ ("" | "# HELP " | "# TYPE "), rest)) = line.split_once(name) else {
                continue;
            };
            // `httpRequestDuration_sum` belongs to it, `httpRequestDurations` would not.
            if rest.starts_with([' ', '{', '_']) {
                more.extend([before, conventional, rest, "\n"]);
            }
        }
    }
    text.push_str(&more);
    text
}

/// One request under way; recorded when dropped, so that a panic or a cancellation counts too.
struct InFlightRequest {
    requests: Arc<Requests>,
    method: Method,
    path: Option<MatchedPath>,
    started: Instant,
    status: u16,
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        let path = self.path.as_ref().map_or("(none)", MatchedPath::as_str);
        self.requests.shard().record(&self.method, path, self.status, seconds);
    }
}

/// A layer by hand, not `from_fn`: every request passes here, and pays for each box on the way.
#[derive(Clone)]
struct Measure(Arc<Requests>);

impl Layer<Route> for Measure {
    type Service = Measured;

    fn layer(&self, inner: Route) -> Measured {
        Measured { inner: Arc::new(inner), requests: Arc::clone(&self.0) }
    }
}

#[derive(Clone)]
struct Measured {
    /// Shared, because cloning a route clones every layer inside it, and each layer outside this
    /// one clones all that it holds, for every request.
    inner: Arc<Route>,
    requests: Arc<Requests>,
}

impl Service<Request> for Measured {
    type Response = Response;
    type Error = <Route as Service<Request>>::Error;
    type Future = Measuring<<Route as Service<Request>>::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A route is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.requests.shard().started += 1;
        let in_flight = InFlightRequest {
            requests: Arc::clone(&self.requests),
            method: request.method().clone(),
            path: request.extensions().get::<MatchedPath>().cloned(),
            started: Instant::now(),
            status: 0,
        };
        let inner = Route::clone(&self.inner).call(request);
        Measuring { inner, in_flight: Some(in_flight) }
    }
}

pin_project! {
    struct Measuring<F> {
        #[pin]
        inner: F,
        in_flight: Option<InFlightRequest>,
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
        if let (Some(mut in_flight), Ok(response)) = (this.in_flight.take(), &answer) {
            in_flight.status = response.status().as_u16();
        }
        Poll::Ready(answer)
    }
}
