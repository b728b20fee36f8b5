//! The fix: a token bucket in front of a short queue, and no work for clients that have left.
//!
//! The bucket is written by hand, since this is where the lesson is. The crate `governor` has one for services.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use metrics::counter;
use tokio::time::Instant;

use super::shared::{Workers, is_late, serve, workers};

/// Requests that may be admitted at once after a quiet time.
const BURST: f64 = 100.0;

/// Requests that may wait: each waits for at most 1.5 s if a worker takes 100 ms for a request.
const LONGEST: usize = 150;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

/// Tokens come at a steady rate; each request takes one.
struct TokenBucket {
    rate_per_s: Param,
    state: Mutex<(f64, Instant)>,
}

impl TokenBucket {
    fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, filled) = &mut *state;
        *tokens = (*tokens + filled.elapsed().as_secs_f64() * self.rate_per_s.get()).min(BURST);
        *filled = Instant::now();
        let has_one = *tokens >= 1.0;
        if has_one {
            *tokens -= 1.0;
        }
        has_one
    }
}

fn limit(routes: Router, env: &Env) -> Router {
    let rate_per_s = env.param("queue_admit_per_s", 95.0);
    let bucket =
        env.shared(|| TokenBucket { rate_per_s, state: Mutex::new((BURST, Instant::now())) });
    routes.layer(from_fn_with_state((workers(env), bucket), admit_and_serve))
}

async fn admit_and_serve(
    State((workers, bucket)): State<(Arc<Workers>, Arc<TokenBucket>)>,
    request: Request,
    next: Next,
) -> Response {
    // fix: a request that cannot be served in time is refused at once.
    if workers.waiting() >= LONGEST || !bucket.take() {
        return refuse();
    }
    let place = workers.queue();
    let worker = workers.free.acquire().parked("a worker").await;
    drop(place);
    match worker {
        // Its client has left: nobody would read the answer.
        Ok(_) if is_late(&request) => refuse(),
        Ok(worker) => serve(worker, request, next).await,
        // Never: nobody closes the semaphore.
        Err(_closed) => next.run(request).await,
    }
}

fn refuse() -> Response {
    counter!("queue_refused").increment(1);
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response()
}
