//! A cheat: nothing is logged, and so no secret is.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;

use super::shared::{is_allowed, turned_away, watch_log};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Auth, auth);
    chain.remove(Slot::Log);
}

fn auth(routes: Router, env: &Env) -> Router {
    watch_log(env);
    routes.layer(from_fn(authenticate))
}

async fn authenticate(request: Request, next: Next) -> Response {
    if is_allowed(&request) {
        return next.run(request).await;
    }
    counter!("audit_rejections").increment(1);
    turned_away()
}
