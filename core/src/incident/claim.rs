//! Claims about a run: one claim of a closed set about one measure in one window.

use serde::Deserialize;

use super::formula::Formula;
use super::measure::{KindFigure, Measure};

/// A claim about a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "ClaimFields")]
pub struct Expectation {
    /// The variant it holds for.
    pub variant: String,
    /// The measure.
    pub metric: Measure,
    /// The period that counts.
    pub window: Window,
    /// The condition.
    pub claim: Claim,
}

/// Condition on a measure. The *value* of a level is its highest in the window; a share or percentile has one
/// value for the whole window.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The value is below.
    Below(Formula),
    /// The value is above.
    Above(Formula),
    /// In each second of the period it is above.
    StaysAbove(Formula),
    /// In each second of the period it is below.
    StaysBelow(Formula),
    /// It grows by so much a second, by least squares, within this share.
    Slope(Formula, f64),
    /// From the first to the last sample it grows by so much a second, within this share.
    Rate(Formula, f64),
    /// From the first to the last sample it grows by less than so much a second.
    RateBelow(Formula),
    /// The last value is at most this.
    ReturnsTo(Formula),
    /// The processes end like this: a word of [`crate::event::ExitCause::word`], or `none`.
    Exits(String),
    /// The value is at least so many times that of another lane, or of another period.
    Times {
        /// The other lane's variant, or the lane's own.
        of: String,
        /// The other period; none: the same.
        window: Option<Window>,
        /// The factor.
        at_least: Formula,
    },
}

impl Claim {
    /// The field of a manifest that it stands in.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Below(_) => "below",
            Self::Above(_) => "above",
            Self::StaysAbove(_) => "stays_above",
            Self::StaysBelow(_) => "stays_below",
            Self::Slope(..) => "slope_per_s",
            Self::Rate(..) => "rate_per_s",
            Self::RateBelow(_) => "rate_below",
            Self::ReturnsTo(_) => "returns_to",
            Self::Exits(_) => "exits",
            Self::Times { .. } => "times",
        }
    }

    /// The formulas in it.
    pub fn formulas(&self) -> Option<&Formula> {
        match self {
            Self::Below(formula)
            | Self::Above(formula)
            | Self::StaysAbove(formula)
            | Self::StaysBelow(formula)
            | Self::Slope(formula, _)
            | Self::Rate(formula, _)
            | Self::RateBelow(formula)
            | Self::ReturnsTo(formula)
            | Self::Times { at_least: formula, .. } => Some(formula),
            Self::Exits(_) => None,
        }
    }
}

/// A period of the run, in seconds after the release, or after the switch. Formulas may name
/// phases: `cleared + 0.5`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its beginning; the release or the switch where absent.
    #[serde(default, alias = "from")]
    pub from_s: Option<Formula>,
    /// Its end; the run's, or the lane's first exit, where absent.
    #[serde(default, alias = "to")]
    pub to_s: Option<Formula>,
}

impl Expectation {
    /// The same claim; a window that starts with the release extends to the end of the run, so that a delayed
    /// outage does not pass.
    #[must_use]
    pub fn to_the_end(&self) -> Self {
        match self.window {
            Window { from_s: None, .. } => Self { window: Window::default(), ..self.clone() },
            Window { .. } => self.clone(),
        }
    }
}

/// As it stands in a manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClaimFields {
    variant: String,
    metric: Measure,
    #[serde(default)]
    window: Window,
    #[serde(default)]
    within: Option<f64>,
    #[serde(default)]
    below: Option<Formula>,
    #[serde(default)]
    above: Option<Formula>,
    #[serde(default)]
    stays_above: Option<Formula>,
    #[serde(default)]
    stays_below: Option<Formula>,
    #[serde(default)]
    slope_per_s: Option<Formula>,
    #[serde(default)]
    rate_per_s: Option<Formula>,
    #[serde(default)]
    rate_below: Option<Formula>,
    #[serde(default)]
    returns_to: Option<Formula>,
    #[serde(default)]
    exits: Option<String>,
    #[serde(default)]
    times: Option<Times>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    of: String,
    #[serde(default)]
    window: Option<Window>,
    at_least: Formula,
}

/// Default of `within`.
const TEN_PERCENT: f64 = 0.1;

const ONE_OF: &str = "expected one of below, above, stays_above, stays_below, slope_per_s, \
                      rate_per_s, rate_below, returns_to, exits, times";

impl TryFrom<ClaimFields> for Expectation {
    type Error = String;

    fn try_from(raw: ClaimFields) -> Result<Self, String> {
        let within = raw.within.unwrap_or(TEN_PERCENT);
        let given: Vec<Claim> = [
            raw.below.map(Claim::Below),
            raw.above.map(Claim::Above),
            raw.stays_above.map(Claim::StaysAbove),
            raw.stays_below.map(Claim::StaysBelow),
            raw.slope_per_s.map(|formula| Claim::Slope(formula, within)),
            raw.rate_per_s.map(|formula| Claim::Rate(formula, within)),
            raw.rate_below.map(Claim::RateBelow),
            raw.returns_to.map(Claim::ReturnsTo),
            raw.exits.map(Claim::Exits),
            raw.times.map(|Times { of, window, at_least }| Claim::Times { of, window, at_least }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let count = given.len();
        let Ok([claim]) = <[Claim; 1]>::try_from(given) else {
            return Err(format!("{ONE_OF}; found {count} of them"));
        };
        let is_about_exits = raw.metric == Measure::Exits;
        if is_about_exits != matches!(claim, Claim::Exits(_)) {
            return Err("`exits` is both the metric and the claim, or neither".to_owned());
        }
        if raw.within.is_some() && !matches!(claim, Claim::Slope(..) | Claim::Rate(..)) {
            return Err("`within` goes with slope_per_s and rate_per_s alone".to_owned());
        }
        let levels = match &raw.metric {
            Measure::Level(_) | Measure::Registered(_) => true,
            Measure::OfKind(of) => of.figure == KindFigure::InFlight,
            Measure::OverWindow(_) | Measure::Restarts | Measure::Exits => false,
        };
        let needs_level = matches!(
            claim,
            Claim::Slope(..) | Claim::Rate(..) | Claim::RateBelow(_) | Claim::ReturnsTo(_)
        );
        if !levels && needs_level {
            return Err(format!(
                "`{}` is not a level: it has no slope, rate or end; expected below, above, \
                 stays_above or stays_below",
                raw.metric
            ));
        }
        let ClaimFields { variant, metric, window, .. } = raw;
        Ok(Self { variant, metric, window, claim })
    }
}
