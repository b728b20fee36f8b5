//! The post-mortem's own remedy: the same channel with room for 1000 lines. The room is used up
//! after capacity / (arrivals − writes) seconds, and then it is the same outage.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::shared::{Lines, describe};
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::log_file::LogLine;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log(Lines);

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log(Lines::start(env, 1000)));
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    log.0.show_depth();
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    // cause: the same wait, once the room is used up.
    log.0.sender.send(line).parked("log channel").await.ok();
    response
}
