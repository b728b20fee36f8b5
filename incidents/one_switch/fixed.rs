//! The fix: three middlewares with one duty each. A switch inside one of them cannot reach the others.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Duties, describe, has_badge, reports, too_many, turned_away};
use firedrill_core::incident::{Chain, Env, Slot};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("reports", reports);
    // fix: one duty a layer; each can be taken out, and leaves the others where they are.
    chain.layer_of_group("reports", Slot::Auth, |routes, env| {
        routes.layer(from_fn_with_state(duties(env), check))
    });
    chain.layer_of_group("reports", Slot::Log, |routes, env| {
        routes.layer(from_fn_with_state(duties(env), log))
    });
    chain.layer_of_group("reports", Slot::Limit, |routes, env| {
        routes.layer(from_fn_with_state(duties(env), limit))
    });
}

fn duties(env: &Env) -> Arc<Duties> {
    env.shared(|| Duties::new(env))
}

async fn check(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    if duties.check_is_on() && !has_badge(request.headers()) {
        return turned_away();
    }
    next.run(request).await
}

async fn log(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    let described = duties.log_is_on().then(|| describe(&request));
    let response = next.run(request).await;
    if let Some(described) = described {
        duties.log(&described, &response);
    }
    response
}

async fn limit(State(duties): State<Arc<Duties>>, request: Request, next: Next) -> Response {
    if duties.limit_is_on() && !duties.take_turn() {
        return too_many();
    }
    next.run(request).await
}
