//! The page that begins a shift: what is measured now, against the time before.

use super::scenario::{Report, Scenario};
use super::seconds::{Second, Seconds};
use crate::figures::{millis, number};
use crate::incident::Manifest;
use crate::incident::manifest::Symptom;

/// Seconds that an alert looks back over.
const RECENT: usize = 3;

/// Seconds after the release within which nothing fires: an alert needs a window of its own.
const LEAST_S: u32 = 2;

/// Percentage points of bad requests above the time before, from which the alert on errors fires.
const MORE_BAD: f64 = 0.05;

/// The alert on latency fires at this latency, in milliseconds, if it is also this many times the time before.
const SLOW_MS: f64 = 300.0;

/// See [`SLOW_MS`].
const SLOWER: f64 = 3.0;

/// Seconds in a row in which a silent fault must show.
const SILENT_S: usize = 6;

/// Seconds after the release at which somebody calls at last.
const SOMEBODY_CALLS_S: u32 = 45;

/// The text of the page, once there is reason for one.
pub(super) fn page(scenario: &Scenario, manifest: &Manifest, seconds: &Seconds) -> Option<String> {
    let now = seconds.all.last()?;
    let release_s = (scenario.release_ms / 1000) as u32;
    if !scenario.is_faulty {
        let is_due = u64::from(now.at_s) * 1000 >= scenario.false_alarm_ms;
        return is_due.then(|| scenario.report.text().to_owned());
    }
    if now.at_s < release_s + LEAST_S {
        return None;
    }
    let split = seconds.all.iter().position(|second| second.at_s > release_s)?;
    let before = Figures::of(&seconds.all[..split]);
    let recent = seconds.newest(RECENT);
    let figures = Figures::of(recent);
    let fires = figures.bad > before.bad + MORE_BAD
        || (figures.p99_ms > SLOW_MS && figures.p99_ms > SLOWER * before.p99_ms);
    // Sometimes a customer is faster than the alert.
    if fires && scenario.report == Report::Customer {
        return Some(Report::Customer.text().to_owned());
    }
    if figures.bad > before.bad + MORE_BAD {
        let is_wrong = recent.iter().map(|second| second.wrong).sum::<u64>() * 2
            > recent.iter().map(Second::bad).sum::<u64>();
        let what = if is_wrong { "were answered wrongly" } else { "failed or timed out" };
        return Some(format!(
            "Alert: {} % of the requests of the last {RECENT} s {what}; before, it was {} %.",
            number((figures.bad * 100.0).round()),
            number((before.bad * 100.0).round())
        ));
    }
    if figures.p99_ms > SLOW_MS && figures.p99_ms > SLOWER * before.p99_ms {
        return Some(format!(
            "Alert: the p99 of the last {RECENT} s is {}; before, it was {}.",
            millis(figures.p99_ms),
            millis(before.p99_ms)
        ));
    }
    let silent = seconds.newest(SILENT_S);
    if silent.len() == SILENT_S && silent.iter().all(|second| second.bites) {
        let report = match manifest.symptom {
            Symptom::Leak => Report::Capacity,
            _ => Report::Security,
        };
        return Some(report.text().to_owned());
    }
    (now.at_s >= release_s + SOMEBODY_CALLS_S).then(|| Report::Customer.text().to_owned())
}

impl Report {
    /// The text of the page. Whether it is true is for the person on call to find out.
    fn text(self) -> &'static str {
        match self {
            Self::None | Self::Customer => {
                "Support: \"A customer writes that something is wrong with the shop tonight. Could you have a look?\""
            }
            Self::Capacity => {
                "Capacity planning: \"Memory of the shop looks as if it grew since a moment ago. Does it level off?\""
            }
            Self::Security => {
                "Security: \"We are told that data of the shop can be read by people who must not see it. Is it so?\""
            }
        }
    }
}

/// Figures of a stretch of time.
struct Figures {
    /// Share of bad requests, from 0 to 1.
    bad: f64,
    /// Highest p99 of a second but one, in milliseconds: one second alone does not count.
    p99_ms: f64,
}

impl Figures {
    fn of(seconds: &[Second]) -> Self {
        let sum = |count: fn(&Second) -> u64| seconds.iter().map(count).sum::<u64>() as f64;
        let bad = sum(Second::bad);
        let ended = sum(|second| second.ok + second.rejected) + bad;
        let mut p99: Vec<f64> = seconds.iter().filter_map(|second| second.p99_ms).collect();
        p99.sort_by(f64::total_cmp);
        let p99_ms = p99.iter().rev().nth(1).or(p99.last()).copied().unwrap_or_default();
        Self { bad: if ended > 0.0 { bad / ended } else { 0.0 }, p99_ms }
    }
}
