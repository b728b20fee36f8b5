//! Theory beside what was measured.

use std::fmt;

use crate::event::Sample;
use crate::figures::number;
use crate::incident::Manifest;
use crate::incident::measure::Measure;
use crate::incident::theory::Law;
use crate::timeline::{Timeline, level, slope};

/// Comparison of theory and measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The lane's variant.
    pub variant: String,
    /// The measure.
    pub metric: Measure,
    /// True if growth per second is compared, false for the mean of a constant theory.
    pub of_growth: bool,
    /// As theory has it.
    pub theory: f64,
    /// As measured.
    pub measured: f64,
}

impl Agreement {
    /// Returns the relative deviation of the measurement from the theory.
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
            let told = theory.values(&timeline.param_history, release_s, &times);
            // A backlog says nothing before it shows. A value that is 0 throughout is flat at nothing.
            let never = matches!(theory.law, Law::Value(_))
                && told.iter().flatten().all(|value| *value == 0.0);
            let both = samples.iter().zip(told).filter_map(|((at_s, sample), told)| {
                let told = told.filter(|value| never || *value > 0.0)?;
                Some(((*at_s, told), (*at_s, level(*sample, &theory.metric)?)))
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
