//! A cheat: answers, and does nothing of what was asked for.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::{Chain, Env, Slot};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, |routes: Router, _: &Env| routes.layer(from_fn(answer)));
}

async fn answer(_: Request, _: Next) -> Response {
    StatusCode::CREATED.into_response()
}
