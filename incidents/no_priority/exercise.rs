//! The workers take turns: each that becomes free gets the request that has waited longest, whatever it is.
//!
//! Change this file so that, while more requests arrive than the workers can handle:
//!
//! * payments (class high) are answered as always;
//! * queries (class medium) come before log uploads (class low);
//! * at least 10 log uploads a second are still served.
//!
//! What you need to know:
//!
//! * `admits` is called when a request finds no free worker: it gets the number of waiting requests of each class,
//!   0: high, 1: medium, 2: low, and the class of the request. A request that is not admitted is refused at once.
//! * Clients wait for one second; the workers serve about 200 requests a second.
//! * `next_class` is called when a worker becomes free. It gets the number of the oldest waiting request of each
//!   class; `None` if no request of that class waits. A lower number has waited longer.
//! * It returns the class whose oldest request gets the worker; `None` only if none waits.
//! * `env.shared(|| …)` makes state that all calls share, such as a counter of turns. It is locked by nobody: use an
//!   atomic or a `Mutex`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lines, Policy, lines, serve};

/// Puts the turns into the chain.
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
    waiting.min_by_key(|class| oldest[*class])
}
