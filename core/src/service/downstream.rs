//! Simulated dependency of the service: it works on a fixed number of commands at once, each of which takes time;
//! the others queue. Latency, errors, hangs and capacity are parameters, so phases can change them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge};
use tokio::sync::oneshot;

use crate::incident::client::StoreError;
use crate::incident::env::Param;
use crate::incident::params;
use crate::incident::{Env, Parked};
use crate::random::RandomStream;

/// One downstream: the store, or the cache.
pub struct Downstream {
    env: Env,
    latency_ms: Param,
    spread_percent: Param,
    error_percent: Param,
    hang_percent: Param,
    hang_ms: Param,
    panic_percent: Param,
    capacity: Param,
    queue: Param,
    /// 1: no command is sent, as behind an open circuit breaker.
    cut: Param,
    latencies: RandomStream,
    errors: RandomStream,
    hangs: RandomStream,
    panics: RandomStream,
    gate: Arc<Gate>,
    commands: Counter,
    busy: Gauge,
    queued: Gauge,
}

impl Downstream {
    /// A downstream whose parameters and dice begin with this name. The metrics are how many
    /// commands have come, are carried, and wait.
    pub fn new(env: &Env, name: &str, (commands, busy, queued): (Counter, Gauge, Gauge)) -> Self {
        let param = |what: &str| {
            let name = format!("{name}_{what}");
            env.param(&name, params::start(&name))
        };
        Self {
            env: env.clone(),
            latency_ms: param("ms"),
            spread_percent: param("spread_percent"),
            error_percent: param("error_percent"),
            hang_percent: param("hang_percent"),
            hang_ms: param("hang_ms"),
            panic_percent: param("panic_percent"),
            capacity: param("capacity"),
            queue: param("queue"),
            cut: param("cut"),
            latencies: env.random(&format!("{name} latencies")),
            errors: env.random(&format!("{name} errors")),
            hangs: env.random(&format!("{name} hangs")),
            panics: env.random(&format!("{name} panics")),
            gate: Arc::default(),
            commands,
            busy,
            queued,
        }
    }

    /// Takes a command: waits for its turn, and then as long as it takes. Where its capacity is
    /// bounded, a command whose caller has left is carried out all the same: it has been sent.
    ///
    /// # Errors
    ///
    /// When the queue is full, or the command fails.
    ///
    /// # Panics
    ///
    /// With the probability of the parameter `…_panic_percent`, as a driver that cannot parse a reply does.
    pub async fn take(self: Arc<Self>) -> Result<(), StoreError> {
        let outcome = self.send().await;
        let is_reply = outcome != Err(StoreError::Refused);
        let unreadable = is_reply && self.panics.hits(self.panic_percent.get());
        assert!(!unreadable, "the driver cannot parse this reply");
        outcome
    }

    async fn send(self: &Arc<Self>) -> Result<(), StoreError> {
        if self.cut.get() >= 1.0 {
            return Err(StoreError::Refused);
        }
        self.commands.increment(1);
        if self.capacity.get() == 0.0 {
            // Counted while it is carried, and no longer if its caller leaves.
            let _busy = Busy { downstream: self, place: self.gate.enter(usize::MAX, usize::MAX) };
            self.show();
            return self.carry().await;
        }
        let this = Arc::clone(self);
        let sent = self.env.spawn_outside("store", async move { this.queue_and_carry().await });
        sent.parked("a place in the store").await.unwrap_or(Err(StoreError::Command))
    }

    async fn queue_and_carry(&self) -> Result<(), StoreError> {
        let permit = self.enter().await;
        self.show();
        let permit = permit?;
        let outcome = self.carry().await;
        drop(permit);
        self.show();
        outcome
    }

    async fn enter(&self) -> Result<Permit, StoreError> {
        // 0 stands for no bound.
        let bound = |param: &Param| match param.get() {
            0.0 => usize::MAX,
            bound => bound as usize,
        };
        let waiting = match self.gate.enter(bound(&self.capacity), bound(&self.queue)) {
            Admission::Free(permit) => return Ok(permit),
            Admission::Full => return Err(StoreError::Refused),
            Admission::Wait(waiting) => waiting,
        };
        self.show();
        waiting.await.map_err(|_| StoreError::Refused)
    }

    async fn carry(&self) -> Result<(), StoreError> {
        if self.hangs.hits(self.hang_percent.get()) {
            tokio::time::sleep(self.hang_ms.millis()).await;
            return Err(StoreError::Command);
        }
        let (mean_ms, spread) = (self.latency_ms.get(), self.spread_percent.get() / 100.0);
        let drawn_ms = mean_ms * (1.0 - spread) + self.latencies.exponential(mean_ms * spread);
        let latency = Duration::try_from_secs_f64(drawn_ms / 1000.0).unwrap_or_default();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if self.errors.hits(self.error_percent.get()) { Err(StoreError::Command) } else { Ok(()) }
    }

    fn show(&self) {
        let state = self.gate.lock();
        self.busy.set(state.busy as f64);
        self.queued.set(state.waiting.len() as f64);
    }
}

/// A command that is carried without a limit on their number.
struct Busy<'a> {
    downstream: &'a Downstream,
    place: Admission,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.place = Admission::Full;
        self.downstream.show();
    }
}

/// Lets so many in at once, the others in the order in which they came. Unlike a semaphore, its
/// size may change with each who comes.
#[derive(Debug, Default)]
struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    busy: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

enum Admission {
    Free(Permit),
    Wait(oneshot::Receiver<Permit>),
    Full,
}

/// A place inside, until it is dropped.
#[derive(Debug)]
struct Permit(Option<Arc<Gate>>);

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, capacity: usize, queue: usize) -> Admission {
        let mut state = self.lock();
        if state.busy < capacity {
            state.busy += 1;
            return Admission::Free(Permit(Some(Arc::clone(self))));
        }
        if state.waiting.len() >= queue {
            return Admission::Full;
        }
        let (turn, waiting) = oneshot::channel();
        state.waiting.push_back(turn);
        Admission::Wait(waiting)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(gate) = self.0.take() else { return };
        let mut state = gate.lock();
        let mut permit = Self(Some(Arc::clone(&gate)));
        while let Some(next) = state.waiting.pop_front() {
            match next.send(permit) {
                Ok(()) => return,
                // It has given up: the next one's turn.
                Err(back) => permit = back,
            }
        }
        state.busy -= 1;
        permit.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_to_the_next_who_still_waits() {
        let gate = Arc::new(Gate::default());
        let Admission::Free(first) = gate.enter(1, 2) else { panic!("nobody is inside") };
        let Admission::Wait(second) = gate.enter(1, 2) else { panic!("it is full") };
        let Admission::Wait(mut third) = gate.enter(1, 2) else { panic!("two may wait") };
        assert!(matches!(gate.enter(1, 2), Admission::Full));
        drop(second);
        drop(first);
        let third = third.try_recv().expect("its turn");
        assert_eq!(gate.lock().busy, 1);
        drop(third);
        assert_eq!(gate.lock().busy, 0);
    }
}
