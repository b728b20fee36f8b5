//! Results that take long to compute, and are kept for the next build.

use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::event::Clock;
use firedrill_core::plan::Plan;

use super::module::Module;
use super::played::{self, PlayedWalk};
use super::runs::{Made, Runs};

/// The walk of an incident, played now or before.
///
/// # Errors
///
/// When it cannot be played.
pub fn walk(runs: &Runs, entry: &CatalogueEntry) -> anyhow::Result<PlayedWalk> {
    let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
    let play = || runs.wait(played::play(runs.spec(&plan)?));
    runs.kept(&format!("walk of {}", plan.incident), play)
}

/// The ratio of a run's heap here and in a browser, as [`Module::heap_ratio`] measures it, now or before.
///
/// # Errors
///
/// When the module cannot run the lane.
pub fn heap_ratio(runs: &Runs, module: &Module, made: &Made) -> anyhow::Result<Option<f64>> {
    let plan = serde_json::to_string(&made.case.plan)?;
    let key = format!("heap ratio without bodies {plan} {}", module.bytes.len());
    runs.kept(&key, || module.heap_ratio(made))
}
