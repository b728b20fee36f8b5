//! The comparison of a shift that has ended with its references, one run after the other: a front end makes the runs.

use std::collections::VecDeque;

use super::Shift;
use super::reference::{ExpertPath, OTHER_SEEDS, Reference, seconds_of};
use super::score::{Compared, Left, damage};
use super::seconds::Second;
use crate::catalogue::Catalogue;
use crate::event::Event;
use crate::incident::Unknown;

/// Damage, in seconds of full outage, by which a longer path of the expert must be better than a shorter one.
const BETTER_S: f64 = 1.0;

/// A comparison.
#[derive(Debug)]
pub struct Comparison {
    /// The runs that are still to be made.
    runs: VecDeque<ReferenceRun>,
    /// Number of all runs.
    of: usize,
    compared: Compared,
    /// The service without the fault under the seed of the next run.
    healthy: Vec<Second>,
    /// The damage of the best path so far, in seconds of full outage.
    least_s: Option<f64>,
}

/// A run to compare with.
#[derive(Debug)]
enum ReferenceRun {
    /// Nobody acts; beside it the service without the fault.
    Untouched,
    /// An expert takes this path.
    Expert(ExpertPath),
    /// The service without the fault under another seed, and nobody acts.
    Healthy(u64),
    /// The service as it was left, under the seed of the run before.
    Left(u64),
}

impl Comparison {
    /// The comparison of a shift. One that has not ended is compared with nothing.
    pub fn new(shift: &Shift, catalogue: &Catalogue) -> Self {
        let mut runs = VecDeque::new();
        if shift.over_ms.is_some() {
            runs.push_back(ReferenceRun::Untouched);
            if shift.scenario.is_faulty {
                runs.extend(shift.expert_paths(catalogue).into_iter().map(ReferenceRun::Expert));
            }
            for seed in OTHER_SEEDS {
                runs.extend([ReferenceRun::Healthy(seed), ReferenceRun::Left(seed)]);
            }
        }
        let of = runs.len();
        Self { runs, of, compared: Compared::default(), healthy: Vec::new(), least_s: None }
    }

    /// The number of runs that have been made, and of all.
    pub fn progress(&self) -> (usize, usize) {
        (self.of - self.runs.len(), self.of)
    }

    /// The next run to make; none: all have been made.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn next(&self, shift: &Shift, catalogue: &Catalogue) -> Result<Option<Reference>, Unknown> {
        match self.runs.front() {
            None => Ok(None),
            Some(ReferenceRun::Untouched) => shift.untouched(catalogue),
            Some(ReferenceRun::Expert(path)) => shift.with_expert(catalogue, path),
            Some(ReferenceRun::Healthy(seed)) => shift.healthy(catalogue, *seed).map(Some),
            Some(ReferenceRun::Left(seed)) => shift.as_left(catalogue, *seed).map(Some),
        }
    }

    /// Takes in the samples of the next run.
    pub fn take<'a>(
        &mut self,
        shift: &Shift,
        catalogue: &Catalogue,
        samples: impl IntoIterator<Item = &'a Event>,
    ) {
        let Some(run) = self.runs.pop_front() else { return };
        let lanes = match run {
            ReferenceRun::Untouched | ReferenceRun::Healthy(_) => 2,
            ReferenceRun::Expert(_) | ReferenceRun::Left(_) => 1,
        };
        let mut seconds = seconds_of(shift, catalogue, lanes, samples).into_iter();
        let own = seconds.next().unwrap_or_default();
        let beside = seconds.next().unwrap_or_default();
        match run {
            ReferenceRun::Untouched => {
                (self.compared.untouched, self.compared.healthy) = (own, beside);
            }
            ReferenceRun::Expert(path) => {
                let harm_s = damage(&own, &self.compared.healthy, 0, |_| 0.0);
                self.compared.ways.push((path.actions().cloned().collect(), harm_s));
                if self.least_s.is_none_or(|least_s| harm_s < least_s - BETTER_S) {
                    self.least_s = Some(harm_s);
                    self.compared.expert = Some((path, own));
                }
            }
            ReferenceRun::Healthy(_) => self.healthy = beside,
            ReferenceRun::Left(seed) => {
                let left = Left::new(seed, &own, &self.healthy, shift.judged_from_s());
                self.compared.left.push(left);
            }
        }
    }

    /// The results of all runs.
    pub fn finish(self) -> Compared {
        self.compared
    }
}
