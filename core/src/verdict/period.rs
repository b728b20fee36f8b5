//! The period of a run that an expectation is about, and what a lane showed in it.

use super::undecided::Undecided;
use crate::event::Sample;
use crate::incident::claim::Expectation;
use crate::incident::formula::Formula;
use crate::incident::measure::Measure;
use crate::timeline::{LaneLine, Timeline, level, slope};
use crate::window::Window;

/// The period of a run that an expectation is about, in seconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
}

/// Seconds after which what a phase changes has been changed: live, that takes a moment.
pub(super) const SETTLED_S: f64 = 0.05;

/// Seconds of a period that must have passed before its process ends, or the load is changed.
const LEAST_S: f64 = 1.0;

/// A sample of a live lane is a little early or late.
const HALF_A_TICK_S: f64 = 0.05;

/// The period that counts.
///
/// # Errors
///
/// Says why nothing can be said of it.
pub fn period(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Result<Period, Undecided> {
    let since_s = since_s.ok_or(Undecided::TooShort)?;
    let values = timeline.param_history.at(since_s + SETTLED_S);
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
    let is_about_requests = expectation.metric.over_window().is_some();
    if is_about_exits || (is_about_requests && asked_s.is_some()) || exit_s >= to_s {
        return Ok(Period { from_s, to_s });
    }
    if exit_s - from_s < LEAST_S {
        return Err(Undecided::ProcessEnded);
    }
    Ok(Period { from_s, to_s: exit_s })
}

/// The end of a period, or the moment in it at which something was changed that the claim is about.
fn unchanged_until(
    expectation: &Expectation,
    timeline: &Timeline,
    from_s: f64,
    to_s: f64,
) -> Result<f64, Undecided> {
    let names = expectation.claim.formulas().map_or(&[][..], Formula::names);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match timeline.param_history.first_change_of(&names, from_s + SETTLED_S, to_s) {
        Some(changed_s) if changed_s - from_s < LEAST_S => Err(Undecided::Changed),
        Some(changed_s) => Ok(changed_s),
        None => Ok(to_s),
    }
}

/// The slope of a level.
pub fn grows(lane: &LaneLine, metric: &Measure, period: Period) -> Option<f64> {
    slope(&levels(lane, metric, period))
}

/// By how much a level rises a second, from the first sample to the last.
pub(super) fn rises(lane: &LaneLine, metric: &Measure, period: Period) -> Option<f64> {
    let points = levels(lane, metric, period);
    let ((first_s, first), (last_s, last)) = (points.first()?, points.last()?);
    (last_s > first_s).then(|| (last - first) / (last_s - first_s))
}

/// The last value of a level.
pub(super) fn last(lane: &LaneLine, metric: &Measure, period: Period) -> Option<f64> {
    levels(lane, metric, period).last().map(|(_, value)| *value)
}

fn levels(lane: &LaneLine, metric: &Measure, period: Period) -> Vec<(f64, f64)> {
    let samples = lane.between(period.from_s, period.to_s);
    samples.filter_map(|(at_s, sample)| Some((at_s, level(sample, metric)?))).collect()
}

/// The highest value of a level, or the value over the whole period of what only a period has.
pub fn value(lane: &LaneLine, metric: &Measure, period: Period) -> Option<f64> {
    if let Some((figure, kind)) = metric.over_window() {
        return window(lane, kind, period).value(figure, period.to_s - period.from_s);
    }
    match metric {
        Measure::Restarts => {
            let within = lane.restarts.iter().filter(|s| (period.from_s..=period.to_s).contains(s));
            Some(within.count() as f64)
        }
        Measure::Exits | Measure::OverWindow(_) => None,
        Measure::Level(_) | Measure::OfKind(_) | Measure::Registered(_) => {
            levels(lane, metric, period).into_iter().map(|(_, value)| value).reduce(f64::max)
        }
    }
}

/// Requests that ended in a period.
pub(super) fn requests(lane: &LaneLine, kind: Option<&str>, period: Period) -> u64 {
    window(lane, kind, period).outcomes.all()
}

/// The requests of a period. A sample is of the tenth of a second before it.
fn window(lane: &LaneLine, kind: Option<&str>, period: Period) -> Window {
    let mut sum = Window::default();
    for (_, sample) in lane.between(period.from_s + HALF_A_TICK_S, period.to_s + HALF_A_TICK_S) {
        add(&mut sum, sample, kind);
    }
    sum
}

fn add(sum: &mut Window, sample: &Sample, kind: Option<&str>) {
    match kind {
        None => sum.add(&sample.load),
        Some(kind) => sample.load.kinds.get(kind).into_iter().for_each(|tick| sum.add_kind(tick)),
    }
}

/// The values of each whole second of a period, and those of all samples where it is a level.
pub(super) fn seconds(lane: &LaneLine, metric: &Measure, period: Option<Period>) -> Vec<f64> {
    let Some(period) = period else { return Vec::new() };
    let Some((figure, kind)) = metric.over_window() else {
        return levels(lane, metric, period).into_iter().map(|(_, value)| value).collect();
    };
    let mut each = Vec::new();
    let (mut from_s, mut sum) = (period.from_s, Window::default());
    // A sample tells of the tenth of a second before it, or of longer where samples were put together.
    for (at_s, sample) in lane.between(period.from_s + HALF_A_TICK_S, period.to_s + HALF_A_TICK_S) {
        add(&mut sum, sample, kind);
        if at_s - from_s > 1.0 - HALF_A_TICK_S {
            each.extend(sum.value(figure, at_s - from_s));
            sum.clear();
            from_s = at_s;
        }
    }
    each
}
