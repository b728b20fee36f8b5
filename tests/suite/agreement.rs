//! Theory, virtual clock and live clock agree, on each incident that has a theory.

use std::time::Duration;

use firedrill::commands::check::{LIVE_APART, VIRTUAL_APART};
use firedrill::run::{Run, Spec};
use firedrill_core::catalogue::Entry;
use firedrill_core::event::Clock;
use firedrill_core::timeline::Timeline;
use firedrill_core::verdict::{Agreement, agreements};

use crate::common::{alone, catalogue, spec};

async fn measured(spec: Spec) -> Vec<Agreement> {
    let (manifest, values) = (&spec.entry.manifest, spec.plan().values());
    let mut timeline = Timeline::new(manifest, &spec.variants);
    let mut run = Run::start(spec.clone()).expect("it starts");
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
    }
    run.ended().await.expect("it ends well");
    agreements(manifest, &values, &timeline)
}

/// A run of the variants that have a theory.
fn with_theory(entry: &Entry) -> Spec {
    let mut variants: Vec<&str> =
        entry.manifest.theories.iter().map(|theory| theory.variant.as_str()).collect();
    variants.dedup();
    let mut spec = spec(&entry.manifest.id, &variants);
    let seconds = entry.manifest.release_s() + 9.5;
    spec.duration = Some(Duration::from_secs_f64(seconds));
    spec
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    catalogue().entries.iter().filter(|entry| !entry.manifest.theories.is_empty())
}

/// The run with half, once and twice its rate, and the same of each parameter, within its range.
fn grid(entry: &Entry) -> Vec<Spec> {
    let scales = [0.5, 1.0, 2.0];
    let mut specs: Vec<Spec> = scales
        .map(|scale| {
            let spec = with_theory(entry);
            Spec { clock: Clock::Virtual, rate_per_s: spec.rate_per_s * scale, ..spec }
        })
        .to_vec();
    for (name, param) in &entry.manifest.params {
        let scaled = |spec: &Spec| {
            scales.map(|scale| {
                let mut spec = spec.clone();
                let value = (param.value * scale).clamp(param.min, param.max);
                spec.params.insert(name.clone(), value);
                spec
            })
        };
        specs = specs.iter().flat_map(scaled).collect();
    }
    specs
}

#[tokio::test]
async fn on_the_virtual_clock_slopes_are_those_of_the_theory_over_a_grid() {
    let _alone = alone().await;
    let mut compared = 0;
    for entry in entries() {
        for spec in grid(entry) {
            let point =
                format!("{} at {}/s, {:?}", entry.manifest.id, spec.rate_per_s, spec.params);
            for agreement in measured(spec).await {
                assert!(agreement.apart() <= VIRTUAL_APART, "{point}: {agreement:?}");
                compared += 1;
            }
        }
    }
    // Three rates, three times to write, two variants; at the lowest rates one never fills up.
    assert!(compared >= 12, "only {compared} were compared");
}

#[tokio::test]
async fn live_slopes_are_those_of_the_theory_and_of_the_virtual_clock() {
    let _alone = alone().await;
    for entry in entries() {
        let live = measured(with_theory(entry)).await;
        let virtually = measured(Spec { clock: Clock::Virtual, ..with_theory(entry) }).await;
        assert_eq!(live.len(), entry.manifest.theories.len());
        for (live, virtually) in live.iter().zip(&virtually) {
            assert!(live.apart() <= LIVE_APART, "{live:?}");
            let apart = (live.measured_per_s / virtually.measured_per_s - 1.0).abs();
            assert!(apart <= LIVE_APART + VIRTUAL_APART, "{live:?} and {virtually:?}");
        }
    }
}
