//! Code shared by the variants: authentication, and the reader of the log.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{Counter, Unit, counter, describe_counter};

use firedrill_core::incident::Env;
use firedrill_core::service::base::token;
use firedrill_core::service::log_file::{LogLine, log_file};

/// Paths that need no token.
pub const OPEN: &[&str] = &["/healthz"];

pub struct Auth {
    audit: Counter,
}

/// Lets a request pass that carries the token; all others get a 401, and the audit counter tells
/// how many there were.
pub fn auth(routes: Router, env: &Env) -> Router {
    let auth = env.shared(|| {
        watch_log(env);
        describe_counter!("audit_rejections", Unit::Count, "requests turned away, by audit");
        Auth { audit: counter!("audit_rejections") }
    });
    routes.layer(from_fn_with_state(auth, authenticate))
}

pub async fn authenticate(State(auth): State<Arc<Auth>>, request: Request, next: Next) -> Response {
    if is_allowed(&request) {
        return next.run(request).await;
    }
    auth.audit.increment(1);
    turned_away()
}

/// Returns true if a request needs no token, or has the right one.
pub fn is_allowed(request: &Request) -> bool {
    OPEN.contains(&request.uri().path()) || token(request.headers()) == Some("demo-token")
}

pub fn turned_away() -> Response {
    (StatusCode::UNAUTHORIZED, "who are you?\n").into_response()
}

/// Reads what the log's writer receives, and counts what should not be there.
pub fn watch_log(env: &Env) {
    // Once for each server, whatever forms of the chain it has had.
    let _: Arc<Watched> = env.shared(|| {
        subscribe(env);
        Watched
    });
}

struct Watched;

fn subscribe(env: &Env) {
    describe_counter!("log_rejected_lines", Unit::Count, "lines in the log of rejected requests");
    describe_counter!("log_accepted_lines", Unit::Count, "lines in the log of requests let in");
    describe_counter!("log_secrets", Unit::Count, "lines in the log that hold a credential");
    let (rejected, secrets) = (counter!("log_rejected_lines"), counter!("log_secrets"));
    let accepted = counter!("log_accepted_lines");
    log_file(env).subscribe(move |line: &LogLine| {
        let secret = line.request.contains("access_token=");
        let turned_away = line.status == StatusCode::UNAUTHORIZED.as_u16();
        rejected.increment(turned_away.into());
        accepted.increment((!turned_away).into());
        secrets.increment(secret.into());
        secret
    });
}
