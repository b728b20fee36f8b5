//! The post-mortem's other remedy: the request waits for the writer no longer than `log_wait_ms`, and
//! then gives its line up. Nothing leaks, and nearly every request pays the whole wait.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::log_file::LogLine;
use metrics::{Counter, Unit, counter, describe_counter};

use super::shared::{Lines, describe};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
    wait: Param,
    given_up: Counter,
}

fn log(routes: Router, env: &Env) -> Router {
    let says = "lines given up after the wait";
    describe_counter!("log_lines_given_up", Unit::Count, says);
    let log = env.shared(|| Log {
        lines: Lines::start(env, 1),
        wait: env.param("log_wait_ms", 50.0),
        given_up: counter!("log_lines_given_up"),
    });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    log.lines.show_depth();
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    // cause: the wait has an end, but it is still on the request's way.
    let sent = log.lines.sender.send_timeout(line, log.wait.millis()).parked("log channel").await;
    if sent.is_err() {
        log.given_up.increment(1);
    }
    response
}
