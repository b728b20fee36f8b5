//! Everything that may be shown to the person on call.

use serde::Serialize;

use super::diagnosis::{Cause, causes};
use super::fact::Fact;
use super::task::Task;
use super::{Shift, ShiftStage};
use crate::session::Session;

/// Share of an hour's requests that may be bad: the objective is 99 %.
const BUDGET: f64 = 0.01;

/// Everything that may be shown to the person on call. The cause is not in it.
#[derive(Debug, Serialize)]
pub struct Desk<'a> {
    /// Level of difficulty.
    pub level: u8,
    /// Stage of the shift.
    pub stage: ShiftStage,
    /// Seconds since the run began.
    pub now_s: f64,
    /// Seconds since the page; none before it.
    pub paged_s: Option<f64>,
    /// True once the page was taken.
    pub is_taken: bool,
    /// The task that is under way, and the seconds that are left.
    pub task: Option<(&'a Task, f64)>,
    /// The facts so far, oldest first.
    pub facts: &'a [Fact],
    /// Share of the error budget of one hour that is spent, in percent: 1 % of its requests may be bad. Shed requests
    /// count.
    pub budget_spent_percent: f64,
    /// Share of the load that is shed, in percent.
    pub shed_percent: f64,
    /// The cause that was named last: an id, or none if nothing is wrong. None: no cause was named.
    pub named: Option<Option<&'a str>>,
    /// The line that was named last.
    pub line: Option<usize>,
    /// Why the last input had no effect.
    pub refused: Option<&'a str>,
}

impl Session {
    /// Everything that may be shown of a shift; none without a shift.
    pub fn desk(&self) -> Option<Desk<'_>> {
        self.shift.as_ref().map(Shift::desk)
    }

    /// The causes that can be named, by title.
    pub fn causes(&self) -> Vec<Cause> {
        causes(&self.case.catalogue)
    }
}

impl Shift {
    /// Everything that may be shown.
    pub fn desk(&self) -> Desk<'_> {
        let left_s = |due_ms: u64| due_ms.saturating_sub(self.now_ms) as f64 / 1000.0;
        Desk {
            level: self.scenario.level,
            stage: self.stage,
            now_s: self.now_ms as f64 / 1000.0,
            paged_s: self
                .paged_ms
                .map(|paged_ms| self.now_ms.saturating_sub(paged_ms) as f64 / 1000.0),
            is_taken: self.taken_ms.is_some(),
            task: self.task.as_ref().map(|(due_ms, task)| (task, left_s(*due_ms))),
            facts: &self.facts,
            budget_spent_percent: self.budget_spent_percent(),
            shed_percent: self.shed_percent,
            named: self.namings.last().map(|naming| naming.cause.as_deref()),
            line: self.namings.last().and_then(|naming| naming.line),
            refused: self.refused.as_deref(),
        }
    }

    /// Share of the error budget of one hour that is spent, in percent.
    pub fn budget_spent_percent(&self) -> f64 {
        let bad: f64 = self.seconds.all.iter().map(|second| second.bad() as f64).sum();
        let budget = self.scenario.rate_per_s * 3600.0 * BUDGET;
        (bad + self.shed_requests()) * 100.0 / budget
    }

    /// Requests that were shed.
    pub fn shed_requests(&self) -> f64 {
        let shed = |second: &super::seconds::Second| {
            let share = self.shed_share(second.at_s);
            second.sent as f64 * share / (1.0 - share)
        };
        self.seconds.all.iter().map(shed).sum()
    }

    /// The share of the load that was shed in a second, from 0 to below 1.
    pub(super) fn shed_share(&self, at_s: u32) -> f64 {
        let ended = self.over_ms.is_some_and(|over_ms| over_ms < u64::from(at_s) * 1000);
        if ended {
            return 0.0;
        }
        let mut sheds = self.acted.iter().filter_map(|(at_ms, task)| match task {
            Task::Shed { percent } if *at_ms < u64::from(at_s) * 1000 => Some(*percent / 100.0),
            _ => None,
        });
        sheds.next_back().unwrap_or(0.0)
    }
}
