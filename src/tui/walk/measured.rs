//! What a walk's texts and formulas may use: what the lanes measure now, what they did when the run went on, and
//! what they have done since.

use firedrill_core::event::{Sample, TICK};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::walk::Step;

use super::Walk;
use crate::tui::model::Lab;
use crate::tui::view;

/// What a lane has done since the run went on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Since {
    ticks: u32,
    up: u32,
    pub(super) exits: u32,
    ok: u64,
    bad: u64,
}

impl Since {
    pub(super) fn take(&mut self, sample: &Sample) {
        self.ticks += 1;
        self.up += u32::from(sample.server.is_some());
        let load = &sample.load;
        self.ok += load.ok;
        self.bad += load.wrong + load.failed + load.timed_out;
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
pub(super) fn lane_of(lab: &Lab, of: Option<&String>) -> usize {
    let runs = |variant: &String| lab.spec.variants.iter().position(|name| name == variant);
    of.and_then(runs).unwrap_or(0)
}

/// What a step's formulas and texts may use: the measures of its lane, rate and parameters, times.
pub fn values(lab: &Lab, walk: &Walk, step: Option<&Step>) -> Values {
    let own = lane_of(lab, step.and_then(|step| step.of.as_ref()));
    let mut values = lane_values(lab, walk, own);
    for lane in 0..lab.lanes() {
        let letter = view::letter(lane).to_ascii_lowercase();
        let of_lane = lane_values(lab, walk, lane);
        values.extend(of_lane.into_iter().map(|(name, value)| (format!("{letter}_{name}"), value)));
    }
    values
}

/// The same of one lane alone.
fn lane_values(lab: &Lab, walk: &Walk, lane: usize) -> Values {
    let data = &lab.main.head;
    let mut values = data.lanes[lane].values(data.course.now());
    values.insert("at_s".to_owned(), data.now_s);
    let cap_bytes = lab.spec.entry.manifest.memory.cap_bytes();
    values.insert("cap_bytes".to_owned(), cap_bytes as f64);
    let timeout_ms = lab.spec.entry.manifest.load.client_timeout_ms;
    values.insert("client_timeout_s".to_owned(), timeout_ms as f64 / 1000.0);
    values.extend(lab.spec.entry.constants.clone());
    let requests = &lab.spec.entry.manifest.load.requests;
    let all: f64 = requests.iter().map(|request| request.weight).sum();
    values.extend(
        requests
            .iter()
            .enumerate()
            .map(|(i, request)| (format!("share_{}", i + 1), request.weight * 100.0 / all)),
    );
    if data.released_s.is_none() {
        // What is asked before the release is asked about the time after it.
        values.extend(lab.spec.plan().params_at_release());
    }
    if let Some(released_s) = data.released_s {
        values.insert("t".to_owned(), data.now_s - released_s);
        if let Some(Some(exit_s)) = walk.exits_s.get(lane) {
            values.insert("exit_s".to_owned(), exit_s - released_s);
        }
    }
    if let Some((since_s, then)) = &walk.went_on {
        let passed_s = data.now_s - since_s;
        values.insert("since_s".to_owned(), passed_s);
        values.extend(walk.since.get(lane).copied().unwrap_or_default().values());
        // Growth over all the time that has passed, not over the last second alone.
        if let Some(then) = then.get(lane) {
            let now = values.clone();
            for (name, before) in then {
                values.insert(format!("{name}_then"), *before);
                if let Some(after) = now.get(name).filter(|_| passed_s > 0.0) {
                    values.insert(format!("{name}_per_s"), (after - before) / passed_s);
                }
            }
        }
    }
    values
}

/// The time, and what each lane measures.
pub(super) fn measured_now(lab: &Lab) -> (f64, Vec<Values>) {
    let data = &lab.main.head;
    let now_t = data.released_s.map(|released_s| data.now_s - released_s);
    let values = data.lanes.iter().map(|lane| {
        let mut values = lane.values(data.course.now());
        values.extend(now_t.map(|t| ("t".to_owned(), t)));
        values
    });
    (data.now_s, values.collect())
}
