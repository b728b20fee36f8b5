//! The service's own layers of the slots that incidents break.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::log_file::{LogFile, LogLine, log_file};
use crate::incident::Env;

/// Paths that need no token.
const OPEN: &[&str] = &["/healthz"];

/// Slot `recover`: a panic is answered with a 500.
pub fn recover(routes: Router, _: &Env) -> Router {
    routes.layer(CatchPanicLayer::new())
}

/// Slot `auth`: lets a request pass that carries the token; all others get a 401.
pub fn auth(routes: Router, _: &Env) -> Router {
    routes.layer(from_fn(authenticate))
}

async fn authenticate(request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) || token(request.headers()) == Some("demo-token") {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, "who are you?\n").into_response()
}

/// The token that a request carries.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Slot `log`: a line for each request, written at once.
pub fn log(routes: Router, env: &Env) -> Router {
    routes.layer(from_fn_with_state(log_file(env), log_request))
}

async fn log_request(
    State(file): State<std::sync::Arc<LogFile>>,
    request: Request,
    next: Next,
) -> Response {
    let described = format!("{} {}", request.method(), request.uri());
    let response = next.run(request).await;
    file.append(LogLine { request: described, status: response.status().as_u16() });
    response
}
