//! Detects tasks that wait for anything except virtual time: a thread whose tasks never block has no voluntary
//! context switches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts how often the thread gave up the processor while a task was polled, by the place where
/// the task was spawned. Clones share it.
#[derive(Debug, Clone)]
pub struct Watch(Arc<WatchState>);

#[derive(Debug)]
struct WatchState {
    given_up: fn() -> i64,
    before: AtomicI64,
    found: Mutex<BTreeMap<String, u64>>,
}

impl Watch {
    /// A watch; `given_up` tells how often this thread has given up its processor of its own accord:
    /// to wait for something.
    pub fn new(given_up: fn() -> i64) -> Self {
        Self(Arc::new(WatchState {
            given_up,
            before: AtomicI64::default(),
            found: Mutex::default(),
        }))
    }

    /// A task is about to be polled.
    pub fn begin(&self) {
        self.0.before.store((self.0.given_up)(), Ordering::Relaxed);
    }

    /// A task that was spawned at this place has been polled.
    pub fn end(&self, place: impl FnOnce() -> String) {
        let times = (self.0.given_up)() - self.0.before.load(Ordering::Relaxed);
        if times > 0 {
            let mut found = self.0.found.lock().unwrap_or_else(PoisonError::into_inner);
            *found.entry(place()).or_default() += times.unsigned_abs();
        }
    }

    /// The places, with how often.
    pub fn found(&self) -> BTreeMap<String, u64> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
