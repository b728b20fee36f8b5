//! The partial fix: authenticate, then log, and nothing else. No credential reaches the log; nor does any
//! trace of an attack.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Auth, auth);
}

fn auth(routes: Router, env: &Env) -> Router {
    super::shared::watch_log(env);
    routes.layer(from_fn(authenticate))
}

async fn authenticate(request: Request, next: Next) -> Response {
    if super::shared::is_allowed(&request) {
        return next.run(request).await;
    }
    // cause: who is turned away here is in no log and in no counter of its own.
    super::shared::turned_away()
}
