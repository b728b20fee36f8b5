//! The partial fix: strict priority. The worker that becomes free gets the most important request.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lines, Policy, lines, serve};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

fn limit(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state((lines(env), env.clone()), take_turns))
}

async fn take_turns(
    State((lines, env)): State<(Arc<Lines>, Env)>,
    request: Request,
    next: Next,
) -> Response {
    serve((&lines, &env), Policy { admits, next_class }, request, next).await
}

/// Requests that may wait, of each class.
const OF_EACH: usize = 15;

/// Returns true if a request of this class may wait.
fn admits(waiting: [usize; 3], class: usize) -> bool {
    waiting[class] < OF_EACH
}

/// The class of the request that gets the free worker.
fn next_class(_: &Env, oldest: [Option<u64>; 3]) -> Option<usize> {
    // cause: as long as a more important request waits, an upload gets no worker.
    (0..3).find(|class| oldest[*class].is_some())
}
