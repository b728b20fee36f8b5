//! A solution written otherwise: the order of the two stays swapped, and authentication stands beside the
//! outermost slot instead.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use metrics::counter;

use super::shared::{is_allowed, turned_away, watch_log};

pub fn install(chain: &mut Chain) {
    chain.swap(Slot::Auth, Slot::Log);
    chain.layer_beside(Slot::Recover, auth);
}

fn auth(routes: Router, env: &Env) -> Router {
    watch_log(env);
    routes.layer(from_fn(authenticate))
}

async fn authenticate(request: Request, next: Next) -> Response {
    if !is_allowed(&request) {
        counter!("audit_rejections").increment(1);
        return turned_away();
    }
    next.run(request).await
}
