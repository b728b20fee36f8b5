//! Expectations over events: what a run must show, what was observed, and whether it held.

use std::fmt;

use serde::Serialize;

use crate::event::Sample;
use crate::figures::number;
use crate::incident::Manifest;
use crate::incident::claim::{Claim, Expectation};
use crate::incident::formula::Formula;
use crate::incident::measure::Measure;
use crate::incident::theory::Law;
use crate::timeline::{LaneLine, Timeline, level, slope};
use crate::window::Window;

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
    /// The rate or a parameter was changed before enough of the stretch had passed.
    Changed,
    /// The lane that it is compared with did not run.
    NotBeside,
    /// A process of a lane could not be started again.
    NotStarted,
    /// The load driver stood still, and its requests came in one burst.
    DriverStood,
    /// The load driver was late throughout.
    DriverLate,
}

impl Undecided {
    /// For people.
    pub fn says(self) -> &'static str {
        match self {
            Self::TooShort => "the run ended too soon",
            Self::ProcessEnded => "its process ended too soon",
            Self::CannotShow => "at this load the bug does not show in time",
            Self::Changed => "load or settings were changed too soon",
            Self::NotBeside => "the lane to compare with did not run",
            Self::NotStarted => "a lane could not be started again",
            Self::DriverLate => "the load driver was late: this machine was too busy",
            Self::DriverStood => "the load driver stood still, and its requests came in one burst",
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

/// What the expectations of a manifest amount to in a run.
pub fn judge(manifest: &Manifest, timeline: &Timeline) -> Verdict {
    let mut verdict = judge_since(timeline.release_s, &manifest.expectations, timeline);
    let values = timeline.course.at(timeline.release_s.unwrap_or_default() + SETTLED_S);
    // What a machine that slept, or had no time, did to the requests says nothing about the code.
    let release_s = timeline.release_s.unwrap_or_default();
    for check in verdict.checks.iter_mut().filter(|check| !check.holds) {
        let to_s = check.window_s.map_or(timeline.end_s, |[_, to_s]| to_s);
        if check.undecided.is_some() {
            continue;
        }
        if timeline.stood_between(release_s, to_s) {
            check.undecided = Some(Undecided::DriverStood);
        } else if timeline.driver_is_late() {
            check.undecided = Some(Undecided::DriverLate);
        }
    }
    if timeline.lanes.iter().any(LaneLine::was_refused) {
        for check in verdict.checks.iter_mut().filter(|check| check.undecided.is_none()) {
            (check.undecided, check.holds) = (Some(Undecided::NotStarted), false);
        }
    }
    verdict = Verdict::of(verdict.checks);
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
    timeline: &Timeline,
) -> Verdict {
    let mut checks = Vec::new();
    for lane in &timeline.lanes {
        for expectation in expectations.iter().filter(|e| e.variant == lane.variant) {
            checks.push(check(since_s, expectation, timeline, lane));
        }
    }
    Verdict::of(checks)
}

/// What theory and a lane say of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The lane's variant.
    pub variant: String,
    /// The measure.
    pub metric: Measure,
    /// What is compared: growth a second, or the mean where theory says that nothing grows.
    pub of_growth: bool,
    /// As theory has it.
    pub theory: f64,
    /// As measured.
    pub measured: f64,
}

impl Agreement {
    /// How far the measurement is from the theory, as a share of it.
    pub fn apart(&self) -> f64 {
        // Where theory says that there is nothing, there must be nothing.
        if self.theory == 0.0 && self.measured == 0.0 {
            return 0.0;
        }
        (self.measured / self.theory - 1.0).abs()
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variant, metric, of_growth, theory, measured } = self;
        let unit = if *of_growth { "/s" } else { "" };
        let how = if *of_growth { "grows" } else { "is" };
        let (theory, measured) = (number(*theory), number(*measured));
        write!(f, "`{variant}`: {metric} {how} {measured}{unit}, theory {theory}{unit}")
    }
}

/// Seconds after the release over which theory and lane are compared, unless the process ends.
const COMPARED_S: f64 = 8.0;

/// Samples that a slope needs.
const ENOUGH: usize = 20;

/// A theory whose values differ by less than this share of the highest is flat: its mean is
/// compared, not its slope.
const FLAT: f64 = 0.05;

/// Theory and lanes, at the same samples: slopes by least squares where the theory grows, from the
/// release on; means where it is flat. What has too few samples is not compared.
pub fn agreements(manifest: &Manifest, timeline: &Timeline) -> Vec<Agreement> {
    let mut agreements = Vec::new();
    let Some(release_s) = timeline.release_s else {
        return agreements;
    };
    for lane in &timeline.lanes {
        for theory in manifest.theories.iter().filter(|t| t.variant == lane.variant) {
            let to_s = lane.first_exit_s().unwrap_or(f64::MAX).min(release_s + COMPARED_S);
            let samples: Vec<(f64, &Sample)> = lane.between(release_s, to_s).collect();
            let times: Vec<f64> = samples.iter().map(|(at_s, _)| *at_s).collect();
            let told = theory.values(&timeline.course, release_s, &times);
            // A backlog says nothing before it shows. A value that is 0 throughout is flat at nothing.
            let never = matches!(theory.law, Law::Value(_))
                && told.iter().flatten().all(|value| *value == 0.0);
            let both = samples.iter().zip(told).filter_map(|((at_s, sample), told)| {
                let told = told.filter(|value| never || *value > 0.0)?;
                Some(((*at_s, told), (*at_s, level(sample, &theory.metric)?)))
            });
            let (told, seen): (Vec<_>, Vec<_>) = both.unzip();
            if told.len() < ENOUGH {
                continue;
            }
            let highest = told.iter().map(|(_, value)| *value).fold(f64::MIN, f64::max);
            let lowest = told.iter().map(|(_, value)| *value).fold(f64::MAX, f64::min);
            let of_growth = highest - lowest > FLAT * highest;
            let compared = if of_growth {
                slope(&told).zip(slope(&seen))
            } else {
                // The level takes a while to settle.
                mean(&told[told.len() / 2..]).zip(mean(&seen[seen.len() / 2..]))
            };
            let Some((theory_is, measured)) = compared else { continue };
            agreements.push(Agreement {
                variant: lane.variant.clone(),
                metric: theory.metric.clone(),
                of_growth,
                theory: theory_is,
                measured,
            });
        }
    }
    agreements
}

fn mean(points: &[(f64, f64)]) -> Option<f64> {
    let sum = points.iter().map(|(_, value)| value).sum::<f64>();
    (!points.is_empty()).then(|| sum / points.len() as f64)
}

/// The stretch of a run that an expectation is about, in seconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
}

/// Seconds after which what a phase changes has been changed: live, that takes a moment.
const SETTLED_S: f64 = 0.05;

/// Seconds of a stretch that must have passed before its process ends, or the load is changed.
const LEAST_S: f64 = 1.0;

/// The stretch that counts.
///
/// # Errors
///
/// Says why nothing can be said of it.
pub fn stretch(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Result<Stretch, Undecided> {
    let since_s = since_s.ok_or(Undecided::TooShort)?;
    let values = timeline.course.at(since_s + SETTLED_S);
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
    let to_s = unchanged_until(expectation, timeline, from_s, to_s)?;
    // A level after a restart is another process's. What became of requests is not.
    let exit_s = lane.exits.iter().map(|exit| exit.at_ms as f64 / 1000.0);
    let exit_s = exit_s.filter(|exit_s| *exit_s > since_s).fold(f64::MAX, f64::min);
    let is_about_exits = matches!(expectation.metric, Measure::Exits | Measure::Restarts);
    let is_about_requests = matches!(expectation.metric, Measure::Stretch(_));
    if is_about_exits || (is_about_requests && asked_s.is_some()) || exit_s >= to_s {
        return Ok(Stretch { from_s, to_s });
    }
    if exit_s - from_s < LEAST_S {
        return Err(Undecided::ProcessEnded);
    }
    Ok(Stretch { from_s, to_s: exit_s })
}

/// The end of a stretch, or the moment in it at which something was changed that the claim is about.
fn unchanged_until(
    expectation: &Expectation,
    timeline: &Timeline,
    from_s: f64,
    to_s: f64,
) -> Result<f64, Undecided> {
    let names = expectation.claim.formulas().map_or(&[][..], Formula::names);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match timeline.course.first_change_of(&names, from_s + SETTLED_S, to_s) {
        Some(changed_s) if changed_s - from_s < LEAST_S => Err(Undecided::Changed),
        Some(changed_s) => Ok(changed_s),
        None => Ok(to_s),
    }
}

fn check(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Check {
    let stretch = stretch(since_s, expectation, timeline, lane);
    let outcome = compare(since_s, expectation, timeline, lane, stretch);
    let kind = expectation.kind.as_ref().map_or(String::new(), |kind| format!(" of {kind}"));
    Check {
        variant: lane.variant.clone(),
        metric: format!("{}{kind}", expectation.metric),
        expected: outcome.expected,
        window_s: stretch.ok().map(|stretch| [stretch.from_s, stretch.to_s]),
        undecided: outcome.undecided,
        holds: outcome.observed.as_ref().is_some_and(|(_, holds)| *holds),
        observed: outcome.observed.map(|(observed, _)| observed),
    }
}

/// What was expected; what was observed and whether that held, or why nothing can be said.
struct Outcome {
    expected: String,
    observed: Option<(String, bool)>,
    undecided: Option<Undecided>,
}

fn compare(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
    stretch: Result<Stretch, Undecided>,
) -> Outcome {
    let from_s = stretch.map_or(timeline.end_s, |stretch| stretch.from_s);
    let wanted = |formula: &Formula| {
        formula.eval(timeline.course.at(from_s + SETTLED_S)).unwrap_or(f64::NAN)
    };
    let metric = &expectation.metric;
    let kind = expectation.kind.as_deref();
    let of = |lane: &LaneLine| value(lane, metric, kind, stretch.ok()?);
    let near = |wanted: f64, within: f64, observed: Option<f64>| {
        observed.map(|o| (format!("{}/s", number(o)), (o - wanted).abs() <= wanted.abs() * within))
    };
    let than = |observed: Option<f64>, holds: &dyn Fn(f64) -> bool| {
        observed.map(|observed| (number(observed), holds(observed)))
    };
    let mut undecided = stretch.err();
    let (expected, observed) = match &expectation.claim {
        Claim::Below(limit) => {
            let limit = wanted(limit);
            (format!("below {}", number(limit)), than(of(lane), &|o| o < limit))
        }
        Claim::Above(limit) => {
            let limit = wanted(limit);
            (format!("above {}", number(limit)), than(of(lane), &|o| o > limit))
        }
        Claim::StaysBelow(limit) => {
            let limit = wanted(limit);
            let worst = seconds(lane, metric, kind, stretch.ok()).into_iter().reduce(f64::max);
            (format!("stays below {}", number(limit)), than(worst, &|o| o < limit))
        }
        Claim::StaysAbove(limit) => {
            let limit = wanted(limit);
            let worst = seconds(lane, metric, kind, stretch.ok()).into_iter().reduce(f64::min);
            (format!("stays above {}", number(limit)), than(worst, &|o| o > limit))
        }
        Claim::ReturnsTo(limit) => {
            let limit = wanted(limit);
            let last = stretch.ok().and_then(|stretch| last(lane, metric, stretch));
            (format!("ends at most at {}", number(limit)), than(last, &|o| o <= limit))
        }
        Claim::Slope(slope, within) => {
            let wanted = wanted(slope);
            let observed = stretch.ok().and_then(|stretch| grows(lane, metric, stretch));
            let text = format!("grows {}/s ± {} %", number(wanted), number(within * 100.0));
            (text, near(wanted, *within, observed))
        }
        Claim::Rate(rate, within) => {
            let wanted = wanted(rate);
            let observed = stretch.ok().and_then(|stretch| rises(lane, metric, stretch));
            let text = format!("rises {}/s ± {} %", number(wanted), number(within * 100.0));
            (text, near(wanted, *within, observed))
        }
        Claim::RateBelow(limit) => {
            let limit = wanted(limit);
            let observed = stretch.ok().and_then(|stretch| rises(lane, metric, stretch));
            let observed = observed.map(|o| (format!("{}/s", number(o)), o < limit));
            (format!("rises below {}/s", number(limit)), observed)
        }
        Claim::Exits(word) => {
            (format!("exits: {word}"), stretch.ok().map(|stretch| exits(word, lane, stretch)))
        }
        Claim::Times { of: other, window, at_least } => {
            let at_least = wanted(at_least);
            let mut text = format!("{} times `{other}`", number(at_least));
            let other = timeline.lanes.iter().find(|lane| lane.variant == *other);
            let other = match (other, window) {
                (None, _) => {
                    undecided = undecided.or(Some(Undecided::NotBeside));
                    None
                }
                (Some(other), None) => of(other),
                (Some(other), Some(window)) => {
                    let there = Expectation { window: window.clone(), ..expectation.clone() };
                    match self::stretch(since_s, &there, timeline, other) {
                        Ok(there) => {
                            let (from_s, to_s) = (number(there.from_s), number(there.to_s));
                            text = format!("{text} at {from_s} to {to_s} s");
                            value(other, metric, kind, there)
                        }
                        Err(why) => {
                            undecided = undecided.or(Some(why));
                            None
                        }
                    }
                }
            };
            // Next to nothing, anything is many times as much.
            let times = of(lane).zip(other).map(|(own, other)| own / other.max(1e-9));
            (text, times.map(|times| (format!("{} times", number(times)), times >= at_least)))
        }
    };
    let observed = observed.filter(|_| undecided.is_none());
    Outcome { expected, observed, undecided }
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
pub fn grows(lane: &LaneLine, metric: &Measure, stretch: Stretch) -> Option<f64> {
    slope(&levels(lane, metric, stretch))
}

/// By how much a level rises a second, from the first sample to the last.
fn rises(lane: &LaneLine, metric: &Measure, stretch: Stretch) -> Option<f64> {
    let points = levels(lane, metric, stretch);
    let ((first_s, first), (last_s, last)) = (points.first()?, points.last()?);
    (last_s > first_s).then(|| (last - first) / (last_s - first_s))
}

fn levels(lane: &LaneLine, metric: &Measure, stretch: Stretch) -> Vec<(f64, f64)> {
    let samples = lane.between(stretch.from_s, stretch.to_s);
    samples.filter_map(|(at_s, sample)| Some((at_s, level(sample, metric)?))).collect()
}

/// The highest value of a level, or the value over the whole stretch of what only a stretch has.
pub fn value(
    lane: &LaneLine,
    metric: &Measure,
    kind: Option<&str>,
    stretch: Stretch,
) -> Option<f64> {
    match metric {
        Measure::Restarts => {
            let within =
                lane.restarts.iter().filter(|s| (stretch.from_s..=stretch.to_s).contains(s));
            Some(within.count() as f64)
        }
        Measure::Exits => None,
        Measure::Stretch(figure) => {
            let mut sum = Window::default();
            // A sample is of the tenth of a second before it.
            let (from_s, to_s) = (stretch.from_s + HALF_A_TICK_S, stretch.to_s + HALF_A_TICK_S);
            for (_, sample) in lane.between(from_s, to_s) {
                add(&mut sum, sample, kind);
            }
            sum.value(*figure, stretch.to_s - stretch.from_s)
        }
        Measure::Level(_) | Measure::Registered(_) => {
            levels(lane, metric, stretch).into_iter().map(|(_, value)| value).reduce(f64::max)
        }
    }
}

fn add(sum: &mut Window, sample: &Sample, kind: Option<&str>) {
    match kind {
        None => sum.add(&sample.load),
        Some(kind) => sample.load.kinds.get(kind).into_iter().for_each(|tick| sum.add_kind(tick)),
    }
}

/// The values of each whole second of a stretch, and those of all samples where it is a level.
fn seconds(
    lane: &LaneLine,
    metric: &Measure,
    kind: Option<&str>,
    stretch: Option<Stretch>,
) -> Vec<f64> {
    let Some(stretch) = stretch else { return Vec::new() };
    let Measure::Stretch(figure) = metric else {
        return levels(lane, metric, stretch).into_iter().map(|(_, value)| value).collect();
    };
    let mut each = Vec::new();
    let (mut from_s, mut sum) = (stretch.from_s, Window::default());
    // A sample tells of the tenth of a second before it, or of longer where samples were put together.
    for (at_s, sample) in lane.between(stretch.from_s + HALF_A_TICK_S, stretch.to_s + HALF_A_TICK_S)
    {
        add(&mut sum, sample, kind);
        if at_s - from_s > 1.0 - HALF_A_TICK_S {
            each.extend(sum.value(*figure, at_s - from_s));
            sum.clear();
            from_s = at_s;
        }
    }
    each
}

/// A sample of a live lane is a little early or late.
const HALF_A_TICK_S: f64 = 0.05;

/// The last value of a level.
fn last(lane: &LaneLine, metric: &Measure, stretch: Stretch) -> Option<f64> {
    levels(lane, metric, stretch).last().map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Sample, What};

    /// A run of `seconds` in which nothing but ticks happened.
    fn judged(seconds: u64, metric: &str) -> Check {
        let text = include_str!("../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let slope = |e: &Expectation| matches!(e.claim, Claim::Slope(..));
        manifest.expectations.retain(|e| e.variant == "broken" && slope(e));
        manifest.expectations[0].metric = Measure::parse(metric);
        let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
        let says = String::new();
        timeline.push(&Event { at_ms: 0, lane: None, what: What::Phase { index: 1, says } });
        for tick in 0..=seconds * 10 {
            let what = What::Sample(Sample::default());
            timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
        }
        judge(&manifest, &timeline).checks.remove(0)
    }

    #[test]
    fn a_theory_of_nothing_is_compared_and_of_a_backlog_only_once_it_shows() {
        let text = include_str!("../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let apart = |manifest: &Manifest, in_flight: u64| {
            let mut timeline = Timeline::new(manifest, &["broken".to_owned()]);
            let says = String::new();
            timeline.push(&Event { at_ms: 0, lane: None, what: What::Phase { index: 1, says } });
            for tick in 0..100 {
                let mut sample = Sample::default();
                sample.load.in_flight = in_flight;
                let what = What::Sample(sample);
                timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
            }
            let found = agreements(manifest, &timeline);
            found.iter().map(Agreement::apart).collect::<Vec<f64>>()
        };
        let theory = |law: &str| {
            let text = format!("metric = \"in_flight\"\nvariant = \"broken\"\n{law}");
            toml::from_str(&text).expect("a theory")
        };
        manifest.theories = vec![theory("formula = \"0 * t\"")];
        assert_eq!(apart(&manifest, 0), [0.0]);
        assert_eq!(apart(&manifest, 3), [f64::INFINITY]);
        manifest.theories = vec![theory("per_s = \"1\"\nheadroom = \"1000\"")];
        assert!(apart(&manifest, 3).is_empty());
    }

    #[test]
    fn a_value_is_compared_with_that_of_another_stretch() {
        let text = include_str!("../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
        let says = String::new();
        timeline.push(&Event { at_ms: 0, lane: None, what: What::Phase { index: 1, says } });
        for tick in 0..100 {
            // 10 in flight in the first five seconds, then 40.
            let mut sample = Sample::default();
            sample.load.in_flight = if tick < 50 { 10 } else { 40 };
            timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what: What::Sample(sample) });
        }
        let claim = |at_least: f64| {
            let text = format!(
                "variant = \"broken\"\nmetric = \"in_flight\"\nwindow = {{ from_s = 6, to_s = 9 }}\n\
                 times = {{ of = \"broken\", window = {{ from_s = 1, to_s = 4 }}, at_least = {at_least:?} }}"
            );
            toml::from_str::<Expectation>(&text).expect("a claim")
        };
        manifest.expectations = vec![claim(4.0), claim(4.1)];
        let checks = judge(&manifest, &timeline).checks;
        assert_eq!(checks[0].observed.as_deref(), Some("4 times"));
        assert!(checks[0].holds && !checks[1].holds, "{checks:?}");
        assert_eq!(checks[0].expected, "4 times `broken` at 1 to 4 s");
    }

    #[test]
    fn a_burst_after_a_driver_that_stood_still_and_a_lane_that_cannot_start_decide_nothing() {
        let text = include_str!("../tests/data/incident.toml");
        let mut manifest = Manifest::parse("incident.toml", text).expect("it is in order");
        let claim = "variant = \"broken\"\nmetric = \"in_flight\"\nstays_below = 50\n\
                     window = { from_s = 1, to_s = 9 }";
        manifest.expectations = vec![toml::from_str(claim).expect("a claim")];
        let judged = |in_flight: u64, others: &[(u64, Option<usize>, What)]| {
            let mut timeline = Timeline::new(&manifest, &["broken".to_owned()]);
            let says = String::new();
            timeline.push(&Event { at_ms: 0, lane: None, what: What::Phase { index: 1, says } });
            for tick in 0..=100 {
                let mut sample = Sample::default();
                sample.load.in_flight = if tick == 60 { in_flight } else { 1 };
                let what = What::Sample(sample);
                timeline.push(&Event { at_ms: tick * 100, lane: Some(0), what });
                for (at_ms, lane, what) in others.iter().filter(|(at_ms, ..)| *at_ms == tick * 100)
                {
                    timeline.push(&Event { at_ms: *at_ms, lane: *lane, what: what.clone() });
                }
            }
            let verdict = judge(&manifest, &timeline);
            (verdict.holds, verdict.undecided)
        };
        let late =
            |lag_us: u64| (6000, None, What::Driver { lag_us: vec![(10, 999), (lag_us, 1)] });
        assert_eq!(judged(900, &[]), (false, None));
        assert_eq!(judged(900, &[late(900_000)]), (false, None));
        assert_eq!(judged(900, &[late(3_000_000)]), (false, Some(Undecided::DriverStood)));
        let always = (6000, None, What::Driver { lag_us: vec![(30_000, 999)] });
        assert_eq!(judged(900, &[always]), (false, Some(Undecided::DriverLate)));
        // What holds all the same, holds.
        assert_eq!(judged(2, &[late(3_000_000)]), (true, None));
        let cause = crate::event::ExitCause::Refused { why: "no such file".to_owned() };
        let refused = (9900, Some(0), What::Exit { cause, code: None, instance: 0 });
        assert_eq!(judged(2, &[refused]), (false, Some(Undecided::NotStarted)));
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
