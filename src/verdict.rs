//! Expectations over events: what a run must show, what was observed, and whether it held.

use serde::Serialize;

use crate::figures::number;
use crate::incident::Manifest;
use crate::incident::formula::{Formula, Values};
use crate::incident::manifest::Expectation;
use crate::timeline::{LaneLine, LoadSum, Timeline, level, slope};

/// The outcome of a run's expectations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether every check held.
    pub holds: bool,
    /// Where none failed and some are undecided: why the first of these is.
    pub undecided: Option<Undecided>,
    /// One an expectation of a variant that ran.
    pub checks: Vec<Check>,
}

/// One expectation and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The lane's variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What was expected, for people.
    pub expected: String,
    /// The stretch of the run that counted, in seconds since it began.
    pub window_s: Option<[f64; 2]>,
    /// Why nothing can be said; none: it was decided.
    pub undecided: Option<Undecided>,
    /// What was observed, for people; none when there was nothing to observe.
    pub observed: Option<String>,
    /// Whether it held; what was not observed did not.
    pub holds: bool,
}

/// Why nothing can be said of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// The run ended before the check's stretch did.
    TooShort,
    /// The process ended before enough of the stretch had passed.
    ProcessEnded,
    /// At this load the bug does not show, or not in time.
    CannotShow,
}

impl Undecided {
    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::TooShort => "the run ended too soon",
            Self::ProcessEnded => "its process ended too soon",
            Self::CannotShow => "at this load the bug does not show in time",
        }
    }
}

impl Check {
    /// What was observed, for people; else why there is nothing.
    pub fn outcome(&self) -> &str {
        match (self.undecided, &self.observed) {
            (Some(why), _) => why.says(),
            (None, Some(observed)) => observed,
            (None, None) => "no such metric was measured",
        }
    }
}

impl Verdict {
    fn of(checks: Vec<Check>) -> Self {
        let failed = checks.iter().any(|check| check.undecided.is_none() && !check.holds);
        let undecided = checks.iter().find_map(|check| check.undecided).filter(|_| !failed);
        Self { holds: checks.iter().all(|check| check.holds), undecided, checks }
    }

    /// The verdict in a sentence.
    pub fn says(&self) -> String {
        match (self.holds, self.undecided) {
            (true, _) => "The verdict held.".to_owned(),
            (false, Some(why)) => format!("The verdict is undecided: {}.", why.says()),
            (false, None) => "The verdict did not hold.".to_owned(),
        }
    }
}

/// What the expectations of a manifest amount to in a run. `values` are the run's rate and
/// parameters.
pub fn judge(manifest: &Manifest, values: &Values, timeline: &Timeline) -> Verdict {
    let mut verdict = judge_since(timeline.release_s, &manifest.expectations, values, timeline);
    let overload = manifest.overload.as_ref().and_then(|overload| overload.eval(values).ok());
    if overload.is_some_and(|overload| overload <= 0.0) {
        let failed = |check: &&mut Check| !check.holds && check.undecided.is_none();
        for check in verdict.checks.iter_mut().filter(failed) {
            check.undecided = Some(Undecided::CannotShow);
        }
        verdict = Verdict::of(verdict.checks);
    }
    verdict
}

/// What expectations amount to whose windows count from `since_s`, in seconds; none: it has not
/// come.
pub fn judge_since(
    since_s: Option<f64>,
    expectations: &[Expectation],
    values: &Values,
    timeline: &Timeline,
) -> Verdict {
    let mut checks = Vec::new();
    for lane in &timeline.lanes {
        for expectation in expectations.iter().filter(|e| e.variant == lane.variant) {
            checks.push(check(since_s, expectation, values, timeline, lane));
        }
    }
    Verdict::of(checks)
}

/// What theory and a lane say of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The lane's variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Growth a second, as theory has it.
    pub theory_per_s: f64,
    /// Growth a second, as measured.
    pub measured_per_s: f64,
}

impl Agreement {
    /// How far the measured slope is from that of the theory, as a share of it.
    pub fn apart(&self) -> f64 {
        (self.measured_per_s / self.theory_per_s - 1.0).abs()
    }
}

/// Seconds after the release over which theory and lane are compared, unless the process ends.
const COMPARED_S: f64 = 8.0;

/// Samples that a slope needs.
const ENOUGH: usize = 20;

/// The slopes of theory and lanes, each by least squares at the same samples: where the theory
/// grows, from the release on. What has too few samples is not compared.
pub fn agreements(manifest: &Manifest, values: &Values, timeline: &Timeline) -> Vec<Agreement> {
    let mut agreements = Vec::new();
    let Some(release_s) = timeline.release_s else {
        return agreements;
    };
    for lane in &timeline.lanes {
        for theory in manifest.theories.iter().filter(|t| t.variant == lane.variant) {
            let to_s = lane.first_exit_s().unwrap_or(f64::MAX).min(release_s + COMPARED_S);
            let mut values = values.clone();
            let (mut told, mut seen) = (Vec::new(), Vec::new());
            for (at_s, sample) in lane.between(release_s, to_s) {
                values.insert("t".to_owned(), at_s - release_s);
                let told_now = theory.formula.eval(&values).ok().filter(|value| *value > 0.0);
                if let Some((value, level)) = told_now.zip(level(sample, &theory.metric)) {
                    told.push((at_s, value));
                    seen.push((at_s, level));
                }
            }
            if let (ENOUGH.., Some((theory_per_s, measured_per_s))) =
                (told.len(), slope(&told).zip(slope(&seen)))
            {
                agreements.push(Agreement {
                    variant: lane.variant.clone(),
                    metric: theory.metric.clone(),
                    theory_per_s,
                    measured_per_s,
                });
            }
        }
    }
    agreements
}

/// The stretch of a run that an expectation is about, in seconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
}

/// Seconds of a stretch that must have passed before its process ends.
const LEAST_S: f64 = 1.0;

/// The stretch that counts.
///
/// # Errors
///
/// Says why nothing can be said of it.
pub fn stretch(
    since_s: Option<f64>,
    expectation: &Expectation,
    values: &Values,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Result<Stretch, Undecided> {
    let since_s = since_s.ok_or(Undecided::TooShort)?;
    let at = |formula: &Option<Formula>| match formula {
        Some(formula) => formula.eval(values).map(|s| Some(since_s + s)),
        None => Ok(None),
    };
    let value = |formula| at(formula).map_err(|_| Undecided::CannotShow);
    let from_s = value(&expectation.window.from_s)?.unwrap_or(since_s);
    let asked_s = value(&expectation.window.to_s)?;
    // A tick's sample may come a moment after the window's end.
    let to_s = asked_s.unwrap_or(timeline.end_s);
    if to_s <= from_s || to_s > timeline.end_s + 0.2 {
        return Err(Undecided::TooShort);
    }
    // A level after a restart is another process's. What became of requests is not.
    let exit_s = lane.exits.iter().map(|exit| exit.at_ms as f64 / 1000.0);
    let exit_s = exit_s.filter(|exit_s| *exit_s > since_s).fold(f64::MAX, f64::min);
    let is_about_exits = expectation.exits.is_some() || expectation.metric == "restarts";
    let is_about_requests = LoadSum::knows(&expectation.metric);
    if is_about_exits || (is_about_requests && asked_s.is_some()) || exit_s >= to_s {
        return Ok(Stretch { from_s, to_s });
    }
    if exit_s - from_s < LEAST_S {
        return Err(Undecided::ProcessEnded);
    }
    Ok(Stretch { from_s, to_s: exit_s })
}

fn check(
    since_s: Option<f64>,
    expectation: &Expectation,
    values: &Values,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Check {
    let stretch = stretch(since_s, expectation, values, timeline, lane);
    let (expected, outcome) = compare(expectation, values, lane, stretch.ok());
    Check {
        variant: lane.variant.clone(),
        metric: expectation.metric.clone(),
        expected,
        window_s: stretch.ok().map(|stretch| [stretch.from_s, stretch.to_s]),
        undecided: stretch.err(),
        holds: outcome.as_ref().is_some_and(|(_, holds)| *holds),
        observed: outcome.map(|(observed, _)| observed),
    }
}

/// What was expected, and what was observed and whether that held.
fn compare(
    expectation: &Expectation,
    values: &Values,
    lane: &LaneLine,
    stretch: Option<Stretch>,
) -> (String, Option<(String, bool)>) {
    if let Some(word) = &expectation.exits {
        return (format!("exits: {word}"), stretch.map(|stretch| exits(word, lane, stretch)));
    }
    let metric = &expectation.metric;
    let observe = |how: fn(&LaneLine, &str, Stretch) -> Option<f64>| {
        stretch.and_then(|stretch| how(lane, metric, stretch))
    };
    let value = |formula: &Formula| formula.eval(values).unwrap_or(f64::NAN);
    if let Some(formula) = &expectation.slope_per_s {
        let (expected, within) = (value(formula), expectation.within);
        let holds = |observed: f64| (observed - expected).abs() <= expected.abs() * within;
        let text = format!("grows {}/s ± {} %", number(expected), number(within * 100.0));
        let observed = observe(grows);
        return (text, observed.map(|o| (format!("{}/s", number(o)), holds(o))));
    }
    let (text, limit, observed, holds): (_, _, _, fn(f64, f64) -> bool) =
        match (&expectation.below, &expectation.above, &expectation.returns_to) {
            (Some(limit), _, _) => ("below", value(limit), observe(highest), |o, l| o < l),
            (_, Some(limit), _) => ("above", value(limit), observe(highest), |o, l| o > l),
            (_, _, Some(limit)) => ("ends at most at", value(limit), observe(last), |o, l| o <= l),
            // A validated manifest has one of them.
            (None, None, None) => ("nothing", f64::NAN, None, |_, _| false),
        };
    (format!("{text} {}", number(limit)), observed.map(|o| (number(o), holds(o, limit))))
}

fn exits(word: &str, lane: &LaneLine, stretch: Stretch) -> (String, bool) {
    let within = lane
        .exits
        .iter()
        .filter(|exit| (stretch.from_s..=stretch.to_s).contains(&(exit.at_ms as f64 / 1000.0)));
    let words: Vec<&str> = within.map(|exit| exit.cause.word()).collect();
    let holds = if word == "none" { words.is_empty() } else { words.contains(&word) };
    let observed = match words.len() {
        0 => "none".to_owned(),
        1 => words[0].to_owned(),
        n if words.iter().all(|w| *w == words[0]) => format!("{} {n} times", words[0]),
        _ => words.join(", "),
    };
    (observed, holds)
}

/// The slope of a level.
pub fn grows(lane: &LaneLine, metric: &str, stretch: Stretch) -> Option<f64> {
    let samples = lane.between(stretch.from_s, stretch.to_s);
    let points: Vec<(f64, f64)> =
        samples.filter_map(|(at_s, sample)| Some((at_s, level(sample, metric)?))).collect();
    slope(&points)
}

/// The highest value of a level, or the value over the whole stretch of what only a stretch has.
fn highest(lane: &LaneLine, metric: &str, stretch: Stretch) -> Option<f64> {
    if metric == "restarts" {
        let within = lane.restarts.iter().filter(|s| (stretch.from_s..=stretch.to_s).contains(s));
        return Some(within.count() as f64);
    }
    let mut sum = LoadSum::default();
    let mut highest: Option<f64> = None;
    for (_, sample) in lane.between(stretch.from_s, stretch.to_s) {
        sum.add(&sample.load);
        if let Some(value) = level(sample, metric) {
            highest = Some(highest.map_or(value, |h| h.max(value)));
        }
    }
    sum.value(metric).or(highest)
}

/// The last value of a level.
fn last(lane: &LaneLine, metric: &str, stretch: Stretch) -> Option<f64> {
    let samples = lane.between(stretch.from_s, stretch.to_s);
    samples.filter_map(|(_, sample)| level(sample, metric)).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Sample, What};

    /// A run of `seconds` in which nothing but ticks happened.
    fn judged(seconds: u64, metric: &str) -> Check {
        let text = include_str!("../incidents/unbuffered_log_channel/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        manifest.expectations.retain(|e| e.variant == "broken" && e.slope_per_s.is_some());
        metric.clone_into(&mut manifest.expectations[0].metric);
        let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
        let says = String::new();
        timeline.push(&Event { at_ms: 0, lane: None, what: What::Phase { index: 1, says } });
        for tick in 0..=seconds * 10 {
            let what = What::Sample(Sample::default());
            timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
        }
        judge(&manifest, &manifest.formula_values(), &timeline).checks.remove(0)
    }

    #[test]
    fn what_was_not_measured_is_no_matter_of_time() {
        let early = judged(5, "in_flight");
        assert!(early.undecided == Some(Undecided::TooShort) && !early.holds, "{early:?}");
        let unknown = judged(20, "in_flihgt");
        assert!(unknown.undecided.is_none() && !unknown.holds, "{unknown:?}");
        assert_eq!(unknown.observed, None);
        let flat = judged(20, "in_flight");
        assert_eq!(flat.observed.as_deref(), Some("0/s"));
        assert!(!flat.holds);
    }
}
