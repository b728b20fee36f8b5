//! The fix: a token bucket in front of a short queue, and no work for clients that have left.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked, Slot};
use firedrill_core::service::token_bucket::TokenBucket;
use metrics::counter;

use super::shared::{Workers, is_late, serve, workers};

/// Requests that may be admitted at once after a quiet time.
const BURST: f64 = 100.0;

/// Requests that may wait: each waits for at most 1.5 s if a worker takes 100 ms for a request.
const LONGEST: usize = 150;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer(Slot::Limit, limit);
}

/// Rate at which requests are admitted, and the tokens for them.
struct Admission {
    rate_per_s: Param,
    tokens: TokenBucket,
}

fn limit(routes: Router, env: &Env) -> Router {
    let rate_per_s = env.param("queue_admit_per_s", 95.0);
    let admission = env.shared(|| Admission { rate_per_s, tokens: TokenBucket::new(BURST) });
    routes.layer(from_fn_with_state((workers(env), admission), admit_and_serve))
}

async fn admit_and_serve(
    State((workers, admission)): State<(Arc<Workers>, Arc<Admission>)>,
    request: Request,
    next: Next,
) -> Response {
    // fix: a request that cannot be served in time is refused at once.
    if workers.waiting() >= LONGEST || !admission.tokens.take(admission.rate_per_s.get()) {
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
