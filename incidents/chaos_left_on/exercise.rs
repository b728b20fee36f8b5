//! Faults of an experiment that a release has brought into production, for every request with the header.
//!
//! Change this file so that there is no fault unless the environment names an experiment (`names_an_experiment`). While
//! it does, requests that are marked *and* come from those who run it (`is_from_the_lab`) are delayed, at most two at
//! once; nobody else is, and nothing fails at random.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lab, connections, failed, is_marked};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the faults into the chain.
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
    if is_marked(request.headers()) {
        lab.delay().await;
    }
    next.run(request).await
}
