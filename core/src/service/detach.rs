//! Slot `detach`: each request in a task of its own, so that a client that hangs up does not
//! cancel it. Go's `net/http` does this; without it a request's future is dropped when its client
//! leaves, which is Rust's default.

use std::panic::resume_unwind;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use crate::incident::Env;
use crate::incident::env::spawn;

/// Wraps the routes.
pub fn install(routes: Router, _: &Env) -> Router {
    routes.layer(from_fn(detach))
}

async fn detach(request: Request, next: Next) -> Response {
    match spawn("request", next.run(request)).await {
        Ok(response) => response,
        // The request's panic goes on in the connection's task and ends it: the client sees its
        // connection dropped without an answer.
        Err(panic) => resume_unwind(panic.into_panic()),
    }
}
