//! The partial fix: the header is ignored. Failures at random do not need one.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lab, connections, failed};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Chaos, connections);
    chain.layer_beside(Slot::Chaos, faults);
}

fn faults(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Lab::new(env)), inject))
}

async fn inject(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    // cause: the faults are on, whether or not anybody runs an experiment.
    if lab.fails() {
        return failed();
    }
    next.run(request).await
}
