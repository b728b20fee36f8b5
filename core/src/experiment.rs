//! A chaos experiment: faults on purpose, from one moment to another, and what a run of it showed.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::service::params;
use crate::timeline::{LaneLine, LoadSum, Timeline};

/// What a fault looks like that can be read.
const EXAMPLES: &str =
    "such as latency=100..2000ms@10%, error=500@5%, or latency=1s@100%,marked,most=20";

/// Faults, and when they are injected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiment {
    /// The faults.
    pub faults: Faults,
    /// When they begin, in seconds since the run began.
    pub from_s: f64,
    /// When they end.
    pub to_s: f64,
}

/// Faults, as the service's own parameters say them: `chaos_…` and their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(pub BTreeMap<&'static str, f64>);

/// A text that says no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no fault: {why}; {EXAMPLES}")]
pub struct NoFault {
    given: String,
    why: String,
}

/// The parameters that ask for a fault, and so make an experiment.
const ASKS: [&str; 2] = ["chaos_latency_percent", "chaos_error_percent"];

impl Faults {
    /// These faults and others.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The parameters that end them.
    pub fn end(&self) -> BTreeMap<&'static str, f64> {
        self.0.keys().filter(|name| ASKS.contains(name)).map(|name| (*name, 0.0)).collect()
    }
}

impl Experiment {
    /// The one that these changes of parameters make, each with its time in milliseconds: faults that are asked for
    /// in one moment, and ended in another. None: they make none, or more than one.
    pub fn of_changes(changes: &[(u64, &str, f64)]) -> Option<Self> {
        let (begin_ms, ..) = *changes.first()?;
        let (end_ms, ..) = *changes.last()?;
        let at = |wanted_ms: u64| {
            let near =
                changes.iter().filter(move |(at_ms, ..)| at_ms.abs_diff(wanted_ms) <= MOMENT_MS);
            near.map(|(_, name, value)| Some((params::find(name)?.name, *value))).collect()
        };
        let (begin, end): (Option<BTreeMap<_, _>>, Option<BTreeMap<_, _>>) =
            (at(begin_ms), at(end_ms));
        let faults = Self {
            faults: Faults(begin?),
            from_s: begin_ms as f64 / 1000.0,
            to_s: end_ms as f64 / 1000.0,
        };
        let one = end? == faults.faults.end()
            && changes.len() == faults.faults.0.len() + faults.faults.end().len();
        (one && end_ms.saturating_sub(begin_ms) > MOMENT_MS).then_some(faults)
    }
}

/// What changes within so many milliseconds is asked for at once.
const MOMENT_MS: u64 = 10;

impl Faults {
    fn or_start(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_else(|| params::start(name))
    }

    /// The texts that say these faults, as they are read: one for each kind.
    pub fn texts(&self) -> Vec<String> {
        // What nobody has asked for is as it is anyhow.
        let asked = |name: &str, value: &f64| (value - params::start(name)).abs() > 1e-9;
        let value = |name: &str| self.0.get(name).copied().filter(|value| asked(name, value));
        let marked = value("chaos_marked").map_or("", |_| ",marked");
        let most = value("chaos_most").map_or(String::new(), |most| format!(",most={most}"));
        let within = marked.to_owned() + &most;
        let delay = || {
            let [from, to] =
                ["chaos_latency_from_ms", "chaos_latency_to_ms"].map(|name| self.or_start(name));
            Some(format!("latency={from}..{to}ms@{}%", value("chaos_latency_percent")?))
        };
        let error = || {
            Some(format!(
                "error={}@{}%",
                self.or_start("chaos_error_status"),
                value("chaos_error_percent")?
            ))
        };
        [delay(), error()].into_iter().flatten().map(|text| text + &within).collect()
    }
}

/// `KIND=VALUE@SHARE%[,marked][,most=N]`.
impl FromStr for Faults {
    type Err = NoFault;

    fn from_str(given: &str) -> Result<Self, NoFault> {
        let no = |why: String| NoFault { given: given.to_owned(), why };
        let mut parts = given.split(',').map(str::trim);
        let fault = parts.next().unwrap_or_default();
        let (kind, rest) = fault
            .split_once('=')
            .ok_or_else(|| no("expected KIND=VALUE@SHARE%, KIND being latency or error".into()))?;
        let (value, share) = rest
            .split_once('@')
            .ok_or_else(|| no("expected a share after the value: @10% of the requests".into()))?;
        let percent = share.strip_suffix('%').and_then(|share| share.parse::<f64>().ok());
        let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
        let percent = percent.ok_or_else(|| {
            no(format!("expected a share from above 0% to 100%, with its %, found `{share}`"))
        })?;
        let mut faults = BTreeMap::new();
        match kind {
            "latency" => {
                let (from, to) = delay(value).map_err(no)?;
                faults.insert("chaos_latency_from_ms", from);
                faults.insert("chaos_latency_to_ms", to);
                faults.insert("chaos_latency_percent", percent);
            }
            "error" => {
                let status = value.parse::<u16>().ok().filter(|status| (400..600).contains(status));
                let status = status.ok_or_else(|| {
                    no(format!("expected a status from 400 to 599, found `{value}`"))
                })?;
                faults.insert("chaos_error_status", f64::from(status));
                faults.insert("chaos_error_percent", percent);
            }
            other => return Err(no(format!("expected latency or error, found `{other}`"))),
        }
        for part in parts {
            match part.split_once('=') {
                None if part == "marked" => {
                    faults.insert("chaos_marked", 1.0);
                }
                Some(("most", most)) => {
                    let most = most.parse::<u16>().ok().filter(|most| (1..=1000).contains(most));
                    let most =
                        most.ok_or_else(|| no("expected most=N, N from 1 to 1000".into()))?;
                    faults.insert("chaos_most", f64::from(most));
                }
                _ => return Err(no(format!("expected marked or most=N, found `{part}`"))),
            }
        }
        Ok(Self(faults))
    }
}

/// A delay in milliseconds: `100..2000ms`, `1s`.
fn delay(text: &str) -> Result<(f64, f64), String> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s').ok_or("expected a time in ms or s")?, 1000.0),
    };
    let (from, to) = number.split_once("..").unwrap_or((number, number));
    let ms = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        number.map(|number| number * unit_ms).ok_or(format!("expected a time, found `{text}`"))
    };
    let (from, to) = (ms(from)?, ms(to)?);
    if from > to {
        return Err("expected the shorter time first".to_owned());
    }
    let longest = params::find("chaos_latency_to_ms").map_or(0.0, |param| param.max);
    if to > longest {
        return Err(format!("expected at most {} s", longest / 1000.0));
    }
    Ok((from, to))
}

/// A share of the rate before, below which a lane is not steady.
const STEADY_OK: f64 = 0.98;

/// By how much p99 may grow: this many times, and so many milliseconds.
const STEADY_P99: (f64, f64) = (2.0, 50.0);

/// A lane that answers less than this share, well or with a refusal, has no steady state.
const STATE_PERCENT: f64 = 90.0;

/// So many percent of the requests more may be refused than before.
const REFUSED_MORE: f64 = 5.0;

/// Counters of requests that an experiment did something to.
const HIT: [&str; 2] = ["chaos_delayed", "chaos_failed"];

/// A lane that is back within this many seconds has recovered as it should.
pub const RECOVERS_S: f64 = 2.0;

/// What a run showed of a lane's stability, around the faults that were injected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// The faults, as they can be asked for.
    pub faults: Vec<String>,
    /// When the faults were on, in seconds.
    pub faults_s: (f64, f64),
    /// Each lane's.
    pub lanes: Vec<LaneStability>,
}

/// What a lane was like before, during and after.
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
    /// What that amounts to.
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

/// What a lane's stability amounts to.
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
        }
    }
}

/// How stable lanes were, where faults were injected.
pub fn stability(timeline: &Timeline) -> Option<Stability> {
    let (from_s, to_s) = injected(timeline)?;
    let lanes = timeline.lanes.iter().map(|lane| of_lane(lane, (from_s, to_s), timeline.end_s));
    let asked = timeline.course.at(from_s);
    let faults = params::ALL.iter().filter(|param| param.name.starts_with("chaos_"));
    let faults = faults.filter_map(|param| Some((param.name, *asked.get(param.name)?)));
    let faults = Faults(faults.collect()).texts();
    Some(Stability { faults, faults_s: (from_s, to_s), lanes: lanes.collect() })
}

/// From when to when faults were asked for: from the first to the last moment.
fn injected(timeline: &Timeline) -> Option<(f64, f64)> {
    let mut times = timeline.course.times();
    times.push(timeline.end_s);
    let asked = |at_s: f64| {
        let values = timeline.course.at(at_s);
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

/// Requests that faults held up or failed, over all processes of a lane: each counts from 0.
fn hit(lane: &LaneLine) -> u64 {
    let of = |name: &str| {
        let counts = lane
            .samples
            .iter()
            .filter_map(|(_, sample)| sample.server.as_ref()?.metrics.get(name).copied());
        let more = |(all, last): (f64, f64), now: f64| {
            (all + if now >= last { now - last } else { now }, now)
        };
        counts.fold((0.0, 0.0), more).0
    };
    HIT.into_iter().map(of).sum::<f64>() as u64
}

/// Whether a window is as good as that of the steady state.
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
    let mut sum = LoadSum::default();
    let inside = |at_s: &f64| *at_s > from_s + 0.05 && *at_s <= to_s + 0.05;
    let samples = lane.samples.iter().filter(|(at_s, _)| inside(at_s));
    samples.for_each(|(_, sample)| sum.add(&sample.load));
    let ended = sum.ended();
    let percent = |count: u64| (ended > 0).then(|| count as f64 * 100.0 / ended as f64);
    let (ok, rejected) = (percent(sum.counts.ok), percent(sum.counts.rejected));
    Window { ok_percent: ok, rejected_percent: rejected, p99_ms: sum.latency.at_ms(99.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Faults, String> {
        text.parse().map_err(|error: NoFault| error.to_string())
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        let is = |text: &str, wanted: &[(&'static str, f64)]| {
            assert_eq!(read(text), Ok(Faults(wanted.iter().copied().collect())), "{text}");
        };
        let latency = [("chaos_latency_from_ms", 100.0), ("chaos_latency_to_ms", 2000.0)];
        is("latency=100..2000ms@10%", &[&latency[..], &[("chaos_latency_percent", 10.0)]].concat());
        let second = [("chaos_latency_from_ms", 1000.0), ("chaos_latency_to_ms", 1000.0)];
        is("latency=1s@100%", &[&second[..], &[("chaos_latency_percent", 100.0)]].concat());
        let error = [("chaos_error_status", 503.0), ("chaos_error_percent", 5.0)];
        let within = [("chaos_marked", 1.0), ("chaos_most", 20.0)];
        is("error=503@5%,marked,most=20", &[&error[..], &within[..]].concat());
        let ends = read("latency=1s@5%").expect("it is one").end();
        assert_eq!(ends, [("chaos_latency_percent", 0.0)].into());
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
        for texts in [
            &["latency=100..2000ms@10%"][..],
            &["error=500@5%"],
            &["latency=0.5..1000ms@2.5%,marked,most=20", "error=503@5%,marked,most=20"],
        ] {
            let faults = texts.iter().map(|text| text.parse::<Faults>().expect("a fault"));
            assert_eq!(faults.reduce(Faults::and).expect("some").texts(), texts);
        }
    }

    #[test]
    fn changes_of_parameters_are_the_experiment_that_makes_them() {
        let faults: Faults = "error=503@5%,marked".parse().expect("a fault");
        let of = |at_ms, values: &BTreeMap<&'static str, f64>| {
            values.iter().map(|(name, value)| (at_ms, *name, *value)).collect::<Vec<_>>()
        };
        let changes = [of(8000, &faults.0), of(13_000, &faults.end())].concat();
        let experiment = Experiment { faults: faults.clone(), from_s: 8.0, to_s: 13.0 };
        assert_eq!(Experiment::of_changes(&changes), Some(experiment));
        let again = [changes.clone(), of(20_000, &faults.0)].concat();
        assert_eq!(Experiment::of_changes(&again), None);
        assert_eq!(Experiment::of_changes(&changes[..3]), None);
        assert_eq!(Experiment::of_changes(&[]), None);
    }

    #[test]
    fn what_is_no_fault_is_told_with_an_example() {
        for (given, why) in [
            ("", "KIND=VALUE@SHARE%"),
            ("slow", "KIND=VALUE@SHARE%"),
            ("latency=100ms", "a share after the value"),
            ("latency=100ms@10", "with its %, found `10`"),
            ("latency=100ms@0%", "a share from above 0%"),
            ("latency=100@10%", "a time in ms or s"),
            ("latency=2..1s@10%", "the shorter time first"),
            ("latency=NaNms@10%", "expected a time"),
            ("latency=900s@10%", "at most"),
            ("error=200@10%", "a status from 400 to 599"),
            ("flood=1@10%", "latency or error"),
            ("error=500@5%,maybe", "marked or most=N"),
            ("error=500@5%,most=0", "N from 1 to 1000"),
        ] {
            let error = read(given).expect_err("it is none");
            assert!(error.contains(why) && error.contains("such as latency="), "{error}");
        }
    }
}
