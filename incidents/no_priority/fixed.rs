//! The fix: priority, with a guaranteed share for the lowest class.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lines, Policy, lines, serve};

/// One of so many turns goes to the lowest class, if a request of it waits.
const ONE_OF: u64 = 10;

/// Index of the lowest class.
const LOWEST: usize = 2;

/// Puts the fix into the chain.
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

/// Turns so far.
#[derive(Default)]
struct Turns(AtomicU64);

/// Requests that may wait, of each class.
const OF_EACH: usize = 15;

/// Returns true if a request of this class may wait.
fn admits(waiting: [usize; 3], class: usize) -> bool {
    waiting[class] < OF_EACH
}

/// The class of the request that gets the free worker.
fn next_class(env: &Env, oldest: [Option<u64>; 3]) -> Option<usize> {
    let most_important = (0..3).find(|class| oldest[*class].is_some());
    let turn = env.shared(Turns::default).0.fetch_add(1, Ordering::Relaxed);
    // fix: important requests first, but every tenth turn is for the lowest class.
    if turn.is_multiple_of(ONE_OF) && oldest[LOWEST].is_some() {
        Some(LOWEST)
    } else {
        most_important
    }
}
