//! One queue for all: the worker that becomes free gets the request that has waited longest, whatever it is.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lines, Policy, lines, serve};

/// Puts the bug into the chain.
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

/// Requests that may wait, of all classes together.
const LONGEST: usize = 250;

/// Returns true if a request may wait.
fn admits(waiting: [usize; 3], _: usize) -> bool {
    waiting.iter().sum::<usize>() < LONGEST
}

/// The class of the request that gets the free worker.
fn next_class(_: &Env, oldest: [Option<u64>; 3]) -> Option<usize> {
    let waiting = (0..3).filter(|class| oldest[*class].is_some());
    // cause: a payment waits for every log upload that came before it.
    waiting.min_by_key(|class| oldest[*class])
}
