//! Workers, and a line of waiting requests for each group: a class, a tenant. A policy decides who may wait, and whose
//! turn it is when a worker is free.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Workers that requests of several groups share.
#[derive(Debug)]
pub struct Lines {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Numbers the arrivals.
    arrivals: u64,
    lines: LineState,
    /// The waiting requests of each group, the oldest first.
    waiting: Vec<VecDeque<(u64, oneshot::Sender<()>)>>,
}

/// Workers and lines at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineState {
    /// Workers without a request.
    pub free: usize,
    /// Requests that are worked on, by group.
    pub busy: Vec<usize>,
    /// Requests that wait, by group.
    pub waiting: Vec<usize>,
    /// The number of the oldest waiting request of each group; none if none waits. A lower number has waited longer.
    pub oldest: Vec<Option<u64>>,
}

/// The decisions about who waits and who is next.
pub trait Policy {
    /// Returns true if a request of this group, which finds no worker, may wait.
    fn admits(&self, lines: &LineState, group: usize) -> bool;

    /// The group whose oldest request gets a worker that is free; none: the worker stays free.
    fn next(&self, lines: &LineState) -> Option<usize>;
}

/// The fate of a request that arrives.
#[derive(Debug)]
pub enum Arrival<'a, P: Policy> {
    /// A worker is its own.
    Served(Worker<'a, P>),
    /// It waits.
    Waits(Turn<'a, P>),
    /// It may not wait.
    Refused,
}

/// A worker, until it is dropped.
#[derive(Debug)]
pub struct Worker<'a, P: Policy> {
    lines: &'a Lines,
    policy: &'a P,
    group: usize,
}

/// A waiting request. One that leaves when its turn has just come hands it on.
#[derive(Debug)]
pub struct Turn<'a, P: Policy> {
    comes: oneshot::Receiver<()>,
    lines: &'a Lines,
    policy: &'a P,
    group: usize,
}

impl Lines {
    /// Lines for a number of workers and of groups.
    pub fn new(workers: usize, groups: usize) -> Self {
        let lines = LineState {
            free: workers,
            busy: vec![0; groups],
            waiting: vec![0; groups],
            oldest: vec![None; groups],
        };
        let waiting = (0..groups).map(|_| VecDeque::new()).collect();
        Self { state: Mutex::new(State { arrivals: 0, lines, waiting }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Workers and lines as they are now.
    pub fn state(&self) -> LineState {
        self.lock().lines.clone()
    }

    /// A request arrives. `group` is below the number of groups.
    pub fn arrive<'a, P: Policy>(&'a self, policy: &'a P, group: usize) -> Arrival<'a, P> {
        let mut state = self.lock();
        let before = state.lines.clone();
        let (turn, waits) = oneshot::channel();
        state.arrivals += 1;
        let number = state.arrivals;
        state.waiting[group].push_back((number, turn));
        state.count(group);
        state.hand_out(policy);
        let mut turn = Turn { comes: waits, lines: self, policy, group };
        if turn.comes.try_recv().is_ok() {
            return Arrival::Served(Worker { lines: self, policy, group });
        }
        if policy.admits(&before, group) {
            return Arrival::Waits(turn);
        }
        state.waiting[group].retain(|(waiting, _)| *waiting != number);
        state.count(group);
        drop(state);
        Arrival::Refused
    }

    fn leave<P: Policy>(&self, policy: &P, group: usize) {
        let mut state = self.lock();
        state.lines.free += 1;
        state.lines.busy[group] -= 1;
        state.hand_out(policy);
    }
}

impl State {
    fn count(&mut self, group: usize) {
        self.lines.waiting[group] = self.waiting[group].len();
        self.lines.oldest[group] = self.waiting[group].front().map(|(number, _)| *number);
    }

    /// Hands free workers to those that the policy names.
    fn hand_out<P: Policy>(&mut self, policy: &P) {
        while self.lines.free > 0 {
            let Some(group) = policy.next(&self.lines) else { return };
            let Some((_, turn)) = self.waiting[group].pop_front() else { return };
            self.count(group);
            // A request that has left is skipped.
            if turn.send(()).is_ok() {
                self.lines.free -= 1;
                self.lines.busy[group] += 1;
            }
        }
    }
}

impl<'a, P: Policy> Turn<'a, P> {
    /// Waits for a worker.
    pub async fn wait(mut self) -> Worker<'a, P> {
        // The lines are never dropped before their requests.
        (&mut self.comes).await.ok();
        Worker { lines: self.lines, policy: self.policy, group: self.group }
    }
}

impl<P: Policy> Drop for Turn<'_, P> {
    fn drop(&mut self) {
        self.comes.close();
        if self.comes.try_recv().is_ok() {
            self.lines.leave(self.policy, self.group);
        }
    }
}

impl<P: Policy> Drop for Worker<'_, P> {
    fn drop(&mut self) {
        self.lines.leave(self.policy, self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Group 0 first, one worker at most for group 1, one that waits of each.
    #[derive(Debug)]
    struct FirstGroupFirst;

    impl Policy for FirstGroupFirst {
        fn admits(&self, lines: &LineState, group: usize) -> bool {
            lines.waiting[group] < 1
        }

        fn next(&self, lines: &LineState) -> Option<usize> {
            let may = |group: &usize| {
                lines.oldest[*group].is_some() && (*group == 0 || lines.busy[1] < 1)
            };
            (0..2).find(may)
        }
    }

    fn served(arrival: Arrival<'_, FirstGroupFirst>) -> Worker<'_, FirstGroupFirst> {
        match arrival {
            Arrival::Served(worker) => worker,
            other => panic!("it is not served: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_policy_decides_who_waits_and_who_is_next() {
        let lines = Lines::new(2, 2);
        let arrive = |group| lines.arrive(&FirstGroupFirst, group);
        let low = served(arrive(1));
        // A worker is free, but not for group 1.
        let Arrival::Waits(low_waits) = arrive(1) else { panic!("it waits") };
        assert!(matches!(arrive(1), Arrival::Refused));
        let high = served(arrive(0));
        let Arrival::Waits(high_waits) = arrive(0) else { panic!("it waits") };
        assert_eq!((lines.state().free, lines.state().waiting), (0, vec![1, 1]));
        drop(low);
        drop(high_waits.wait().await);
        let low = low_waits.wait().await;
        drop((high, low));
        let (free, busy, waiting) = (2, vec![0, 0], vec![0, 0]);
        assert_eq!(lines.state(), LineState { free, busy, waiting, oldest: vec![None, None] });
    }

    #[tokio::test]
    async fn who_leaves_hands_the_turn_on() {
        let lines = Lines::new(1, 2);
        let first = served(lines.arrive(&FirstGroupFirst, 0));
        let Arrival::Waits(leaves) = lines.arrive(&FirstGroupFirst, 0) else { panic!("it waits") };
        let Arrival::Waits(waits) = lines.arrive(&FirstGroupFirst, 1) else { panic!("it waits") };
        drop(first);
        drop(leaves);
        drop(waits.wait().await);
        assert_eq!(lines.state().free, 1);
    }
}
