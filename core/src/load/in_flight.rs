//! One request that has started, on either clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::tally::Tally;
use crate::event::Outcome;

/// One lane's tally, shared with the requests under way.
pub type SharedTally = Arc<Mutex<Tally>>;

/// The tally, also after a panic elsewhere: its counts are whole after every call.
pub fn lock(tally: &SharedTally) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that has started; counted as the tally's cut-off if it is dropped before it ends.
#[derive(Debug)]
pub struct InFlightRequest {
    tally: SharedTally,
    kind: Option<Arc<str>>,
    due: Instant,
    timeout: Duration,
    ended: bool,
}

impl InFlightRequest {
    /// Counts a request as started; its latency counts from `due`.
    pub fn start(
        tally: SharedTally,
        kind: Option<&Arc<str>>,
        (due, timeout): (Instant, Duration),
    ) -> Self {
        lock(&tally).started(kind);
        Self { tally, kind: kind.cloned(), due, timeout, ended: false }
    }

    /// Waits for the answer, as long as a client does, and counts what became of it. `answer`
    /// gives what it amounts to, or none when the connection is lost; it is dropped when the client
    /// gives up.
    pub async fn wait(mut self, answer: impl Future<Output = Option<Outcome>>) {
        let outcome = match timeout_at(self.due + self.timeout, answer).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Outcome::NoAnswer,
            Err(_) => Outcome::TimedOut,
        };
        self.end(outcome);
    }

    /// Nobody listens: it fails at once.
    pub fn unanswered(mut self) {
        self.end(Outcome::NoAnswer);
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        let times = (self.due.elapsed(), self.timeout);
        lock(&self.tally).ended(outcome, self.kind.as_ref(), times);
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        if !self.ended {
            let cut_off = lock(&self.tally).cut_off;
            self.end(cut_off.outcome());
        }
    }
}
