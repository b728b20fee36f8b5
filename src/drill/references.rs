//! The runs that a shift is compared with, in simulated time.

use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Event, EventKind};
use firedrill_core::script::{Pacing, Speed};
use firedrill_core::session::shift::Shift;
use firedrill_core::session::shift::reference::{OTHER_SEEDS, Reference, seconds_of};
use firedrill_core::session::shift::score::{Compared, Left, damage};
use firedrill_core::session::shift::seconds::Second;

use crate::run::{Run, Spec, Venue};

/// Damage, in seconds of full outage, by which a longer path of the expert must be better than a shorter one.
const BETTER_S: f64 = 1.0;

/// Computes the runs that a shift which has ended is compared with.
///
/// # Errors
///
/// Returns an error if a run cannot start or fails.
pub async fn compare(shift: &Shift, catalogue: &Catalogue) -> anyhow::Result<Compared> {
    let Some(untouched) = shift.untouched(catalogue)? else { return Ok(Compared::default()) };
    let mut lanes = seconds(shift, catalogue, untouched).await?;
    let healthy = lanes.pop().unwrap_or_default();
    let untouched = lanes.pop().unwrap_or_default();
    let mut best = None;
    let paths = if shift.scenario.is_faulty { shift.expert_paths(catalogue) } else { Vec::new() };
    for path in paths {
        let Some(reference) = shift.with_expert(catalogue, &path)? else { continue };
        let own = seconds(shift, catalogue, reference).await?.pop().unwrap_or_default();
        let harm = damage(&own, &healthy, 0, |_| 0.0);
        if best.as_ref().is_none_or(|(least, _, _)| harm < *least - BETTER_S) {
            best = Some((harm, path, own));
        }
    }
    let mut left = Vec::new();
    for seed in OTHER_SEEDS {
        let mut lanes = seconds(shift, catalogue, shift.as_left(catalogue, seed)?).await?;
        let healthy = lanes.pop().unwrap_or_default();
        let own = lanes.pop().unwrap_or_default();
        left.push(Left::new(seed, &own, &healthy, shift.judged_from_s()));
    }
    let expert = best.map(|(_, path, own)| (path, own));
    Ok(Compared { untouched, healthy, expert, left })
}

/// The seconds of each lane of a reference.
async fn seconds(
    shift: &Shift,
    catalogue: &Catalogue,
    reference: Reference,
) -> anyhow::Result<Vec<Vec<Second>>> {
    let Reference { mut case, pacing, until_ms } = reference;
    case.plan.duration_ms = Some(until_ms);
    let lanes = case.plan.variants.len();
    let pacing = Pacing { speed: Speed::Max, ..pacing };
    let mut run = Run::start(Spec::at(Venue::new()?, case, pacing))?;
    let mut samples: Vec<Event> = Vec::new();
    while let Some(event) = run.events.recv().await {
        if matches!(event.what, EventKind::Sample(_)) {
            samples.push(event);
        }
    }
    run.ended().await?;
    Ok(seconds_of(shift, catalogue, lanes, &samples))
}
