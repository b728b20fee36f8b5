//! Checks of an exercise: as handed out it fails under every load, our solution holds, and each partial fix is
//! recognized.

use std::collections::BTreeSet;
use std::fmt::Write;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::exercise::{Exercise, YOURS};

use super::Finding;
use crate::exercise::judge::{Judged, judge};
use crate::exercise::trial::{Trial, Yours, draw};

/// Trials beside the one with the lab's own numbers; with fewer seeds, so many.
const DRAWN: u64 = 3;

/// Checks the exercise of an incident.
///
/// # Errors
///
/// When a run cannot start.
pub async fn check(
    catalogue: &'static Catalogue,
    entry: &'static CatalogueEntry,
    seeds: u64,
) -> anyhow::Result<Option<Finding>> {
    let (Some(exercise), Some(_)) = (&entry.manifest.exercise, &entry.incident.exercise) else {
        let half = entry.manifest.exercise.is_some() || entry.incident.exercise.is_some();
        let missing =
            "`[exercise]` in the manifest and `exercise` in the code go together".to_owned();
        return Ok(half.then(|| Finding::new("exercise", vec![missing])));
    };
    let trials = draw(entry, exercise, DRAWN.min(seeds) as usize, 1);
    let mut wrong = Vec::new();
    for variant in &entry.incident.variants[..entry.incident.variants.len() - 1] {
        let named = |half: &&_| named(half) == Some(variant.name);
        if !exercise.partial_fixes.iter().any(|half| named(&half)) {
            wrong.push(format!("missing `[[exercise.partial_fix]]` for `{}`", variant.name));
        }
    }
    let known: Vec<&str> = exercise.partial_fixes.iter().filter_map(named).collect();
    for trial in &trials {
        // Another kind of load asks something else, of the fix alone.
        let usual = trial.also.is_none();
        if usual {
            let given = (YOURS, Known::AsSomething);
            wrong.extend(tried(catalogue, entry, exercise, given, trial).await?);
        }
        for &variant in known.iter().filter(|_| usual) {
            wrong.extend(
                tried(catalogue, entry, exercise, (variant, Known::As(variant)), trial).await?,
            );
        }
        wrong.extend(tried(catalogue, entry, exercise, ("fixed", Known::AsFix), trial).await?);
    }
    let count = trials.len();
    let what = format!(
        "exercise: fails as handed out, `fixed` holds, {} partial fixes recognized, {count} trials",
        known.len()
    );
    Ok(Some(Finding::new(what, wrong)))
}

/// Expected recognition of a variant.
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    /// A fix.
    AsFix,
    /// Some partial fix.
    AsSomething,
    /// The partial fix that this variant is.
    As(&'a str),
}

fn named(half: &firedrill_core::incident::exercise::PartialFix) -> Option<&str> {
    half.variant.as_deref()
}

/// Checks the verdict on a variant in a trial: it must hold, or be recognized.
async fn tried(
    catalogue: &'static Catalogue,
    entry: &'static CatalogueEntry,
    exercise: &Exercise,
    (variant, known): (&str, Known<'_>),
    trial: &Trial,
) -> anyhow::Result<Option<String>> {
    let yours = Yours { variant, program: None, ours: None };
    let judged = judge(catalogue, entry, exercise, yours, std::slice::from_ref(trial)).await?;
    let says = match (&judged, known) {
        (Judged::Holds { .. }, Known::AsFix) => return Ok(None),
        (Judged::Holds { .. }, _) => "it passes".to_owned(),
        (Judged::Broke { says, .. }, _) => says.clone(),
        (Judged::Fails { partial_fix, checks, figures, .. }, _) => {
            let is = partial_fix.as_ref().and_then(|half| half.variant.as_deref());
            let right = match known {
                Known::AsFix => false,
                Known::AsSomething => partial_fix.is_some(),
                Known::As(variant) => is == Some(variant),
            };
            if right {
                return Ok(None);
            }
            // Writing to a String cannot fail.
            let mut says = format!("it is recognized as {partial_fix:?};");
            let names = exercise.partial_fixes.iter().flat_map(|half| half.when.names());
            let names: BTreeSet<&String> = names.collect();
            for (name, value) in names.iter().filter_map(|name| figures.get_key_value(*name)) {
                let _ = write!(says, " {name} = {value:.2};");
            }
            for check in checks.iter().filter(|check| !check.holds) {
                let _ = write!(says, " {} {}: {};", check.metric, check.expected, check.outcome());
            }
            says
        }
    };
    Ok(Some(format!("`{variant}` under {}: {says}", trial.says(entry))))
}
