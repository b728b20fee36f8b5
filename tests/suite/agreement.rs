//! Theory and virtual clock agree, on each incident that has a theory.

use std::time::Duration;

use firedrill::commands::check::VIRTUAL_APART;
use firedrill::run::{Run, Spec};
use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::event::Clock;
use firedrill_core::timeline::Timeline;
use firedrill_core::verdict::{Agreement, agreements};

use crate::common::{catalogue, planned, spec};

async fn measured(spec: Spec) -> Vec<Agreement> {
    let manifest = &spec.case.entry.manifest;
    let mut timeline = Timeline::new(manifest, &spec.case.plan.variants);
    let mut run = Run::start(spec.clone()).expect("it starts");
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
    }
    run.ended().await.expect("it ends well");
    agreements(manifest, &timeline)
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

/// The run with half and twice its rate, and with half and twice each of its parameters, within its
/// range: one axis at a time.
fn grid(entry: &CatalogueEntry) -> Vec<Spec> {
    let spec = planned(with_theory(entry), |plan| plan.clock = Clock::Virtual);
    let mut specs = vec![spec.clone()];
    for scale in [0.5, 2.0] {
        specs.push(planned(spec.clone(), |plan| plan.rate_per_s *= scale));
        for (name, param) in &entry.manifest.params {
            let value = (param.value * scale).clamp(param.min, param.max);
            let mut spec = spec.clone();
            spec.case.plan.params.insert(name.clone(), value);
            specs.push(spec);
        }
    }
    specs
}

#[tokio::test]
async fn on_the_virtual_clock_slopes_are_those_of_the_theory_over_a_grid() {
    let mut compared = 0;
    for entry in entries() {
        for spec in grid(entry) {
            let point = format!(
                "{} at {}/s, {:?}",
                entry.manifest.id, spec.case.plan.rate_per_s, spec.case.plan.params
            );
            for agreement in measured(spec).await {
                assert!(agreement.apart() <= VIRTUAL_APART, "{point}: {agreement:?}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 12, "only {compared} were compared");
}
