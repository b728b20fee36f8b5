//! Tests that measure by the wall clock, one at a time and after all others: what else a machine does shows in their
//! figures.

#![allow(clippy::disallowed_methods, reason = "tests watch other processes, by the wall clock")]

mod agreement;
#[path = "../suite/common.rs"]
#[allow(dead_code, reason = "the other tests need the rest")]
mod common;
mod driver;
mod memory_cap;
mod monitoring;
#[path = "../suite/pack.rs"]
#[allow(dead_code, reason = "the other tests need the rest")]
mod pack;
mod tls;
mod verdicts;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A test's right to be the only one that runs, until it is dropped.
pub struct Alone {
    _turn: MutexGuard<'static, ()>,
}

/// Waits until no other test runs.
pub fn alone() -> Alone {
    static TURN: Mutex<()> = Mutex::new(());
    Alone { _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner) }
}
