//! An on-call shift that everybody in a room takes, and its board.

use std::collections::BTreeMap;

use firedrill_core::session::shift::scenario::{LEVELS, LIMIT_MS};
use firedrill_core::session::shift::state::ShiftState;
use serde::{Deserialize, Serialize};

use crate::join::message::{LearnerId, MOST_SHIFTS, Refused};

/// An on-call shift that everybody takes: the same seed for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomShift {
    /// The seed.
    pub seed: u64,
    /// The level.
    pub level: u8,
    /// The newest report of each learner.
    pub board: BTreeMap<LearnerId, ShiftState>,
}

impl RoomShift {
    /// The shift of a class that has had `before` others, with a seed that nobody can know before.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such level, or the class has had as many as it can.
    pub fn begin(seed: u32, before: usize, level: u8) -> Result<Self, Refused> {
        if !LEVELS.contains(&level) {
            return Err(Refused::UnknownLevel);
        }
        if before >= MOST_SHIFTS {
            return Err(Refused::TooManyShifts);
        }
        Ok(Self { seed: u64::from(seed), level, board: BTreeMap::new() })
    }

    /// Takes in the report of a learner. Returns false if the learner has a result: the cause is known after it, so the
    /// first one counts.
    ///
    /// # Errors
    ///
    /// Returns an error if the report is about another shift, or a figure of it is impossible.
    pub fn take(&mut self, learner: LearnerId, report: ShiftState) -> Result<bool, Refused> {
        if (self.seed, self.level) != (report.seed, report.level) {
            return Err(Refused::OtherShift);
        }
        if !is_possible(&report) {
            return Err(Refused::Impossible);
        }
        let is_new = self.board.get(&learner).is_none_or(|before| before.result.is_none());
        if is_new {
            self.board.insert(learner, report);
        }
        Ok(is_new)
    }
}

/// Returns true if a shift can have these figures.
fn is_possible(report: &ShiftState) -> bool {
    let longest_s = LIMIT_MS as f64 / 1000.0;
    let is_early = report.result.is_some() && !report.is_over;
    !is_early
        && report.result.iter().all(|result| {
            let times = [result.detected_s, result.mitigated_s, result.named_s];
            let mut times = times.into_iter().flatten();
            times.all(|time_s| (0.0..=longest_s).contains(&time_s))
                && (0.0..=100.0).contains(&result.points)
        })
}
