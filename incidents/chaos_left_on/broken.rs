//! The outage: the faults of an experiment, in production, for every request with the header.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lab, connections, failed, is_marked};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Chaos, connections);
    chain.layer_beside(Slot::Chaos, faults);
}

fn faults(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(env.shared(|| Lab::new(env)), inject))
}

async fn inject(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    if lab.fails() {
        return failed();
    }
    // cause: a header decides, and anybody can send a header.
    if is_marked(request.headers()) {
        lab.delay().await;
    }
    next.run(request).await
}
