//! Slot `detach`: each request in a task of its own, so that a client that hangs up does not
//! cancel it. Go's `net/http` does this; without it, or with the parameter `client_cancels`, a request's
//! future is dropped when its client leaves, which is Rust's default.

use std::panic::resume_unwind;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::incident::Env;
use crate::incident::env::{Param, spawn};
use crate::incident::params;

/// Wraps the routes.
pub fn install(routes: Router, env: &Env) -> Router {
    let cancels = env.param("client_cancels", params::start("client_cancels"));
    routes.layer(from_fn_with_state(cancels, detach))
}

async fn detach(State(cancels): State<Param>, request: Request, next: Next) -> Response {
    if cancels.get() > 0.0 {
        return next.run(request).await;
    }
    match spawn("request", next.run(request)).await {
        Ok(response) => response,
        // The request's panic goes on in the connection's task and ends it: the client sees its
        // connection dropped without an answer.
        Err(panic) => resume_unwind(panic.into_panic()),
    }
}
