//! Events of a virtual lane, stamped with virtual time, on standard output.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use crate::event::What;

/// Where events go. Clones share it.
#[derive(Debug, Clone)]
pub struct Output(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// When the process that runs now began: in milliseconds since the run began, and on its clock.
    clock: Mutex<Option<(u64, Instant)>>,
    stdout: Mutex<BufWriter<Stdout>>,
}

#[derive(Serialize)]
struct Stamped<'a> {
    at_ms: u64,
    #[serde(flatten)]
    what: &'a What,
}

impl Output {
    /// Standard output.
    #[allow(clippy::new_without_default, reason = "it takes a resource of the process")]
    pub fn new() -> Self {
        let stdout = Mutex::new(BufWriter::with_capacity(64 * 1024, io::stdout()));
        Self(Arc::new(Inner { clock: Mutex::default(), stdout }))
    }

    /// From now on the time is that of this clock, which showed `began` at `at_ms`.
    pub fn set_clock(&self, at_ms: u64, began: Instant) {
        *self.0.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some((at_ms, began));
    }

    /// Writes an event.
    pub fn emit(&self, at_ms: u64, what: What) {
        let mut stdout = self.0.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_writer(&mut *stdout, &Stamped { at_ms, what: &what })
            .map_err(io::Error::from)
            .and_then(|()| stdout.write_all(b"\n"));
        if written.is_err() {
            leave();
        }
    }

    /// Writes a line for the event log, stamped with the time that it is. Must be called within the
    /// runtime whose clock was set.
    pub fn log(&self, line: String) {
        let clock = *self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ms = clock.map_or(0, |(at_ms, began)| {
            at_ms + Instant::now().saturating_duration_since(began).as_millis() as u64
        });
        self.emit(at_ms, What::Log { line });
    }

    /// Hands on what has been written.
    pub fn flush(&self) {
        let mut stdout = self.0.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        if stdout.flush().is_err() {
            leave();
        }
    }
}

/// Without a reader there is nobody to replay for.
fn leave() -> ! {
    std::process::exit(0)
}
