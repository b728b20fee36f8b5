//! A solution written otherwise: a count in place of a semaphore, and the questions one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};

use super::shared::{Lab, connections, is_from_the_lab, is_marked};

pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Chaos, connections);
    chain.layer_beside(Slot::Chaos, faults);
}

struct Counted(Lab, AtomicU32);

fn faults(routes: Router, env: &Env) -> Router {
    let counted = env.shared(|| Counted(Lab::new(env), AtomicU32::new(0)));
    routes.layer(from_fn_with_state(counted, inject))
}

async fn inject(State(counted): State<Arc<Counted>>, request: Request, next: Next) -> Response {
    let Counted(lab, held) = &*counted;
    let headers = request.headers();
    if !lab.names_an_experiment() || !is_marked(headers) || !is_from_the_lab(headers) {
        return next.run(request).await;
    }
    if held.fetch_add(1, Ordering::Relaxed) < 2 {
        lab.delay().await;
    }
    held.fetch_sub(1, Ordering::Relaxed);
    next.run(request).await
}
