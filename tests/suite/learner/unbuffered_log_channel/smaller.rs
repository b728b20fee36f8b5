//! A partial fix: room for 300 lines.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lines, describe};
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::log_file::LogLine;

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log(Lines);

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log(Lines::start(env, 300)));
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    log.0.show_depth();
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    // cause: a line leaves this channel when the writer takes it. Until then every other request waits
    // here, and holds its task and its response while it does.
    log.0.sender.send(line).parked("log channel").await.ok();
    response
}
