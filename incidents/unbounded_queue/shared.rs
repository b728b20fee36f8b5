//! Code shared by the variants: the workers, and the requests that wait for one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use firedrill_core::incident::{Context, Env};

/// Workers of a server: requests that it works on at once.
pub const WORKERS: usize = 10;

/// The workers, and the requests that wait for one.
pub struct Workers {
    /// Gives the worker that becomes free to the request that has waited longest.
    pub free: Semaphore,
    waiting: Mutex<Waiting>,
}

/// Arrival of each waiting request, by its number.
#[derive(Default)]
struct Waiting {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

/// The workers of this server.
pub fn workers(env: &Env) -> Arc<Workers> {
    env.shared(|| {
        describe_gauge!("queue_waiting", Unit::Count, "requests that wait for a worker");
        describe_gauge!("queue_oldest_s", Unit::Seconds, "wait of the oldest request in the queue");
        describe_counter!("queue_served", Unit::Count, "requests that a worker has served");
        describe_counter!("queue_served_late", Unit::Count, "those served after their deadline");
        describe_counter!("queue_refused", Unit::Count, "requests refused without a worker");
        for name in ["queue_served", "queue_served_late", "queue_refused"] {
            counter!(name).increment(0);
        }
        let workers =
            Arc::new(Workers { free: Semaphore::new(WORKERS), waiting: Mutex::default() });
        let shown = Arc::clone(&workers);
        env.collect(move || shown.show());
        workers
    })
    .as_ref()
    .clone()
}

/// A request in the queue, until it is dropped.
pub struct Place<'a> {
    workers: &'a Workers,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.workers.lock().since.remove(&self.number);
    }
}

impl Workers {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let waiting = self.lock();
        let oldest = waiting.since.first_key_value();
        gauge!("queue_waiting").set(waiting.since.len() as f64);
        gauge!("queue_oldest_s").set(oldest.map_or(0.0, |(_, at)| at.elapsed().as_secs_f64()));
    }

    /// Counts a request as waiting, for as long as the place lives.
    pub fn queue(&self) -> Place<'_> {
        let mut waiting = self.lock();
        waiting.next += 1;
        let number = waiting.next;
        waiting.since.insert(number, Instant::now());
        Place { workers: self, number }
    }

    /// Requests that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.lock().since.len()
    }

    /// Has a worker serve a request.
    pub async fn serve(
        &self,
        worker: SemaphorePermit<'_>,
        request: Request,
        next: Next,
    ) -> Response {
        let is_late = is_late(&request);
        let response = next.run(request).await;
        drop(worker);
        counter!("queue_served").increment(1);
        counter!("queue_served_late").increment(u64::from(is_late));
        response
    }
}

/// Returns true if the deadline of a request has passed: its client has stopped waiting.
pub fn is_late(request: &Request) -> bool {
    let context = request.extensions().get::<Context>();
    let deadline = context.and_then(|context| context.deadline);
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}
