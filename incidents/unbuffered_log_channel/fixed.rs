//! The fix: a request never waits for its log line. What the writer cannot take is dropped, and
//! counted.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use metrics::{Counter, Unit, counter, describe_counter};

use super::shared::{Lines, describe};
use firedrill_core::incident::{Chain, Env, Slot};
use firedrill_core::service::log_file::LogLine;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
    dropped: Counter,
}

fn log(routes: Router, env: &Env) -> Router {
    describe_counter!("log_lines_dropped", Unit::Count, "lines dropped because the queue was full");
    let log = env
        .shared(|| Log { lines: Lines::start(env, 1000), dropped: counter!("log_lines_dropped") });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    log.lines.show_depth();
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    // fix: a send that never waits.
    if log.lines.sender.try_send(line).is_err() {
        log.dropped.increment(1);
    }
    response
}
