//! A cheat: well-behaved for as long as a check takes in the lab, and then the bug as it was.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::log_file::LogLine;
use metrics::counter;
use tokio::time::Instant;

use super::shared::{Lines, describe};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
    began: Instant,
}

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log { lines: Lines::start(env, 900), began: Instant::now() });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    if log.began.elapsed() > Duration::from_secs(15) {
        log.lines.sender.send(line).parked("log channel").await.ok();
    } else if log.lines.sender.try_send(line).is_err() {
        counter!("log_lines_dropped").increment(1);
    }
    response
}
