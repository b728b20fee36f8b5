//! Sweeps: values of a parameter, health of the lanes at each, knees, and theory.

use serde::Serialize;

use crate::figures::number;
use crate::incident::Manifest;
use crate::incident::claim::{Claim, Expectation};
use crate::incident::formula::Values;
use crate::incident::measure::{Measure, WindowMeasure};
use crate::incident::theory::Law;
use crate::timeline::{LaneLine, Timeline};
use crate::verdict::{Check, Period, judge_since, value};

/// Name of the request rate among the parameters of a sweep.
pub const RATE: &str = "rate_per_s";

/// Points of a sweep, at most.
pub const MOST_POINTS: usize = 1000;

/// Halvings of the range between two points until the knee is known to about a hundredth of it.
pub const HALVINGS: usize = 7;

/// The range of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// `rate_per_s`, or a parameter of the incident or the service.
    pub param: String,
    /// First value.
    pub from: f64,
    /// Last value.
    pub to: f64,
}

/// A text that is not the range of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid sweep `{given}`: {why}. Expected NAME=FROM..TO, for example `rate_per_s=50..1000`"
)]
pub struct InvalidSweep {
    given: String,
    why: String,
}

impl Sweep {
    /// Parses `NAME=FROM..TO`.
    ///
    /// # Errors
    ///
    /// When a part is missing, a bound is not a number, or the range is empty.
    pub fn parse(text: &str) -> Result<Self, InvalidSweep> {
        let invalid = |why: String| InvalidSweep { given: text.to_owned(), why };
        let (param, range) =
            text.split_once('=').ok_or_else(|| invalid("`=` is missing".to_owned()))?;
        let (from, to) =
            range.split_once("..").ok_or_else(|| invalid("`..` is missing".to_owned()))?;
        let bound = |text: &str| {
            let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| invalid(format!("`{text}` is not a number")))
        };
        let sweep = Self { param: param.trim().to_owned(), from: bound(from)?, to: bound(to)? };
        if sweep.from >= sweep.to {
            let (from, to) = (number(sweep.from), number(sweep.to));
            return Err(invalid(format!("{from} is not less than {to}")));
        }
        Ok(sweep)
    }

    /// Returns `points` values from the first to the last: with equal differences, or with equal ratios.
    ///
    /// # Errors
    ///
    /// When ratios are wanted and the first value is not above 0.
    pub fn values(&self, points: usize, log: bool) -> Result<Vec<f64>, InvalidSweep> {
        if log && self.from <= 0.0 {
            return Err(InvalidSweep {
                given: format!("{}={}..{}", self.param, number(self.from), number(self.to)),
                why: "a logarithmic sweep starts above 0".to_owned(),
            });
        }
        let last = points.saturating_sub(1).max(1) as f64;
        let at = |i: usize| match (i as f64 / last, log) {
            // Exact, whatever the rounding in between.
            (1.0, _) => self.to,
            (share, true) => self.from * (self.to / self.from).powf(share),
            (share, false) => self.from + (self.to - self.from) * share,
        };
        Ok((0..points).map(at).collect())
    }
}

/// A lane at one value of the parameter. Figures are of the time from the release to the end of the run; a claim that
/// has a window of its own keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LanePoint {
    /// The lane's variant.
    pub variant: String,
    /// True if all claims about `fixed` hold for this lane, but for those about the mechanism of the fix; none if
    /// none fails and some cannot be decided.
    pub healthy: Option<bool>,
    /// The claims that do not hold, each with what was observed.
    pub failed: Vec<String>,
    /// The claims that cannot be decided, each with the reason.
    pub undecided: Vec<String>,
    /// Share of the requests that were answered as they should be, in percent.
    pub ok_percent: Option<f64>,
    /// The 99th percentile of the latency in milliseconds; unanswered requests count.
    pub p99_ms: Option<f64>,
    /// The highest number of tasks.
    pub tasks: Option<f64>,
    /// Answers per second that were in time and right: goodput.
    pub ok_per_s: Option<f64>,
}

/// Measures all lanes of a run. A lane is healthy if it does what the manifest expects of `fixed`.
pub fn measured(manifest: &Manifest, timeline: &Timeline) -> Vec<LanePoint> {
    (0..timeline.lanes.len()).map(|lane| point(manifest, timeline, lane)).collect()
}

/// True for a claim about clients, resources or processes. What an incident's own metric must reach or how fast it must
/// grow is about the mechanism of the fix, which another variant may do without.
fn is_of_health(claim: &Expectation, lane: &LaneLine) -> bool {
    let Measure::Registered(name) = &claim.metric else { return true };
    let bounds =
        matches!(claim.claim, Claim::Below(_) | Claim::StaysBelow(_) | Claim::ReturnsTo(_));
    bounds && lane.metrics.contains_key(name)
}

fn point(manifest: &Manifest, timeline: &Timeline, index: usize) -> LanePoint {
    let lane: &LaneLine = &timeline.lanes[index];
    let fixed =
        manifest.expectations.iter().filter(|e| e.variant == "fixed" && is_of_health(e, lane));
    let of_lane = |e: &Expectation| Expectation { variant: lane.variant.clone(), ..e.to_the_end() };
    let claims: Vec<Expectation> = fixed.map(of_lane).collect();
    // Two lanes may run one variant: each has its checks, in the order of the lanes.
    let before = timeline.lanes[..index].iter().filter(|other| other.variant == lane.variant);
    let skip = before.count() * claims.len();
    let checks = judge_since(timeline.release_s, &claims, timeline).checks;
    let mut checks: Vec<Check> = checks.into_iter().skip(skip).take(claims.len()).collect();
    checks.retain(|check| !check.holds);
    let (undecided, failed): (Vec<Check>, Vec<Check>) =
        checks.into_iter().partition(|check| check.undecided.is_some());
    let says = |check: &Check| format!("{} {}: {}", check.metric, check.expected, check.outcome());
    let [undecided, failed]: [Vec<String>; 2] =
        [undecided, failed].map(|checks| checks.iter().map(says).collect());
    let period = Period { from_s: timeline.release_s.unwrap_or_default(), to_s: timeline.end_s };
    let of = |measure: WindowMeasure| value(lane, &Measure::OverWindow(measure), period);
    LanePoint {
        variant: lane.variant.clone(),
        healthy: if failed.is_empty() && !undecided.is_empty() {
            None
        } else {
            Some(failed.is_empty())
        },
        failed,
        undecided,
        ok_percent: of(WindowMeasure::OkPercent),
        p99_ms: of(WindowMeasure::P99Ms),
        tasks: value(lane, &Measure::parse("tasks"), period),
        ok_per_s: of(WindowMeasure::OkPerS),
    }
}

/// All lanes at one value of the parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The value.
    pub value: f64,
    /// The lanes.
    pub lanes: Vec<LanePoint>,
}

impl SweepPoint {
    /// Health of the first lane of a variant.
    pub fn health_of(&self, variant: &str) -> Option<bool> {
        self.lanes.iter().find(|lane| lane.variant == variant)?.healthy
    }
}

/// The knee of a variant over several seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundKnee {
    /// Healthy here with every seed that has the knee.
    pub healthy_at: f64,
    /// Not healthy here with any of them, or undecided.
    pub unhealthy_at: f64,
    /// True if the variant is healthy below the knee, false if above.
    pub is_healthy_below: bool,
    /// Seeds that have the knee in this range.
    pub seeds: usize,
    /// Seeds that were tried.
    pub of_seeds: u64,
    /// The claims that fail at the unhealthy end, with the first seed.
    pub fails_first: Vec<String>,
    /// The claims that cannot be decided there.
    pub undecided: Vec<String>,
    /// The knee by the manifest's theory; none if it has no theory about it.
    pub theory: Option<TheoreticalKnee>,
}

/// The knee by theory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TheoreticalKnee {
    /// The backlog neither grows nor shrinks at this value.
    pub at: f64,
    /// True if it grows above the value, false if below.
    pub grows_above: bool,
}

impl FoundKnee {
    /// Joins the knees of several seeds, each with the lane at its unhealthy end; none without a knee.
    pub fn of(
        found: Vec<(Knee, LanePoint)>,
        of_seeds: u64,
        theory: Option<TheoreticalKnee>,
    ) -> Option<Self> {
        let seeds = found.len();
        let is_healthy_below = found.first().is_some_and(|(k, _)| k.healthy_at < k.unhealthy_at);
        let healthy = found.iter().map(|(knee, _)| knee.healthy_at);
        let unhealthy = found.iter().map(|(knee, _)| knee.unhealthy_at);
        let (healthy_at, unhealthy_at) = if is_healthy_below {
            (healthy.reduce(f64::min)?, unhealthy.reduce(f64::max)?)
        } else {
            (healthy.reduce(f64::max)?, unhealthy.reduce(f64::min)?)
        };
        let LanePoint { failed: fails_first, undecided, .. } = found.into_iter().next()?.1;
        Some(Self {
            healthy_at,
            unhealthy_at,
            is_healthy_below,
            seeds,
            of_seeds,
            fails_first,
            undecided,
            theory,
        })
    }

    /// The middle of its range.
    pub fn middle(&self) -> f64 {
        f64::midpoint(self.healthy_at, self.unhealthy_at)
    }
}

/// Two neighbouring values between which a lane's health changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Knee {
    /// The lane is healthy here.
    pub healthy_at: f64,
    /// The lane is not healthy here.
    pub unhealthy_at: f64,
}

impl Knee {
    /// Finds the first change of health among points in the order of their values. Undecided points are left out.
    pub fn first(points: &[(f64, Option<bool>)]) -> Option<Self> {
        Self::all(points).next()
    }

    /// Finds the highest value above which a healthy lane is not healthy any more.
    pub fn highest(points: &[(f64, Option<bool>)]) -> Option<Self> {
        Self::all(points).filter(|knee| knee.healthy_at < knee.unhealthy_at).last()
    }

    fn all(points: &[(f64, Option<bool>)]) -> impl Iterator<Item = Self> {
        let decided = points.iter().filter_map(|(at, healthy)| Some((*at, (*healthy)?)));
        let pairs = decided.clone().zip(decided.skip(1));
        pairs.filter_map(|(a, b)| match (a.1, b.1) {
            (true, false) => Some(Self { healthy_at: a.0, unhealthy_at: b.0 }),
            (false, true) => Some(Self { healthy_at: b.0, unhealthy_at: a.0 }),
            _ => None,
        })
    }

    /// The value in the middle, to be measured next.
    pub fn middle(&self) -> f64 {
        f64::midpoint(self.healthy_at, self.unhealthy_at)
    }

    /// Halves the range: the lane was healthy in its middle, or not.
    pub fn halve(&mut self, healthy: bool) {
        let middle = self.middle();
        *(if healthy { &mut self.healthy_at } else { &mut self.unhealthy_at }) = middle;
    }
}

/// Returns the value at which the backlog of a variant begins to grow, by the manifest's theory, and whether it grows
/// above that value: the growth per second changes its sign there. None if it does not within the range of the sweep.
pub fn theoretical_knee(
    manifest: &Manifest,
    variant: &str,
    values: &Values,
    sweep: &Sweep,
) -> Option<TheoreticalKnee> {
    let theories = manifest.theories.iter().filter(|theory| theory.variant == variant);
    let mut growths = theories.filter_map(|theory| match &theory.law {
        Law::Backlog { per_s, .. } => Some(per_s),
        Law::Value(_) => None,
    });
    growths.find_map(|growth| {
        let at = |value: f64| {
            let mut values = values.clone();
            values.insert(sweep.param.clone(), value);
            growth.eval(&values).ok()
        };
        let (mut low, mut high) = (sweep.from, sweep.to);
        let grows_at_first = at(low)? > 0.0;
        if grows_at_first == (at(high)? > 0.0) {
            return None;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            let side = if (at(middle)? > 0.0) == grows_at_first { &mut low } else { &mut high };
            *side = middle;
        }
        Some(TheoreticalKnee { at: high, grows_above: !grows_at_first })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_range_and_refuses_what_is_not_one() {
        let sweep = Sweep { param: RATE.to_owned(), from: 50.0, to: 1000.0 };
        assert_eq!(Sweep::parse("rate_per_s=50..1000"), Ok(sweep));
        for (text, why) in [
            ("rate_per_s", "`=` is missing"),
            ("rate_per_s=5", "`..` is missing"),
            ("rate_per_s=a..5", "`a` is not a number"),
            ("rate_per_s=5..5", "5 is not less than 5"),
            ("rate_per_s=1..inf", "`inf` is not a number"),
        ] {
            let error = Sweep::parse(text).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("NAME=FROM..TO"), "{error}");
        }
    }

    #[test]
    fn spaces_points_evenly_or_by_ratio() {
        let sweep = Sweep { param: RATE.to_owned(), from: 1.0, to: 100.0 };
        assert_eq!(sweep.values(3, false), Ok(vec![1.0, 50.5, 100.0]));
        let ratios = sweep.values(3, true).expect("above 0");
        assert!((ratios[1] - 10.0).abs() < 1e-9, "{ratios:?}");
        assert_eq!(ratios.last(), Some(&100.0), "the last value is the bound itself");
        let from_zero = Sweep { from: 0.0, ..sweep };
        assert!(from_zero.values(3, true).is_err());
    }

    #[test]
    fn finds_the_first_change_of_health_in_either_direction() {
        let points = [(1.0, Some(true)), (2.0, None), (3.0, Some(false)), (4.0, Some(true))];
        let mut knee = Knee::first(&points).expect("there is one");
        assert_eq!(knee, Knee { healthy_at: 1.0, unhealthy_at: 3.0 });
        knee.halve(true);
        assert_eq!(knee, Knee { healthy_at: 2.0, unhealthy_at: 3.0 });
        let falling = Knee::first(&points[2..]).expect("there is one");
        assert_eq!(falling, Knee { healthy_at: 4.0, unhealthy_at: 3.0 });
        assert_eq!(Knee::first(&points[..2]), None);
        let highest = Knee::highest(&points).expect("there is one");
        assert_eq!(highest, Knee { healthy_at: 1.0, unhealthy_at: 3.0 });
        assert_eq!(Knee::highest(&points[2..]), None, "healthy again is no limit");
    }
}
