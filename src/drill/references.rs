//! The runs that a shift is compared with, in simulated time.

use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Event, EventKind};
use firedrill_core::script::{Pacing, Speed};
use firedrill_core::session::shift::Shift;
use firedrill_core::session::shift::comparison::Comparison;
use firedrill_core::session::shift::reference::Reference;
use firedrill_core::session::shift::score::Compared;

use crate::run::{Run, Spec, Venue};

/// Makes the runs that a shift which has ended is compared with.
///
/// # Errors
///
/// Returns an error if a run cannot start or fails.
pub async fn compare(shift: &Shift, catalogue: &Catalogue) -> anyhow::Result<Compared> {
    let mut comparison = Comparison::new(shift, catalogue);
    while let Some(reference) = comparison.next(shift, catalogue)? {
        comparison.take(shift, catalogue, &samples(reference).await?);
    }
    Ok(comparison.finish())
}

/// The samples of a reference.
async fn samples(reference: Reference) -> anyhow::Result<Vec<Event>> {
    let Reference { mut case, pacing, until_ms } = reference;
    case.plan.duration_ms = Some(until_ms);
    let pacing = Pacing { speed: Speed::Max, ..pacing };
    let mut run = Run::start(Spec::at(Venue::new()?, case, pacing))?;
    let mut samples: Vec<Event> = Vec::new();
    while let Some(event) = run.events.recv().await {
        if matches!(event.what, EventKind::Sample(_)) {
            samples.push(event);
        }
    }
    run.ended().await?;
    Ok(samples)
}
