//! Checks the claims of `fixed` against a learner's variant, in several trials.

use anyhow::bail;
use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::claim::Expectation;
use firedrill_core::incident::exercise::Exercise;
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::measure::Measure;
use firedrill_core::verdict::{Check, judge_since};
use futures_util::future::join_all;

use super::trial::{LearnerOutput, Trial, Tried, Yours};

/// A verdict.
#[derive(Debug)]
pub enum Judged {
    /// Every claim held in every trial.
    Holds {
        /// Number of trials.
        trials: usize,
        /// The claims, as they were in the first.
        checks: Vec<Check>,
        /// Result of the trial with the lab's values.
        tried: Box<Tried>,
    },
    /// Claims did not hold in a trial.
    Fails {
        /// Which, counted from 1.
        number: usize,
        /// The trial.
        trial: Trial,
        /// Its claims.
        checks: Vec<Check>,
        /// The partial fix that it is, in a sentence.
        partial_fix: Option<PartialFixed>,
        /// Hints, each deeper than the one before.
        hints: Vec<String>,
        /// Values for formulas of the exercise.
        figures: Values,
        /// Output of the learner's program.
        said: LearnerOutput,
    },
    /// The learner's program could not be run to the end.
    Broke {
        /// In which trial, counted from 1.
        number: usize,
        /// Description of its effect.
        says: String,
        /// Its output.
        said: LearnerOutput,
    },
}

/// A partial fix that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialFixed {
    /// The variant of the incident that does the same.
    pub variant: Option<String>,
    /// Description of its effect.
    pub says: String,
}

/// Judges a form under these trials, up to the first in which it fails. A trial in which our own fix does not
/// hold says nothing, and does not count.
///
/// # Errors
///
/// When our own fix holds in none of them: the exercise is at fault.
pub async fn judge(
    catalogue: &'static Catalogue,
    entry: &'static CatalogueEntry,
    exercise: &Exercise,
    yours: Yours<'_>,
    trials: &[Trial],
) -> anyhow::Result<Judged> {
    let mut first = None;
    // The lab's own load by itself: most forms that fail do so there, and soon.
    let (lab, others) = trials.split_at(1.min(trials.len()));
    let (mut number, mut held) = (0, 0);
    for together in [lab, others] {
        let runs = together.iter().map(|trial| trial.run(catalogue, entry, &yours));
        for (trial, tried) in together.iter().zip(join_all(runs).await) {
            number += 1;
            let tried = match tried {
                Ok(tried) => tried,
                Err(broken) => {
                    let says = format!("{:#}", broken.why);
                    return Ok(Judged::Broke { number, says, said: broken.said });
                }
            };
            let also = trial.also.and_then(|at| exercise.also.get(at));
            let expected = entry.manifest.expected_in_a_trial(also);
            let release_s = tried.timeline.release_s;
            let verdict = judge_since(release_s, &expected, &tried.timeline);
            if verdict.holds {
                held += 1;
                first.get_or_insert((verdict.checks, tried));
                continue;
            }
            let ours = |e: Expectation| Expectation { variant: "fixed".to_owned(), ..e };
            let ours: Vec<Expectation> = expected.into_iter().map(ours).collect();
            if !judge_since(release_s, &ours, &tried.timeline).holds {
                continue;
            }
            let failed = verdict.checks.iter().filter(|check| !check.holds);
            let failed: Vec<Measure> = failed.map(|check| Measure::parse(&check.metric)).collect();
            // Partial fixes are known by what they do to the outage.
            let half = also.is_none().then(|| exercise.partial_fix(&tried.figures)).flatten();
            let partial_fix = half.map(|half| PartialFixed {
                variant: half.variant.clone(),
                // A figure that was not measured leaves the text without it.
                says: half.says.fill(&tried.figures).unwrap_or_else(|error| error.to_string()),
            });
            let hints = half.map_or_else(|| exercise.hints_for(&failed), |half| &half.hints);
            return Ok(Judged::Fails {
                number,
                trial: trial.clone(),
                checks: verdict.checks,
                partial_fix,
                hints: hints.to_vec(),
                figures: tried.figures,
                said: tried.said,
            });
        }
    }
    let Some((checks, tried)) = first else {
        bail!("the exercise is at fault, not you: our own fix does not hold in any of its trials");
    };
    Ok(Judged::Holds { trials: held, checks, tried: Box::new(tried) })
}
