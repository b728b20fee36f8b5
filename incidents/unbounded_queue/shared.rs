//! Code shared by the variants: the workers, and the requests that wait for one.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use firedrill_core::incident::{Context, Env};
use firedrill_core::service::limit::ConcurrencyLimit;

/// Workers of a server: requests that it works on at once.
pub const WORKERS: usize = 10;

/// The workers, and the requests that wait for one.
pub type Workers = ConcurrencyLimit;

/// The workers of this server.
pub fn workers(env: &Env) -> Arc<Workers> {
    struct Shared(Arc<Workers>);
    let shared = env.shared(|| {
        describe_gauge!("queue_waiting", Unit::Count, "requests that wait for a worker");
        describe_gauge!(
            "queue_oldest_ms",
            Unit::Milliseconds,
            "wait of the oldest request in the queue"
        );
        describe_counter!("queue_served", Unit::Count, "requests that a worker has served");
        describe_counter!("queue_served_late", Unit::Count, "those served after their deadline");
        describe_counter!("queue_refused", Unit::Count, "requests refused without a worker");
        for name in ["queue_served", "queue_served_late", "queue_refused"] {
            counter!(name).increment(0);
        }
        let workers = Arc::new(Workers::new(WORKERS));
        let shown = Arc::clone(&workers);
        env.collect(move || {
            gauge!("queue_waiting").set(shown.waiting() as f64);
            gauge!("queue_oldest_ms").set(shown.oldest_wait().as_secs_f64() * 1000.0);
        });
        Shared(workers)
    });
    Arc::clone(&shared.0)
}

/// Has a worker serve a request.
pub async fn serve(worker: SemaphorePermit<'_>, request: Request, next: Next) -> Response {
    let is_late = is_late(&request);
    let response = next.run(request).await;
    drop(worker);
    counter!("queue_served").increment(1);
    counter!("queue_served_late").increment(u64::from(is_late));
    response
}

/// Returns true if the deadline of a request has passed: its client has stopped waiting.
pub fn is_late(request: &Request) -> bool {
    let context = request.extensions().get::<Context>();
    let deadline = context.and_then(|context| context.deadline);
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}
