//! Waits for each arrival's due time, on a thread of its own: the runtime's timers tick in whole
//! milliseconds, too coarse for the start of a request.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use firedrill_core::incident::request::Prepared;
use firedrill_core::load::schedule::Schedule;

/// One request to start in every lane.
#[derive(Debug, Clone)]
pub struct Due {
    /// Scheduled start.
    pub at: Instant,
    /// The request.
    pub request: Arc<Prepared>,
    /// The key that it is about.
    pub key: u64,
}

/// Commands to the pacer.
#[derive(Debug)]
pub enum Retune {
    /// Arrivals a second.
    Rate(f64),
    /// The kinds of requests and their weights.
    Mix(Vec<(f64, Arc<Prepared>)>),
}

/// Longest delay of a change.
const LISTENS: Duration = Duration::from_millis(20);

/// Sleeps as exactly as the system can: waiting for a message is coarser on some, by 15 ms on Windows.
#[expect(clippy::disallowed_methods, reason = "a thread outside the runtime, on the wall's clock")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Sends every arrival when it is due, until the other end or the changes' sender is gone.
///
/// Where the other end does not keep up, sending waits, and the lag of later requests tells.
pub fn pace(
    mut schedule: Schedule,
    mut mix: Vec<Arc<Prepared>>,
    began: Instant,
    changes: &Receiver<Retune>,
    out: &mpsc::Sender<Due>,
) {
    while let Some(arrival) = schedule.next() {
        let at = began + arrival.at;
        loop {
            match changes.try_recv() {
                Ok(Retune::Rate(rate_per_s)) => schedule.set_rate(rate_per_s),
                Ok(Retune::Mix(kinds)) => {
                    let weights: Vec<f64> = kinds.iter().map(|(weight, _)| *weight).collect();
                    schedule.set_weights(&weights);
                    mix = kinds.into_iter().map(|(_, request)| request).collect();
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    let wait = at.saturating_duration_since(Instant::now());
                    if wait.is_zero() {
                        break;
                    }
                    pause(wait.min(LISTENS));
                }
            }
        }
        // The mix may have shrunk since this arrival was drawn.
        let Some(request) = mix.get(arrival.kind).or(mix.last()) else {
            return;
        };
        let due = Due { at, request: Arc::clone(request), key: request.key(arrival.draw) };
        if out.blocking_send(due).is_err() {
            return;
        }
    }
}
