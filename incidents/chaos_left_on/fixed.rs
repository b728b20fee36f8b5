//! The fix: no fault without an experiment; then for those who run it alone, and only so many at once.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::Semaphore;

use super::shared::{Lab, connections, is_from_the_lab, is_marked};
use firedrill_core::incident::{Chain, Env, Slot};

/// Requests that an experiment may hold up at once.
const BLAST_RADIUS: usize = 2;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Chaos, connections);
    chain.layer_beside(Slot::Chaos, faults);
}

struct Bounded {
    lab: Lab,
    at_once: Semaphore,
}

fn faults(routes: Router, env: &Env) -> Router {
    let new = || Bounded { lab: Lab::new(env), at_once: Semaphore::new(BLAST_RADIUS) };
    routes.layer(from_fn_with_state(env.shared(new), inject))
}

async fn inject(State(bounded): State<Arc<Bounded>>, request: Request, next: Next) -> Response {
    let Bounded { lab, at_once } = &*bounded;
    let asks = is_marked(request.headers()) && is_from_the_lab(request.headers());
    // fix: off unless an experiment is named, for those who run it, and for so many at once.
    if lab.names_an_experiment()
        && asks
        && let Ok(_one) = at_once.try_acquire()
    {
        lab.delay().await;
    }
    next.run(request).await
}
