//! The partial fix that changes the order: the newest request gets the next free worker.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use tokio::sync::oneshot::{self, Sender};

use super::shared::{Workers, serve, workers};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

/// Requests that wait for their turn, the newest last.
#[derive(Default)]
struct Stack(Mutex<Vec<Sender<()>>>);

impl Stack {
    fn push(&self, turn: Sender<()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(turn);
    }

    /// Gives the turn to the newest request. One that has left is skipped.
    fn next_turn(&self) {
        let mut stack = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while stack.pop().is_some_and(|turn| turn.send(()).is_err()) {}
    }
}

fn limit(routes: Router, env: &Env) -> Router {
    let state = (workers(env), env.shared(Stack::default));
    routes.layer(from_fn_with_state(state, wait_and_serve))
}

async fn wait_and_serve(
    State((workers, stack)): State<(Arc<Workers>, Arc<Stack>)>,
    request: Request,
    next: Next,
) -> Response {
    let place = workers.queue();
    let worker = loop {
        if let Ok(worker) = workers.free.try_acquire() {
            break worker;
        }
        let (turn, waiting) = oneshot::channel();
        stack.push(turn);
        // A turn that is lost comes again: the loop asks for a worker once more.
        let _ = waiting.parked("a worker").await;
    };
    drop(place);
    // cause: the newest request is served first, so the oldest wait until the rush is over.
    let response = serve(worker, request, next).await;
    stack.next_turn();
    response
}
