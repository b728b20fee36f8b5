//! The state of one run, folded from its events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lane_state::LaneState;
use crate::catalogue::CatalogueEntry;
use crate::event::{Event, EventKind};
use crate::incident::claim::Claim;
use crate::incident::formula::{Formula, Values};
use crate::incident::manifest::Switch;
use crate::incident::measure::Measure;
use crate::incident::show::{Sentence, growth_of};
use crate::incident::theory::ParamHistory;
use crate::load::tally::TRUSTED_LAG_MS;
use crate::plan::Case;
use crate::prose;
use crate::window::Distribution;

/// Lines that the event log keeps.
const LOG_LINES: usize = 500;

/// Phases that are marked in the charts.
const MOST_PHASES: usize = 1000;

/// Lines among which a repetition is looked for.
const REPEATS_WITHIN: usize = 12;

/// Ticks over which the lag of the load generator is watched: two seconds.
const LAG_TICKS: usize = 20;

/// The measurements of a run, as front ends show them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunState {
    /// The lanes.
    pub lanes: Vec<LaneState>,
    /// Seconds since the run began.
    pub now_s: f64,
    /// The phase that holds.
    pub phase: Option<usize>,
    /// Start of each phase in seconds.
    pub phases_s: Vec<f64>,
    /// Rate and parameters as they were.
    pub param_history: ParamHistory,
    /// The limits that metrics of the fixed variant stay below by the manifest, at the present load.
    pub limits: BTreeMap<String, Limit>,
    /// Time of the release in seconds; none: not yet.
    pub released_s: Option<f64>,
    /// The event log, oldest first.
    pub log: VecDeque<LogEntry>,
    /// Events that were lost.
    pub dropped: u64,
    lag: VecDeque<Vec<(u64, u32)>>,
    lag_p99_ms: Option<f64>,
}

/// A line of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Seconds since the run began.
    pub at_s: f64,
    /// The lane it happened in.
    pub lane: Option<usize>,
    /// The text.
    pub line: Arc<str>,
    /// The number of times that it came in a row.
    pub times: u32,
    /// True if it is about the end or the restart of a process.
    pub is_about_process: bool,
}

impl RunState {
    /// A run that has not begun.
    pub fn new(case: &Case) -> Self {
        let manifest = case.manifest();
        let charts = manifest.charts.iter();
        let levels: Arc<[Measure]> =
            charts.flat_map(|chart| chart.levels().into_iter().cloned()).collect();
        let names = manifest.sentences.iter().flat_map(Sentence::names);
        let growing: BTreeSet<String> = names.filter_map(growth_of).collect();
        let growing: Arc<[String]> = growing.into_iter().collect();
        let lane =
            |variant: &String| LaneState::new(variant, Arc::clone(&levels), Arc::clone(&growing));
        Self {
            lanes: case.plan.variants.iter().map(lane).collect(),
            now_s: 0.0,
            phase: None,
            phases_s: Vec::new(),
            limits: limits(&case.entry, &case.values()),
            released_s: None,
            param_history: ParamHistory::new(case.values()),
            log: VecDeque::new(),
            dropped: 0,
            lag: VecDeque::new(),
            lag_p99_ms: None,
        }
    }

    /// Takes in an event of the run.
    pub fn take(&mut self, case: &Case, event: &Event) {
        let at_s = event.at_ms as f64 / 1000.0;
        self.now_s = self.now_s.max(at_s);
        let line = match event.lane {
            Some(lane) => self.lanes.get_mut(lane).and_then(|lane| lane.take(at_s, &event.what)),
            None => self.take_general(case, at_s, &event.what),
        };
        let Some(line) = line else { return };
        match event.what {
            EventKind::Log { .. } => self.log_repeating(at_s, event.lane, line),
            EventKind::Exit { .. } | EventKind::Restart { .. } | EventKind::Ready(_) => {
                self.log(at_s, event.lane, line);
                self.log.back_mut().into_iter().for_each(|entry| entry.is_about_process = true);
            }
            _ => self.log(at_s, event.lane, line),
        }
    }

    /// Adds a line to the log, unless it came a moment ago: then it is counted there.
    pub(super) fn log_repeating(&mut self, at_s: f64, lane: Option<usize>, line: String) {
        let mut newest = self.log.iter_mut().rev().take(REPEATS_WITHIN);
        match newest.find(|entry| entry.lane == lane && *entry.line == *line) {
            Some(entry) => entry.times += 1,
            None => self.log(at_s, lane, line),
        }
    }

    /// Adds a line to the log.
    pub fn log(&mut self, at_s: f64, lane: Option<usize>, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        let is_about_process = false;
        self.log.push_back(LogEntry { at_s, lane, line: line.into(), times: 1, is_about_process });
    }

    fn take_general(&mut self, case: &Case, at_s: f64, what: &EventKind) -> Option<String> {
        match what {
            EventKind::Phase { index, .. } => {
                self.phase = Some(*index);
                let phase = case.manifest().phases.get(*index);
                if phase.is_some_and(|phase| phase.bugs == Some(Switch::On)) {
                    self.released_s = Some(at_s);
                }
                if self.phases_s.len() < MOST_PHASES {
                    self.phases_s.push(at_s);
                }
                prose::line(what)
            }
            EventKind::Rate { rate_per_s } => {
                self.param_history.set(at_s, "rate_per_s", *rate_per_s);
                self.limits = limits(&case.entry, self.param_history.now());
                prose::line(what).filter(|_| at_s > 0.0)
            }
            EventKind::Param { name, value } => {
                let load = &case.entry.manifest.load;
                self.param_history.set_param(at_s, (name, *value), load);
                self.limits = limits(&case.entry, self.param_history.now());
                None
            }
            EventKind::Log { line } => Some(line.clone()),
            EventKind::Driver { lag_us, .. } => {
                self.watch_lag(lag_us);
                prose::line(what)
            }
            EventKind::Dropped { events } => {
                self.dropped = self.dropped.saturating_add(*events);
                prose::line(what)
            }
            _ => None,
        }
    }

    fn watch_lag(&mut self, lag_us: &[(u64, u32)]) {
        if self.lag.len() == LAG_TICKS {
            self.lag.pop_front();
        }
        self.lag.push_back(lag_us.to_vec());
        let mut values = Distribution::default();
        self.lag.iter().for_each(|tick| values.add(tick));
        self.lag_p99_ms = values.percentile_ms(99.0);
    }

    /// Returns the lateness of the load generator in the last seconds, if it is too high for the figures to be
    /// trusted.
    pub fn untrusted_lag_ms(&self) -> Option<f64> {
        self.lag_p99_ms.filter(|ms| *ms > TRUSTED_LAG_MS)
    }

    /// The load now, in requests a second to each lane.
    pub fn rate_per_s(&self) -> f64 {
        self.param_history.now().get("rate_per_s").copied().unwrap_or_default()
    }
}

/// A limit that a metric of the fixed variant stays below, and its window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The limit.
    pub below: f64,
    /// From when to when, in seconds since the release.
    pub window_s: (f64, f64),
}

impl RunState {
    /// The limit that this metric of the fixed variant stays below at this moment, by the manifest.
    pub fn limit(&self, metric: &str) -> Option<f64> {
        let limit = self.limits.get(metric)?;
        let (from_s, to_s) = limit.window_s;
        let since_s = self.now_s - self.released_s?;
        (from_s..=to_s).contains(&since_s).then_some(limit.below)
    }
}

/// The limits that metrics of the fixed variant stay below: the first such claim of the manifest about each.
fn limits(entry: &CatalogueEntry, values: &Values) -> BTreeMap<String, Limit> {
    let mut limits = BTreeMap::new();
    for expect in entry.manifest.expectations.iter().filter(|e| e.variant == "fixed") {
        if let Claim::Below(formula) | Claim::StaysBelow(formula) = &expect.claim
            && let Ok(below) = formula.eval(values)
        {
            let at = |at: &Option<Formula>, else_s| match at {
                Some(formula) => formula.eval(values).unwrap_or(else_s),
                None => else_s,
            };
            let window_s = (at(&expect.window.from_s, 0.0), at(&expect.window.to_s, f64::MAX));
            let limit = Limit { below, window_s };
            limits.entry(expect.metric.name().to_owned()).or_insert(limit);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_in_the_window_of_its_claim() {
        let mut data = RunState::new(&crate::session::tests::case());
        let limit = Limit { below: 5.0, window_s: (1.0, 3.0) };
        data.limits = BTreeMap::from([("pool_lost".to_owned(), limit)]);
        let at = |data: &mut RunState, now_s| {
            data.now_s = now_s;
            data.limit("pool_lost")
        };
        assert_eq!(at(&mut data, 7.0), None, "there has been no release");
        data.released_s = Some(5.0);
        assert_eq!(at(&mut data, 5.5), None);
        assert_eq!(at(&mut data, 7.0), Some(5.0));
        assert_eq!(at(&mut data, 8.5), None);
    }
}
