//! A partial fix: nobody waits, and every line is kept until it is written, however many there are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

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

#[derive(Clone, Default)]
struct Log(Arc<Mutex<VecDeque<LogLine>>>);

impl Log {
    fn lines(&self) -> std::sync::MutexGuard<'_, VecDeque<LogLine>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(routes: Router, env: &Env) -> Router {
    let log = env.shared(|| {
        let log = Log::default();
        let (kept, lines) = (log.clone(), Lines::start(env, 1));
        env.go("hands lines on", async move {
            loop {
                let line = kept.lines().pop_front();
                match line {
                    Some(line) => drop(lines.sender.send(line).await),
                    None => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
                }
            }
        });
        log
    });
    routes.layer(from_fn_with_state((*log).clone(), log_request))
}

async fn log_request(State(log): State<Log>, request: Request, next: Next) -> Response {
    let described = describe(&request);
    let response = next.run(request).await;
    log.lines().push_back(LogLine { request: described, status: response.status().as_u16() });
    response
}
