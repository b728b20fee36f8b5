//! Values for a walk's texts and formulas: the measures of the lanes now, at the moment at which the run went on,
//! and counts since.

use serde::{Deserialize, Serialize};

use super::Walk;
use crate::event::{Sample, TICK};
use crate::incident::formula::Values;
use crate::incident::measure::with_suffix;
use crate::incident::walk::WalkStep;
use crate::prose::letter;
use crate::session::Session;

/// Counts of a lane since the run went on.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Since {
    ticks: u32,
    up: u32,
    exits: u32,
    ok: u64,
    bad: u64,
}

impl Since {
    pub(super) fn take(&mut self, sample: &Sample) {
        self.ticks += 1;
        self.up += u32::from(sample.server.is_some());
        let load = &sample.load;
        self.ok += load.outcomes.ok;
        self.bad += load.outcomes.bad();
    }

    pub(super) fn exited(&mut self) {
        self.exits += 1;
    }

    fn values(self) -> impl Iterator<Item = (String, f64)> {
        let percent = |part: f64, all: f64| if all > 0.0 { part * 100.0 / all } else { 0.0 };
        let (ok, bad, up) = (self.ok as f64, self.bad as f64, f64::from(self.up));
        [
            ("up_s_since", up * TICK.as_secs_f64()),
            ("up_percent_since", percent(up, f64::from(self.ticks))),
            ("exits_since", f64::from(self.exits)),
            ("ok_since", ok),
            ("bad_since", bad),
            ("bad_percent_since", percent(bad, ok + bad)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
    }
}

/// The lane that a step, or its question, is about.
pub(super) fn lane_of(session: &Session, of: Option<&String>) -> usize {
    let variants = &session.case.plan.variants;
    of.and_then(|variant| variants.iter().position(|name| name == variant)).unwrap_or(0)
}

/// Values for the formulas and texts of a step: the measures of its lane, rate and parameters, times.
pub(in crate::session) fn of_step(
    session: &Session,
    walk: &Walk,
    step: Option<&WalkStep>,
) -> Values {
    let own = lane_of(session, step.and_then(|step| step.variant.as_ref()));
    let mut values = of_lane(session, walk, own);
    for lane in 0..session.main.head.lanes.len() {
        let letter = letter(lane).to_ascii_lowercase();
        let of_lane = of_lane(session, walk, lane);
        values.extend(of_lane.into_iter().map(|(name, value)| (format!("{letter}_{name}"), value)));
    }
    values
}

/// The values of one lane alone.
fn of_lane(session: &Session, walk: &Walk, lane: usize) -> Values {
    let (state, case) = (&session.main.head, &session.case);
    let mut values = state.lanes[lane].values(state.param_history.now());
    values.insert("at_s".to_owned(), state.now_s);
    let cap_bytes = case.manifest().memory.cap_bytes();
    values.insert("cap_bytes".to_owned(), cap_bytes as f64);
    let timeout_ms = case.manifest().load.client_timeout_ms;
    values.insert("client_timeout_s".to_owned(), timeout_ms as f64 / 1000.0);
    if state.released_s.is_none() {
        // A question before the release is about the time after it.
        values.extend(case.params_at_release());
    }
    if let Some(released_s) = state.released_s {
        values.insert("t".to_owned(), state.now_s - released_s);
        if let Some(Some(exit_s)) = walk.exits_s.get(lane) {
            values.insert("exit_s".to_owned(), exit_s - released_s);
        }
    }
    if let Some((since_s, then)) = &walk.went_on {
        let passed_s = state.now_s - since_s;
        values.insert("since_s".to_owned(), passed_s);
        values.extend(walk.since.get(lane).copied().unwrap_or_default().values());
        // Growth over all the time that has passed, not over the last second alone.
        if let Some(then) = then.get(lane) {
            let now = values.clone();
            for (name, before) in then {
                values.insert(with_suffix(name, "_then"), *before);
                if let Some(after) = now.get(name).filter(|_| passed_s > 0.0) {
                    values.insert(with_suffix(name, "_per_s"), (after - before) / passed_s);
                }
            }
        }
    }
    values
}

/// The time, and the measures of each lane.
pub(super) fn measured_now(session: &Session) -> (f64, Vec<Values>) {
    let state = &session.main.head;
    let now_t = state.released_s.map(|released_s| state.now_s - released_s);
    let values = state.lanes.iter().map(|lane| {
        let mut values = lane.values(state.param_history.now());
        values.extend(now_t.map(|t| ("t".to_owned(), t)));
        values
    });
    (state.now_s, values.collect())
}
