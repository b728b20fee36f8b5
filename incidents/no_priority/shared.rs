//! Code shared by the variants: the workers, the requests that wait for one, and the figures of each class.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::oneshot;

use firedrill_core::incident::{Class, Context, Env, Parked};

/// Workers of a server: requests that it works on at once.
pub const WORKERS: usize = 10;

/// The classes, the most important first.
pub const CLASSES: [Class; 3] = [Class::High, Class::Medium, Class::Low];

/// Requests that wait for a worker.
pub struct Lines {
    state: Mutex<State>,
}

/// Free workers, and the waiting requests of each class, the oldest first.
struct State {
    free: usize,
    /// Numbers the arrivals.
    next: u64,
    waiting: [VecDeque<(u64, oneshot::Sender<()>)>; 3],
}

/// The decisions of a variant. Classes are 0: high, 1: medium, 2: low.
#[derive(Clone, Copy)]
pub struct Policy {
    /// Returns true if a request of this class may wait, given how many of each class wait already.
    pub admits: fn([usize; 3], usize) -> bool,
    /// The class whose oldest request gets the worker that has become free. It gets the number of the oldest waiting
    /// request of each class, none if no request of that class waits; a lower number has waited longer.
    pub next_class: fn(&Env, [Option<u64>; 3]) -> Option<usize>,
}

/// The index of a class in [`CLASSES`].
pub fn index(class: Class) -> usize {
    CLASSES.iter().position(|known| *known == class).unwrap_or(1)
}

/// The waiting requests of this server.
pub fn lines(env: &Env) -> Arc<Lines> {
    struct Shared(Arc<Lines>);
    let shared = env.shared(|| {
        describe_gauge!("class_waiting", Unit::Count, "requests that wait for a worker, by class");
        describe_counter!("class_served", Unit::Count, "requests served, by class");
        describe_counter!("class_refused", Unit::Count, "requests refused, by class");
        for class in CLASSES {
            counter!("class_served", "class" => class.word()).increment(0);
            counter!("class_refused", "class" => class.word()).increment(0);
        }
        let state = State { free: WORKERS, next: 0, waiting: Default::default() };
        let lines = Arc::new(Lines { state: Mutex::new(state) });
        let shown = Arc::clone(&lines);
        env.collect(move || {
            let state = shown.lock();
            for (class, waiting) in CLASSES.iter().zip(&state.waiting) {
                gauge!("class_waiting", "class" => class.word()).set(waiting.len() as f64);
            }
        });
        Shared(lines)
    });
    Arc::clone(&shared.0)
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker has become free: hands it to the request that the policy names, or keeps it.
    fn hand_on(&self, env: &Env, policy: Policy) {
        let mut state = self.lock();
        loop {
            let oldest = [0, 1, 2].map(|class| state.waiting[class].front().map(|(at, _)| *at));
            let next =
                (policy.next_class)(env, oldest).and_then(|class| state.waiting[class].pop_front());
            let Some((_, turn)) = next else {
                state.free += 1;
                return;
            };
            // A request that has left is skipped.
            if turn.send(()).is_ok() {
                return;
            }
        }
    }

    /// Takes a free worker, or a place in the line of the class.
    fn arrive(&self, policy: Policy, class: usize) -> Arrival {
        let mut state = self.lock();
        if state.free > 0 {
            state.free -= 1;
            return Arrival::Served;
        }
        let waiting = [0, 1, 2].map(|class| state.waiting[class].len());
        if !(policy.admits)(waiting, class) {
            return Arrival::Refused;
        }
        let (turn, waits) = oneshot::channel();
        state.next += 1;
        let number = state.next;
        state.waiting[class].push_back((number, turn));
        Arrival::Waits(waits)
    }
}

/// The fate of a request that arrives.
enum Arrival {
    Served,
    Waits(oneshot::Receiver<()>),
    Refused,
}

/// A worker that serves a request, until it is dropped.
struct Worker<'a> {
    lines: &'a Lines,
    env: &'a Env,
    policy: Policy,
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.lines.hand_on(self.env, self.policy);
    }
}

/// A request that waits for its turn. One that leaves when it has just got it hands it on.
struct Waits<'a> {
    turn: oneshot::Receiver<()>,
    lines: &'a Lines,
    env: &'a Env,
    policy: Policy,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            self.lines.hand_on(self.env, self.policy);
        }
    }
}

/// Has a request wait for its turn and serves it, or refuses it.
pub async fn serve(
    (lines, env): (&Lines, &Env),
    policy: Policy,
    request: Request,
    next: Next,
) -> Response {
    let class = request.extensions().get::<Context>().map_or(Class::Medium, |of| of.class);
    match lines.arrive(policy, index(class)) {
        Arrival::Served => {}
        Arrival::Waits(turn) => {
            let mut waits = Waits { turn, lines, env, policy };
            // The line is never dropped before its requests.
            (&mut waits.turn).parked("a worker").await.ok();
        }
        Arrival::Refused => {
            counter!("class_refused", "class" => class.word()).increment(1);
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
    }
    let worker = Worker { lines, env, policy };
    let response = next.run(request).await;
    drop(worker);
    counter!("class_served", "class" => class.word()).increment(1);
    response
}
