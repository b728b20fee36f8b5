//! The partial fix: no more than [`MOST`] paths are told apart. Memory holds; and once the room is used
//! up, a route that is new, or breaks for the first time, is not seen.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::{Unit, counter, describe_counter};
use tokio::time::Instant;

use super::shared::{describe, record, start};

/// Paths that are told apart: four series each.
const MOST: usize = 3_000;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Metrics, monitor);
}

#[derive(Default)]
struct Paths(Mutex<HashSet<String>>);

impl Paths {
    /// Returns true if a path is known or was added.
    fn admit(&self, path: &str) -> bool {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paths.contains(path) || (paths.len() < MOST && paths.insert(path.to_owned()))
    }
}

fn monitor(routes: Router, env: &Env) -> Router {
    describe();
    describe_counter!("monitored_refused", Unit::Count, "requests that no series tells of");
    routes.layer(from_fn_with_state(env.shared(Paths::default), measure))
}

async fn measure(State(paths): State<Arc<Paths>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // cause: still the path as the client sent it.
    let path = request.uri().path().to_owned();
    if !paths.admit(&path) {
        counter!("monitored_refused").increment(1);
        return next.run(request).await;
    }
    start(&method, &path);
    let response = next.run(request).await;
    record(&method, &path, response.status(), started.elapsed());
    response
}
