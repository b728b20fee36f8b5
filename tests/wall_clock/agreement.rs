//! Theory, virtual clock and live clock agree, on each incident that has a theory.

use std::time::Duration;

use firedrill::commands::check::{LIVE_APART, VIRTUAL_APART};
use firedrill::run::{Run, Spec};
use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::event::Clock;
use firedrill_core::timeline::Timeline;
use firedrill_core::verdict::{Agreement, agreements};

use crate::alone;
use crate::common::{catalogue, planned, spec};

/// The agreements of a run; none where this machine was too busy for its load generator.
async fn measured(spec: Spec) -> Option<Vec<Agreement>> {
    let manifest = &spec.case.entry.manifest;
    let mut timeline = Timeline::new(manifest, &spec.case.plan.variants);
    let mut run = Run::start(spec.clone()).expect("it starts");
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
    }
    run.ended().await.expect("it ends well");
    (!timeline.driver_is_late()).then(|| agreements(manifest, &timeline))
}

/// A run of the variants that have a theory.
fn with_theory(entry: &CatalogueEntry) -> Spec {
    let mut variants: Vec<&str> =
        entry.manifest.theories.iter().map(|theory| theory.variant.as_str()).collect();
    variants.dedup();
    let mut spec = spec(&entry.manifest.id, &variants);
    let seconds = entry.manifest.release_s() + 9.5;
    spec.case.plan.set_duration(Duration::from_secs_f64(seconds));
    spec
}

fn entries() -> impl Iterator<Item = &'static CatalogueEntry> {
    let entries = catalogue().entries.iter().map(|entry| &**entry);
    entries.filter(|entry| !entry.manifest.theories.is_empty())
}

#[tokio::test]
async fn live_slopes_are_those_of_the_theory_and_of_the_virtual_clock() {
    let _alone = alone();
    for entry in entries() {
        let Some(live) = measured(with_theory(entry)).await else {
            firedrill::notice::note(&format!(
                "UNDECIDED: {}: the load generator was late: this machine is too busy",
                entry.manifest.id
            ));
            continue;
        };
        let virtual_run = planned(with_theory(entry), |plan| plan.clock = Clock::Virtual);
        let virtually = measured(virtual_run).await.expect("a virtual run is never late");
        assert_eq!(live.len(), entry.manifest.theories.len());
        for (live, virtually) in live.iter().zip(&virtually) {
            assert!(live.apart() <= LIVE_APART, "{live:?}");
            let apart = (live.measured / virtually.measured - 1.0).abs();
            assert!(apart <= LIVE_APART + VIRTUAL_APART, "{live:?} and {virtually:?}");
        }
    }
}
