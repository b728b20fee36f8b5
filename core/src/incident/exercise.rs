//! "Fix it yourself": what a learner is given, and how what they wrote is judged.
//!
//! A learner's form of the code is a variant like any other, by the name of [`YOURS`]. It is run on loads
//! that are drawn for each verdict, and what is expected of `fixed` is expected of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Variant;
use super::claim::Expectation;
use super::formula::{Formula, Values};
use super::manifest::Manifest;
use super::measure::Measure;
use super::show::Text;

/// The file of a package that a learner changes, from its root.
pub const FILE: &str = "src/exercise.rs";

/// The variant that a learner writes.
pub const YOURS: &str = "yours";

/// The code that an exercise begins with.
#[derive(Debug)]
pub struct Start {
    /// `exercise.rs` as it is given out, as the variant [`YOURS`].
    pub form: Variant,
    /// The files that it needs beside it, by their paths from the pack's root.
    pub files: &'static [&'static str],
}

/// `[exercise]` of a manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// The task, never the method.
    pub goal: String,
    /// Arrivals a second of a trial.
    pub rate_per_s: Range,
    /// Duration of a trial in seconds.
    pub lasts_s: Range,
    /// Values that parameters have in a trial.
    #[serde(default)]
    pub params: BTreeMap<String, Range>,
    /// Other loads, which ask something else: a release that does no harm, for example.
    #[serde(default)]
    pub also: Vec<Also>,
    /// Partial fixes, by what they do; the first that is recognised counts.
    #[serde(default, rename = "partial_fix")]
    pub partial_fixes: Vec<PartialFix>,
    /// Hints, by the claims that did not hold.
    #[serde(rename = "hint")]
    pub hints: Vec<Hint>,
    /// Why the fix works, once it does.
    pub explains: String,
}

/// Another kind of load, of which one is drawn for each verdict. What is expected of `fixed` is expected here too,
/// and what stands here, in place of what else is expected of a learner's form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// Description of the difference.
    pub says: String,
    /// Values that parameters have, beside those of every trial.
    pub params: BTreeMap<String, Range>,
    /// Claims.
    #[serde(rename = "expect")]
    pub expectations: Vec<Expectation>,
}

/// Values that a number of a trial is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub from: f64,
    /// The greatest.
    pub to: f64,
}

/// Something that looks like a fix.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialFix {
    /// The variant of the incident that does the same; none: none does.
    #[serde(default)]
    pub variant: Option<String>,
    /// Above 0 where it is this one: a formula over the figures of a trial.
    pub when: Formula,
    /// Description of its effect, with figures of the trial; used as its name.
    pub says: Text,
    /// Hints for this partial fix, from general to specific.
    pub hints: Vec<String>,
}

/// Hints for failed claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// The measures of the claims; none: any.
    #[serde(default)]
    pub metrics: Vec<Measure>,
    /// The hints, each deeper than the one before.
    pub says: Vec<String>,
}

impl Exercise {
    /// The partial fix that these figures are of.
    pub fn partial_fix(&self, figures: &Values) -> Option<&PartialFix> {
        // What the learner's code does not register is nothing.
        let mut all: Values = self
            .partial_fixes
            .iter()
            .flat_map(|half| half.when.names())
            .map(|name| (name.clone(), 0.0))
            .collect();
        all.extend(figures.clone());
        let is = |half: &&PartialFix| half.when.eval(&all).is_ok_and(|value| value > 0.0);
        self.partial_fixes.iter().find(is)
    }

    /// The hints for failed claims about these measures.
    pub fn hints_for(&self, failed: &[Measure]) -> &[String] {
        let named = |hint: &&Hint| hint.metrics.iter().any(|measure| failed.contains(measure));
        let general = || self.hints.iter().find(|hint| hint.metrics.is_empty());
        let found = self.hints.iter().find(named).or_else(general);
        found.map_or(&[], |hint| &hint.says)
    }
}

impl Manifest {
    /// Collects the claims about a learner's variant: its own, and those about `fixed`.
    pub(super) fn expect_of_yours(&mut self) {
        let yours = self.of_fixed_but(&self.expectations);
        self.expectations.extend(yours);
    }

    /// Copies the claims about `fixed` to a learner's variant. A claim of `own` about the same measure replaces a
    /// copied one.
    fn of_fixed_but(&self, own: &[Expectation]) -> Vec<Expectation> {
        let fixed = self.expectations.iter().filter(|expectation| expectation.variant == "fixed");
        let replaced =
            |e: &Expectation| own.iter().any(|own| own.variant == YOURS && own.metric == e.metric);
        let kept = fixed.filter(|expectation| !replaced(expectation));
        kept.map(|e| Expectation { variant: YOURS.to_owned(), ..e.clone() }).collect()
    }

    /// Returns the claims of a trial about a learner's variant. A window that starts with the release extends to
    /// the end of the trial: a delayed outage must not pass.
    pub fn expected_in_a_trial(&self, also: Option<&Also>) -> Vec<Expectation> {
        let all = match also {
            Some(also) => {
                let fixed = self.of_fixed_but(&also.expectations);
                also.expectations.iter().cloned().chain(fixed).collect()
            }
            None => self.expectations.clone(),
        };
        let yours = all.iter().filter(|expectation| expectation.variant == YOURS);
        yours.map(Expectation::to_the_end).collect()
    }
}
