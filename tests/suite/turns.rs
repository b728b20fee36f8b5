//! Who runs beside whom: what is measured live never beside what computes, which takes all the processor it gets.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

static STATE: Mutex<State> = Mutex::new(State { measure: 0, compute: 0, want_to_compute: 0 });
static CHANGED: Condvar = Condvar::new();

/// How many tests do what.
struct State {
    measure: usize,
    compute: usize,
    want_to_compute: usize,
}

/// A test's turn, until it is dropped.
pub struct Turn {
    measures: bool,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// Waits for a turn to run live, beside no more live runs than there are processors: each takes a small part of
/// one. Tests that compute go first, so that no processor is idle while one of them is waited for.
pub fn measuring() -> Turn {
    let busy = |state: &mut State| {
        state.measure >= processors() || state.compute + state.want_to_compute > 0
    };
    CHANGED.wait_while(state(), busy).unwrap_or_else(PoisonError::into_inner).measure += 1;
    Turn { measures: true }
}

/// Waits for a turn to compute: as many at once as keep all processors busy while some wait for time to pass.
pub fn computing() -> Turn {
    let mut state = state();
    state.want_to_compute += 1;
    let busy = |state: &mut State| state.measure > 0 || state.compute >= processors() + 2;
    let mut state = CHANGED.wait_while(state, busy).unwrap_or_else(PoisonError::into_inner);
    state.want_to_compute -= 1;
    state.compute += 1;
    Turn { measures: false }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = state();
        let count = if self.measures { &mut state.measure } else { &mut state.compute };
        *count -= 1;
        CHANGED.notify_all();
    }
}
