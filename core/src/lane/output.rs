//! Events of a virtual lane, stamped with virtual time, a JSON object a line.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use crate::event::LaneSays;

/// Event output. Clones share it.
#[derive(Debug, Clone)]
pub struct Output(Arc<OutputState>);

struct OutputState {
    /// Start of the current process: in milliseconds since the start of the run, and on its clock.
    clock: Mutex<Option<(u64, Instant)>>,
    /// Instances run one after the other up to the same moment: what they say until then waits
    /// here, to be put in order.
    waiting: Mutex<Vec<(u64, Vec<u8>)>>,
    writer: Mutex<BufWriter<Box<dyn Write + Send>>>,
    failed: AtomicBool,
}

impl fmt::Debug for OutputState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("failed", &self.failed).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Stamped<'a> {
    at_ms: u64,
    #[serde(flatten)]
    what: &'a LaneSays,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Output {
    /// Events go to this writer.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let writer = Mutex::new(BufWriter::with_capacity(64 * 1024, Box::new(writer) as _));
        Self(Arc::new(OutputState {
            clock: Mutex::default(),
            waiting: Mutex::default(),
            writer,
            failed: AtomicBool::new(false),
        }))
    }

    /// Returns true if the writer has failed: nobody reads the replay.
    pub fn failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// From now on the time is that of this clock, which showed `began` at `at_ms`.
    pub fn set_clock(&self, at_ms: u64, began: Instant) {
        *lock(&self.0.clock) = Some((at_ms, began));
    }

    /// Says something.
    pub fn emit(&self, at_ms: u64, what: &LaneSays) {
        // Plain data with text keys always has a JSON form.
        let line = serde_json::to_vec(&Stamped { at_ms, what }).unwrap_or_default();
        lock(&self.0.waiting).push((at_ms, line));
    }

    /// Writes a line for the event log, stamped with the time that it is. Must be called within the
    /// runtime whose clock was set.
    pub fn log(&self, line: String) {
        let clock = *lock(&self.0.clock);
        let at_ms = clock.map_or(0, |(at_ms, began)| {
            at_ms + Instant::now().saturating_duration_since(began).as_millis() as u64
        });
        self.emit(at_ms, &LaneSays::Log { line });
    }

    /// Writes what waits, in order of time: nothing earlier will come.
    pub fn settle(&self) {
        let mut waiting = lock(&self.0.waiting);
        waiting.sort_by_key(|(at_ms, _)| *at_ms);
        let mut writer = lock(&self.0.writer);
        for (_, line) in waiting.drain(..) {
            self.note(&writer.write_all(&line).and_then(|()| writer.write_all(b"\n")));
        }
    }

    /// Hands on what has been written.
    pub fn flush(&self) {
        self.settle();
        let flushed = lock(&self.0.writer).flush();
        self.note(&flushed);
    }

    fn note(&self, written: &io::Result<()>) {
        if written.is_err() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
    }
}
