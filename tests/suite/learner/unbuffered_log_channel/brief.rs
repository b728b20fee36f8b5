//! A partial fix: a wait with a short timeout is still a wait.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use firedrill_core::service::log_file::LogLine;
use metrics::counter;

use super::shared::{Lines, describe};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
}

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log { lines: Lines::start(env, 1) });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    let wait = Duration::from_millis(10);
    if log.lines.sender.send_timeout(line, wait).await.is_err() {
        counter!("log_lines_dropped").increment(1);
    }
    response
}
