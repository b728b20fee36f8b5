//! Code shared by the variants: the workers, and the figures of each class.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::{Class, Context, Env, Parked};
use firedrill_core::service::lines::{self, Arrival, LineState};

/// Workers of a server: requests that it works on at once.
pub const WORKERS: usize = 10;

/// The classes, the most important first.
pub const CLASSES: [Class; 3] = [Class::High, Class::Medium, Class::Low];

/// The workers of this server, and the requests that wait for one.
pub struct Lines(lines::Lines);

/// The decisions of a variant. Classes are 0: high, 1: medium, 2: low.
#[derive(Clone, Copy)]
pub struct Policy {
    /// Returns true if a request of this class may wait, given how many of each class wait already.
    pub admits: fn([usize; 3], usize) -> bool,
    /// The class whose oldest request gets the worker that has become free. It gets the number of the oldest waiting
    /// request of each class, none if no request of that class waits; a lower number has waited longer.
    pub next_class: fn(&Env, [Option<u64>; 3]) -> Option<usize>,
}

/// A policy with what it shares.
struct InEnv<'a>(Policy, &'a Env);

impl lines::Policy for InEnv<'_> {
    fn admits(&self, lines: &LineState, class: usize) -> bool {
        (self.0.admits)([0, 1, 2].map(|class| lines.waiting[class]), class)
    }

    fn next(&self, lines: &LineState) -> Option<usize> {
        let oldest = [0, 1, 2].map(|class| lines.oldest[class]);
        let somebody_waits = oldest.iter().any(Option::is_some);
        somebody_waits.then(|| (self.0.next_class)(self.1, oldest)).flatten()
    }
}

/// The index of a class in [`CLASSES`].
pub fn index(class: Class) -> usize {
    CLASSES.iter().position(|known| *known == class).unwrap_or(1)
}

/// The waiting requests of this server.
pub fn lines(env: &Env) -> Arc<Lines> {
    struct Shared(Arc<Lines>);
    let shared = env.shared(|| {
        describe_gauge!("class_waiting", Unit::Count, "requests that wait for a worker, by class");
        describe_counter!("class_served", Unit::Count, "requests served, by class");
        describe_counter!("class_refused", Unit::Count, "requests refused, by class");
        for class in CLASSES {
            counter!("class_served", "class" => class.word()).increment(0);
            counter!("class_refused", "class" => class.word()).increment(0);
        }
        let lines = Arc::new(Lines(lines::Lines::new(WORKERS, CLASSES.len())));
        let shown = Arc::clone(&lines);
        env.collect(move || {
            for (class, waiting) in CLASSES.iter().zip(shown.0.state().waiting) {
                gauge!("class_waiting", "class" => class.word()).set(waiting as f64);
            }
        });
        Shared(lines)
    });
    Arc::clone(&shared.0)
}

/// Has a request wait for its turn and serves it, or refuses it.
pub async fn serve(
    (lines, env): (&Lines, &Env),
    policy: Policy,
    request: Request,
    next: Next,
) -> Response {
    let class = request.extensions().get::<Context>().map_or(Class::Medium, |of| of.class);
    let policy = InEnv(policy, env);
    let worker = match lines.0.arrive(&policy, index(class)) {
        Arrival::Served(worker) => worker,
        Arrival::Waits(turn) => turn.wait().parked("a worker").await,
        Arrival::Refused => {
            counter!("class_refused", "class" => class.word()).increment(1);
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
    };
    let response = next.run(request).await;
    drop(worker);
    counter!("class_served", "class" => class.word()).increment(1);
    response
}
