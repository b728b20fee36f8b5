//! Stability: the state of each lane before, during and after its faults.

use std::fmt;

use crate::figures::{count, millis, number};
use serde::{Deserialize, Serialize};

use crate::experiment::{ASKS, Faults};
use crate::incident::measure::WindowMeasure;
use crate::incident::params;
use crate::timeline::{LaneLine, Timeline};
use crate::window::Window as Requests;

/// A share of the rate before, below which a lane is not steady.
const STEADY_OK: f64 = 0.98;

/// By how much p99 may grow: this many times, and so many milliseconds.
const STEADY_P99: (f64, f64) = (2.0, 50.0);

/// A lane that answers less than this share, well or with a refusal, has no steady state.
const STATE_PERCENT: f64 = 90.0;

/// Accepted increase of rejected requests, in percentage points.
const REFUSED_MORE: f64 = 5.0;

/// Counters of requests that an experiment did something to.
const HIT: [&str; 2] = ["chaos_delayed", "chaos_failed"];

/// A lane that is back within this many seconds has recovered as it should.
pub const RECOVERS_S: f64 = 2.0;

/// Stability of the lanes around the injected faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The faults, as they can be asked for.
    pub faults: Vec<String>,
    /// Time of the faults, in seconds.
    pub faults_s: (f64, f64),
    /// Each lane's.
    pub lanes: Vec<LaneStability>,
}

/// State of a lane before, during and after faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaneStability {
    /// Its variant.
    pub variant: String,
    /// Requests that a fault held up or failed.
    pub hit: u64,
    /// Its steady state.
    pub before: Window,
    /// While faults were injected.
    pub during: Window,
    /// Since then.
    pub after: Window,
    /// Seconds from the end of the faults to the first second that is as before, as is the rest of the run
    /// from there on as a whole; none: not within the run. 0 for a lane that was steady throughout.
    pub recovers_after_s: Option<f64>,
    /// Its processes that ended in the meantime.
    pub exits: usize,
    /// The result.
    pub verdict: Amounts,
}

/// Figures of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Requests that were answered well, of all that ended, in percent.
    pub ok_percent: Option<f64>,
    /// Requests that were refused, in percent: some are meant to be.
    pub rejected_percent: Option<f64>,
    /// 99th percentile in milliseconds, the unanswered included.
    pub p99_ms: Option<f64>,
}

/// Results of a stability analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// As before, throughout.
    Steady,
    /// It broke, and was as before within two seconds of the end of the faults.
    Recovers,
    /// It broke, and took longer.
    RecoversLate,
    /// It broke, and stayed so to the end of the run.
    DoesNotRecover,
    /// There was no steady state to compare with.
    NoSteadyState,
    /// The run ended before anything could be said of the time after.
    EndsTooSoon,
    /// No request met a fault.
    NothingHit,
    /// Its code was switched by hand meanwhile: what it was before is no measure of it.
    Switched,
}

impl Amounts {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Recovers => "recovers",
            Self::RecoversLate => "recovers late",
            Self::DoesNotRecover => "does not recover",
            Self::NoSteadyState => "no steady state before",
            Self::EndsTooSoon => "the run ends too soon",
            Self::NothingHit => "no request was hit",
            Self::Switched => "its code was switched meanwhile",
        }
    }
}

/// Analyses the stability of the lanes, if faults were injected.
pub fn stability(timeline: &Timeline) -> Option<Stability> {
    let (from_s, to_s) = injected(timeline)?;
    let lanes = timeline.lanes.iter().map(|lane| of_lane(lane, (from_s, to_s), timeline.end_s));
    let asked = timeline.param_history.at(from_s);
    let faults = params::ALL.iter().filter(|param| param.name.starts_with("chaos_"));
    let faults = faults.filter_map(|param| Some((param.name.to_owned(), *asked.get(param.name)?)));
    let faults = Faults(faults.collect()).texts();
    Some(Stability { faults, faults_s: (from_s, to_s), lanes: lanes.collect() })
}

/// From when to when faults were asked for: from the first to the last moment.
fn injected(timeline: &Timeline) -> Option<(f64, f64)> {
    let mut times = timeline.param_history.times();
    times.push(timeline.end_s);
    let asked = |at_s: f64| {
        let values = timeline.param_history.at(at_s);
        ASKS.iter().any(|name| values.get(*name).is_some_and(|value| *value > 0.0))
    };
    let from_s = times.iter().copied().find(|at_s| asked(*at_s))?;
    let to_s = times.iter().copied().find(|at_s| *at_s > from_s && !asked(*at_s));
    Some((from_s, to_s.unwrap_or(timeline.end_s)))
}

fn of_lane(lane: &LaneLine, (from_s, to_s): (f64, f64), end_s: f64) -> LaneStability {
    // The first second of a run has the start of everything in it.
    let before = window(lane, (1.0_f64.min(from_s), from_s));
    let (during, after) = (window(lane, (from_s, to_s)), window(lane, (to_s, end_s)));
    let as_before = |now: &Window| is_as(before, *now);
    // A second has few requests, and chance moves its share: so the rest is looked at as a whole.
    let halves = ((end_s - to_s - 0.95) * 2.0).max(0.0).ceil() as u32;
    let back_s = (0..halves).map(|half| f64::from(half) / 2.0).find(|since_s| {
        let at_s = to_s + since_s;
        as_before(&window(lane, (at_s, at_s + 1.0))) && as_before(&window(lane, (at_s, end_s)))
    });
    let exits = lane.exits.iter().filter(|exit| exit.at_ms as f64 / 1000.0 >= from_s).count();
    let hit = hit(lane);
    let answered = before.ok_percent.zip(before.rejected_percent).map(|(ok, refused)| ok + refused);
    let verdict = match (answered, as_before(&during), back_s) {
        _ if hit == 0 => Amounts::NothingHit,
        _ if lane.switched_s.iter().any(|at_s| *at_s > from_s) => Amounts::Switched,
        (answered, ..) if answered.is_none_or(|all| all < STATE_PERCENT) => Amounts::NoSteadyState,
        _ if to_s + 1.0 > end_s => Amounts::EndsTooSoon,
        (_, true, Some(0.0)) if exits == 0 => Amounts::Steady,
        (.., Some(back_s)) if back_s <= RECOVERS_S => Amounts::Recovers,
        (.., Some(_)) => Amounts::RecoversLate,
        (.., None) => Amounts::DoesNotRecover,
    };
    let variant = lane.variant.clone();
    LaneStability { variant, hit, before, during, after, recovers_after_s: back_s, exits, verdict }
}

/// Requests that faults held up or failed, over all processes of a lane: each counts from 0. At least so many: those of
/// a tick in which one of several instances restarts cannot be distinguished.
fn hit(lane: &LaneLine) -> u64 {
    let of = |name: &str| {
        let counts = lane.samples.iter().filter_map(|(_, sample)| {
            let several = sample.instances.len() > 1;
            Some((several, sample.server.as_ref()?.metrics.get(name).copied()?))
        });
        let more = |(all, last): (f64, f64), (several, now): (bool, f64)| {
            let since = if now >= last {
                now - last
            } else if several {
                // Of several instances one has restarted; what the others count has been counted.
                0.0
            } else {
                now
            };
            (all + since, now)
        };
        counts.fold((0.0, 0.0), more).0
    };
    HIT.into_iter().map(of).sum::<f64>() as u64
}

/// Returns true if a window is as good as the steady state.
fn is_as(before: Window, now: Window) -> bool {
    let refused = |window: Window| window.rejected_percent.unwrap_or_default();
    let (Some(ok), Some(was_ok)) = (now.ok_percent, before.ok_percent) else { return false };
    // Who is refused is answered as is meant, unless more are than before.
    let ok = ok + refused(now).min(refused(before) + REFUSED_MORE);
    let was_ok = was_ok + refused(before);
    let (times, more_ms) = STEADY_P99;
    let p99 = match (now.p99_ms, before.p99_ms) {
        (Some(now), Some(before)) => now <= before * times + more_ms,
        _ => true,
    };
    ok >= was_ok * STEADY_OK && p99
}

fn window(lane: &LaneLine, (from_s, to_s): (f64, f64)) -> Window {
    let mut sum = Requests::default();
    let inside = |at_s: &f64| *at_s > from_s + 0.05 && *at_s <= to_s + 0.05;
    let samples = lane.samples.iter().filter(|(at_s, _)| inside(at_s));
    samples.for_each(|(_, sample)| sum.add(&sample.load));
    let value = |measure| sum.value(measure, to_s - from_s);
    Window {
        ok_percent: value(WindowMeasure::OkPercent),
        rejected_percent: value(WindowMeasure::RejectedPercent),
        p99_ms: value(WindowMeasure::P99Ms),
    }
}
/// `98 % ok, 1 % refused, p99 20 ms`, as far as there is something to say.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ok =
            self.ok_percent.map_or("not observed".to_owned(), |ok| format!("{} % ok", number(ok)));
        let refused = self.rejected_percent.filter(|refused| *refused >= 0.05);
        let refused =
            refused.map_or(String::new(), |refused| format!(", {} % refused", number(refused)));
        let p99 = self.p99_ms.map_or(String::new(), |p99| format!(", p99 {}", millis(p99)));
        f.write_str(&(ok + &refused + &p99))
    }
}

impl LaneStability {
    /// The time after which the lane recovered, for people.
    pub fn back(&self) -> String {
        self.recovers_after_s.map_or("–".to_owned(), |seconds| format!("{} s", number(seconds)))
    }
}

/// A table in plain text.
pub fn table(stability: &Stability) -> String {
    use std::fmt::Write;
    let (from_s, to_s) = stability.faults_s;
    // Writing to a String cannot fail.
    let mut text = format!(
        "  faults were injected from {} s to {} s: {}\n",
        number(from_s),
        number(to_s),
        stability.faults.join(" ")
    );
    let _ = writeln!(text, "  what is expected of a lane is expected without them");
    let head = ["lane", "hit", "before", "while", "after", "back after", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(stability.lanes.iter().map(|lane| {
        let exits = match lane.exits {
            0 => String::new(),
            1 => ", 1 exit".to_owned(),
            exits => format!(", {exits} exits"),
        };
        [
            lane.variant.clone(),
            count(lane.hit),
            lane.before.to_string(),
            lane.during.to_string(),
            lane.after.to_string(),
            lane.back(),
            lane.verdict.word().to_owned() + &exits,
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).filter_map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        let _ = writeln!(text, "  {}", cells.collect::<String>().trim_end());
    }
    text
}
