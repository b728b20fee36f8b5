//! A partial fix: what is given up is not counted.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use firedrill_core::service::log_file::LogLine;

use super::shared::{Lines, describe};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
}

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log { lines: Lines::start(env, 500) });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    log.lines.sender.try_send(line).ok();
    response
}
