//! One expectation and what became of it.

use serde::Serialize;

use super::period::{self, Period, SETTLED_S, grows, last, rises, seconds, value};
use super::undecided::Undecided;
use crate::figures::number;
use crate::incident::claim::{Claim, Expectation, Window};
use crate::incident::formula::Formula;
use crate::timeline::{LaneLine, Timeline};

/// One expectation and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The lane's variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Expected value, for people.
    pub expected: String,
    /// The period of the run that counted, in seconds since it began.
    pub window_s: Option<[f64; 2]>,
    /// Why nothing can be said; none: it was decided.
    pub undecided: Option<Undecided>,
    /// Observed value, for people; none if there was nothing to observe.
    pub observed: Option<String>,
    /// True if it held; a missing observation does not hold.
    pub holds: bool,
    /// Distance of the observed value from its limit, negative where the claim does not hold: in the unit of the metric,
    /// or for a claim about a factor as the natural logarithm of their ratio. None where there is no such distance.
    #[serde(skip)]
    pub room: Option<f64>,
}

impl Check {
    /// Returns the observation, or the reason why there is none.
    pub fn outcome(&self) -> &str {
        match (self.undecided, &self.observed) {
            (Some(why), _) => why.says(),
            (None, Some(observed)) => observed,
            (None, None) => "no such metric was measured",
        }
    }
}

/// Checks a claim whose window counts from `since_s`; none if the window lies in the future.
pub(super) fn check(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Check {
    let period = period::period(since_s, expectation, timeline, lane);
    let outcome = compare(since_s, expectation, timeline, lane, period);
    Check {
        variant: lane.variant.clone(),
        metric: expectation.metric.name().to_owned(),
        expected: outcome.expected,
        window_s: period.ok().map(|period| [period.from_s, period.to_s]),
        undecided: outcome.undecided,
        holds: outcome.observed.as_ref().is_some_and(|observed| observed.holds),
        room: outcome.observed.as_ref().and_then(|observed| observed.room),
        observed: outcome.observed.map(|observed| observed.says),
    }
}

/// Expectation, observation and result of a claim, or the reason why it is undecided.
struct Outcome {
    expected: String,
    observed: Option<Observed>,
    undecided: Option<Undecided>,
}

/// An observed value, and what it means for the claim.
struct Observed {
    says: String,
    holds: bool,
    room: Option<f64>,
}

/// A value that must be below a limit.
fn below(observed: Option<f64>, limit: f64) -> Option<Observed> {
    observed.map(|o| Observed::inside(number(o), limit - o))
}

/// A value that must be above a limit.
fn above(observed: Option<f64>, limit: f64) -> Option<Observed> {
    observed.map(|o| Observed::inside(number(o), o - limit))
}

impl Observed {
    /// A value that must differ from its limit.
    fn inside(says: String, room: f64) -> Self {
        Self { says, holds: room > 0.0, room: Some(room) }
    }

    /// A value that may be its limit.
    fn within(says: String, room: f64) -> Self {
        Self { says, holds: room >= 0.0, room: Some(room) }
    }
}

fn compare(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    lane: &LaneLine,
    period: Result<Period, Undecided>,
) -> Outcome {
    let from_s = period.map_or(timeline.end_s, |period| period.from_s);
    let wanted = |formula: &Formula| {
        formula.eval(timeline.param_history.at(from_s + SETTLED_S)).unwrap_or(f64::NAN)
    };
    let metric = &expectation.metric;
    let of = |lane: &LaneLine| value(lane, metric, period.ok()?);
    let near = |wanted: f64, within: f64, observed: Option<f64>| {
        let room = |o: f64| wanted.abs() * within - (o - wanted).abs();
        observed.map(|o| Observed::within(format!("{}/s", number(o)), room(o)))
    };
    let mut undecided = period.err();
    let (expected, observed) = match &expectation.claim {
        Claim::Below(limit) => {
            let limit = wanted(limit);
            (format!("below {}", number(limit)), below(of(lane), limit))
        }
        Claim::Above(limit) => {
            let limit = wanted(limit);
            (format!("above {}", number(limit)), above(of(lane), limit))
        }
        Claim::StaysBelow(limit) => {
            let limit = wanted(limit);
            let worst = seconds(lane, metric, period.ok()).into_iter().reduce(f64::max);
            (format!("stays below {}", number(limit)), below(worst, limit))
        }
        Claim::StaysAbove(limit) => {
            let limit = wanted(limit);
            let worst = seconds(lane, metric, period.ok()).into_iter().reduce(f64::min);
            (format!("stays above {}", number(limit)), above(worst, limit))
        }
        Claim::ReturnsTo(limit) => {
            let limit = wanted(limit);
            let last = period.ok().and_then(|period| last(lane, metric, period));
            let last = last.map(|last| Observed::within(number(last), limit - last));
            (format!("ends at most at {}", number(limit)), last)
        }
        Claim::Slope(slope, within) => {
            let wanted = wanted(slope);
            let observed = period.ok().and_then(|period| grows(lane, metric, period));
            let text = format!("grows {}/s ± {} %", number(wanted), number(within * 100.0));
            (text, near(wanted, *within, observed))
        }
        Claim::Rate(rate, within) => {
            let wanted = wanted(rate);
            let observed = period.ok().and_then(|period| rises(lane, metric, period));
            let text = format!("rises {}/s ± {} %", number(wanted), number(within * 100.0));
            (text, near(wanted, *within, observed))
        }
        Claim::RateBelow(limit) => {
            let limit = wanted(limit);
            let observed = period.ok().and_then(|period| rises(lane, metric, period));
            let observed =
                observed.map(|o| Observed::inside(format!("{}/s", number(o)), limit - o));
            (format!("rises below {}/s", number(limit)), observed)
        }
        Claim::Exits(word) => {
            (format!("exits: {word}"), period.ok().map(|period| exits(word, lane, period)))
        }
        Claim::Times { of: other, window, at_least } => {
            let at_least = wanted(at_least);
            let there = beside(since_s, expectation, timeline, (other, window.as_ref()), period);
            undecided = undecided.or(there.as_ref().err().copied());
            let (there, at) = there.unwrap_or_default();
            let text = format!("{} times `{other}`{at}", number(at_least));
            // Next to nothing, anything is many times as much.
            let times = of(lane).zip(there).map(|(own, other)| own / other.max(1e-9));
            // A factor has room in factors.
            let room = |times: f64| (times / at_least).max(1e-9).ln();
            let says = |times: f64| format!("{} times", number(times));
            (text, times.map(|times| Observed::within(says(times), room(times))))
        }
    };
    let fails = observed.as_ref().is_some_and(|observed| !observed.holds);
    if fails && undecided.is_none() && period.is_ok_and(|of| too_few(lane, expectation, of)) {
        undecided = Some(Undecided::TooFew);
    }
    let observed = observed.filter(|_| undecided.is_none());
    Outcome { expected, observed, undecided }
}

/// Requests without which a share of them, or a percentile, is a matter of one or two of them.
const LEAST_REQUESTS: u64 = 100;

/// Returns true if a claim about a share covers too few requests.
fn too_few(lane: &LaneLine, expectation: &Expectation, period: Period) -> bool {
    let figure = expectation.metric.over_window().filter(|(figure, _)| figure.is_a_share());
    figure.is_some_and(|(_, kind)| period::requests(lane, kind, period) < LEAST_REQUESTS)
}

/// Returns the value of the other lane of a comparison, and its window if that differs.
fn beside(
    since_s: Option<f64>,
    expectation: &Expectation,
    timeline: &Timeline,
    (variant, window): (&str, Option<&Window>),
    own: Result<Period, Undecided>,
) -> Result<(Option<f64>, String), Undecided> {
    let mut lanes = timeline.lanes.iter();
    let other = lanes.find(|lane| lane.variant == variant).ok_or(Undecided::NotBeside)?;
    let (there, says) = match window {
        None => (own?, String::new()),
        Some(window) => {
            let there = Expectation { window: window.clone(), ..expectation.clone() };
            let there = period::period(since_s, &there, timeline, other)?;
            (there, format!(" at {} to {} s", number(there.from_s), number(there.to_s)))
        }
    };
    Ok((value(other, &expectation.metric, there), says))
}

fn exits(word: &str, lane: &LaneLine, period: Period) -> Observed {
    let within = lane
        .exits
        .iter()
        .filter(|exit| (period.from_s..=period.to_s).contains(&(exit.at_ms as f64 / 1000.0)));
    let words: Vec<&str> = within.map(|exit| exit.cause.word()).collect();
    let holds = if word == "none" { words.is_empty() } else { words.contains(&word) };
    let says = match words.len() {
        0 => "none".to_owned(),
        1 => words[0].to_owned(),
        n if words.iter().all(|w| *w == words[0]) => format!("{} {n} times", words[0]),
        _ => words.join(", "),
    };
    Observed { says, holds, room: None }
}
