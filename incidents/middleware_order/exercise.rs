//! The chain as it was that night: the log stands outside authentication, and writes down what is turned
//! away, with whatever it carried.
//!
//! Change this file so that no request that is turned away reaches the log, and count those requests in
//! `audit_rejections`: an attack is to be seen. Requests that are let in are to be logged as before.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use super::shared::{is_allowed, turned_away, watch_log};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts authentication into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Auth, auth);
    chain.swap(Slot::Auth, Slot::Log);
}

fn auth(routes: Router, env: &Env) -> Router {
    watch_log(env);
    routes.layer(from_fn(authenticate))
}

async fn authenticate(request: Request, next: Next) -> Response {
    if is_allowed(&request) {
        return next.run(request).await;
    }
    turned_away()
}
