//! The middleware that brought the service down: each request hands its log line to the one writer.
//!
//! It takes the writer `log_write_ms` to write a line. Change this file so that no request ever waits for
//! its line, whatever the load. Room for a thousand lines is plenty; a line that there is no room for is
//! given up, and counted in `log_lines_dropped`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lines, describe};
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::log_file::LogLine;

/// Puts the middleware into the chain.
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
    log.lines.show_depth();
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    log.lines.sender.send(line).parked("log channel").await.ok();
    response
}
