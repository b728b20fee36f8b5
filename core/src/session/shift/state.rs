//! The state of a shift for a board that everybody sees: it does not give the cause away.

use serde::{Deserialize, Serialize};

use super::Shift;
use super::score::Score;

/// The state of a shift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftState {
    /// The seed.
    pub seed: u64,
    /// The level.
    pub level: u8,
    /// True once something was reported.
    pub is_paged: bool,
    /// True once the outage was declared over.
    pub is_over: bool,
    /// The result, once it has been computed.
    pub result: Option<ShiftResult>,
}

/// The result of a shift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftResult {
    /// Points, from 0 to 100.
    pub points: f64,
    /// Simulated seconds from the page until it was taken.
    pub detected_s: Option<f64>,
    /// Simulated seconds from the page to the end of the damage.
    pub mitigated_s: Option<f64>,
    /// Simulated seconds from the page to the right cause.
    pub named_s: Option<f64>,
}

impl Shift {
    /// Its state; with its score, once that has been computed.
    pub fn state(&self, score: Option<&Score>) -> ShiftState {
        ShiftState {
            seed: self.scenario.seed,
            level: self.scenario.level,
            is_paged: self.paged_ms.is_some(),
            is_over: self.over_ms.is_some(),
            result: score.map(|score| ShiftResult {
                points: score.points,
                detected_s: score.detected_s,
                mitigated_s: score.mitigated_s,
                named_s: score.named_s,
            }),
        }
    }
}
