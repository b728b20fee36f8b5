//! Code shared by the variants: the permits for calls to the database, and a call with a timeout.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Env, Parked};
use firedrill_core::service::limit::ConcurrencyLimit;
use metrics::atomics::AtomicU64;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::{Instant, timeout};

/// Calls that may be made at once.
pub const PERMITS: usize = 20;

/// Calls that may wait for a permit.
const LONGEST: usize = 100;

/// The permits of this server, and the longest call so far in milliseconds.
pub struct Permits(ConcurrencyLimit, AtomicU64);

/// The permits of this server.
pub fn permits(env: &Env) -> Arc<Permits> {
    let permits = env.shared(|| {
        describe_gauge!("permits_taken", Unit::Count, "calls to the database that are made");
        describe_gauge!("permits_waiting", Unit::Count, "calls that wait for a permit");
        describe_counter!("permits_refused", Unit::Count, "calls refused, since too many waited");
        describe_counter!("calls_timed_out", Unit::Count, "calls given up after their timeout");
        describe_gauge!("timeout_now_ms", Unit::Milliseconds, "the timeout of the newest call");
        describe_gauge!("call_longest_ms", Unit::Milliseconds, "the longest call so far");
        counter!("permits_refused").increment(0);
        counter!("calls_timed_out").increment(0);
        Permits(ConcurrencyLimit::new(PERMITS), AtomicU64::new(0))
    });
    let shown = Arc::clone(&permits);
    env.collect(move || {
        gauge!("permits_taken").set(shown.0.taken() as f64);
        gauge!("permits_waiting").set(shown.0.waiting() as f64);
        gauge!("call_longest_ms").set(shown.1.load(Ordering::Relaxed) as f64);
    });
    permits
}

/// A call that is over.
pub struct Called {
    /// The database's answer, or the reason for none.
    pub result: StoreResult,
    /// The time that the call took, without the wait for a permit; zero if it was not made.
    pub took: Duration,
}

/// Calls the database with a permit, and gives up after a time. Too many that wait for a permit are refused.
pub async fn call(
    permits: &Permits,
    store: StoreClient,
    request: StoreRequest,
    patience: impl FnOnce() -> Duration,
) -> Called {
    let Permits(permits, longest_ms) = permits;
    if permits.waiting() >= LONGEST {
        counter!("permits_refused").increment(1);
        return Called { result: Err(StoreError::Refused), took: Duration::ZERO };
    }
    let permit = permits.enter().parked("a permit").await;
    let (began, patience) = (Instant::now(), patience());
    gauge!("timeout_now_ms").set(patience.as_secs_f64() * 1000.0);
    let result = timeout(patience, store.ask(request)).await.unwrap_or_else(|_| {
        counter!("calls_timed_out").increment(1);
        Err(StoreError::TimedOut)
    });
    drop(permit);
    let took = began.elapsed();
    longest_ms.fetch_max(took.as_millis() as u64, Ordering::Relaxed);
    Called { result, took }
}
