//! A solution written otherwise: a few tasks wait for the writer in the requests' stead, and when all of
//! them do, the line is given up.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Slot};
use firedrill_core::service::log_file::LogLine;
use metrics::counter;
use tokio::sync::Semaphore;

use super::shared::{Lines, describe};

pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Log, log);
}

struct Log {
    lines: Lines,
    waiters: Arc<Semaphore>,
    env: Env,
}

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| Log {
        lines: Lines::start(env, 1),
        waiters: Arc::new(Semaphore::new(20)),
        env: env.clone(),
    });
    routes.layer(from_fn_with_state(log, log_request))
}

async fn log_request(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = next.run(request).await;
    let line = LogLine { request: described, status: response.status().as_u16() };
    match Arc::clone(&log.waiters).try_acquire_owned() {
        Ok(place) => {
            let lines = log.lines.sender.clone();
            log.env.go("waits for the writer", async move {
                lines.send(line).await.ok();
                drop(place);
            });
        }
        Err(_) => counter!("log_lines_dropped").increment(1),
    }
    response
}
