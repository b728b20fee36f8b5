//! Any two incidents in one lane: both bugs bite, each by its own measure.

use std::time::Duration;

use firedrill::run::{Control, Run, Spec};
use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::event::Clock;
use firedrill_core::service::base_chain;
use firedrill_core::timeline::Timeline;
use firedrill_core::verdict::{Period, value};

use crate::common::{catalogue, planned, spec};

/// The highest value of the measure by which an incident's bug shows, in the one lane of a run.
fn bitten(entry: &CatalogueEntry, timeline: &Timeline) -> f64 {
    let all = Period { from_s: 0.0, to_s: timeline.end_s };
    value(&timeline.lanes[0], &entry.manifest.bite.metric, all).unwrap_or(0.0)
}

/// The highest rate of an incident's phases that lasts for seconds.
fn highest_rate_per_s(entry: &CatalogueEntry) -> f64 {
    let phases = &entry.manifest.phases;
    let next_s = phases.iter().skip(1).map(|phase| phase.at_s).chain([f64::INFINITY]);
    let lasting = phases.iter().zip(next_s).filter(|(phase, next_s)| next_s - phase.at_s > 1.0);
    let rates = lasting.filter_map(|(phase, _)| phase.rate_per_s);
    rates.fold(entry.manifest.load.rate_per_s, f64::max)
}

/// The load of the one that needs more; a canary's share is of its own incident's load.
fn rate_per_s(first: &CatalogueEntry, second: &CatalogueEntry) -> f64 {
    let (own, other) = (first.manifest.load.rate_per_s, highest_rate_per_s(second));
    if first.manifest.instances > 1 { own } else { own.max(other) }
}

/// Pairs of which the first keeps the requests out before they reach the second one's code: its delayed requests hold
/// all eight connections, or it works on so few requests at once that none of them waits further inside, or it gives up the calls first,
/// or it brings a faster database.
const KEEPS_OUT: [(&str, &str); 15] = [
    ("hot-resource", "autoscale-on-cpu"),
    ("chaos-left-on", "autoscale-on-cpu"),
    ("chaos-left-on", "perfect-storm"),
    ("hot-resource", "perfect-storm"),
    ("one-switch", "perfect-storm"),
    ("no-circuit-breaker", "fixed-timeout"),
    ("chaos-left-on", "noisy-neighbour"),
    ("chaos-left-on", "hot-resource"),
    ("unbounded-queue", "hot-resource"),
    ("no-priority", "hot-resource"),
    ("noisy-neighbour", "hot-resource"),
    ("no-circuit-breaker", "hot-resource"),
    ("chaos-left-on", "unbounded-queue"),
    ("chaos-left-on", "no-priority"),
    ("chaos-left-on", "no-circuit-breaker"),
];

/// Returns true if one incident of a pair keeps the other one's requests out.
fn keeps_out(other: &CatalogueEntry, own: &CatalogueEntry) -> bool {
    KEEPS_OUT.contains(&(&*other.manifest.id, &*own.manifest.id))
}

/// Returns true if the load of one instance of the first incident's lane is enough for the second one's bug.
fn can_show(second: &CatalogueEntry, first: &CatalogueEntry) -> bool {
    let mut values = second.manifest.formula_values();
    let rate_per_s = rate_per_s(first, second) / first.manifest.instances as f64;
    values.insert("rate_per_s".to_owned(), rate_per_s);
    // The phases of the second one are not in the run.
    let is_raised = highest_rate_per_s(second) > second.manifest.load.rate_per_s;
    if is_raised && rate_per_s < highest_rate_per_s(second) {
        return false;
    }
    let overload = second.manifest.overload.as_ref();
    overload.is_none_or(|overload| overload.eval(&values).is_ok_and(|value| value > 0.0))
}

/// A bug may take this long to show in a process: what was read at its start has to get old, for example.
const LONG_S: f64 = 6.0;

/// Seconds that the longest of a lane's processes lived from its first exit on; without end where none ended.
fn lives_s(timeline: &Timeline) -> f64 {
    let lane = &timeline.lanes[0];
    let ended = |from_s: f64| {
        let exits = lane.exits.iter().map(|exit| exit.at_ms as f64 / 1000.0);
        exits.filter(|at_s| *at_s > from_s).fold(timeline.end_s, f64::min)
    };
    let lives = lane.restarts.iter().map(|from_s| ended(*from_s) - from_s);
    if lane.exits.is_empty() { f64::INFINITY } else { lives.fold(0.0, f64::max) }
}

async fn play(spec: Spec) -> Timeline {
    let mut timeline = Timeline::new(&spec.case.entry.manifest, &spec.case.plan.variants);
    let mut run = Run::start(spec).expect("it starts");
    while let Some(event) = run.events.recv().await {
        timeline.push(&event);
    }
    run.ended().await.expect("it ends well");
    timeline
}

/// Seconds after the release of the first one at which the second bug is switched on.
fn switched_s(first: &CatalogueEntry) -> f64 {
    let steered = first.variant("broken").is_some_and(|variant| variant.steer.is_some());
    // A canary that fails for another reason is taken back: it must be through by then.
    if steered { 5.0 } else { 0.0 }
}

/// A run of the first incident's broken variant, in which the second one's bug is switched on.
fn both(first: &CatalogueEntry, second: &CatalogueEntry) -> Spec {
    let mut spec = spec(&first.manifest.id, &["broken"]);
    spec.case.plan.clock = Clock::Virtual;
    spec.case.plan.rate_per_s = rate_per_s(first, second);
    spec.case.plan.set_duration(Duration::from_secs_f64(
        first.manifest.release_s() + switched_s(first) + 12.0,
    ));
    let (incident, variant) = (second.manifest.id.clone(), Some("broken".to_owned()));
    let at_ms = ((first.manifest.release_s() + switched_s(first)) * 1000.0) as u64;
    spec.pacing.controls = vec![(at_ms, Control::SetBug { lane: 0, incident, variant })];
    spec
}

#[tokio::test]
async fn both_bugs_of_every_pair_bite() {
    let entries = &catalogue().entries;
    let (mut pairs, mut exempt, mut clashes, mut hidden) = (0, vec![], vec![], vec![]);
    for first in entries {
        for second in entries.iter().filter(|second| second.manifest.id != first.manifest.id) {
            let name = format!("{} with {}", first.manifest.id, second.manifest.id);
            let in_play = [first, second].map(|e| (e.manifest.id.clone(), "broken".to_owned()));
            if let Err(clash) = catalogue().chain(base_chain(), &in_play.into()) {
                clashes.push(clash.to_string());
                continue;
            }
            let timeline = play(both(first, second)).await;
            let shown = [(first, second, true), (second, first, can_show(second, first))];
            let asked = shown.into_iter().filter(|(entry, other, _)| !keeps_out(other, entry));
            for (entry, _, can) in asked {
                let (seen, above) = (bitten(entry, &timeline), entry.manifest.bite.above);
                if seen > above {
                    continue;
                }
                if can && lives_s(&timeline) >= LONG_S {
                    hidden.push(format!("{name}: {} does not show: {seen}", entry.manifest.id));
                }
                exempt.push(format!("{name}: {}", entry.manifest.id));
            }
            pairs += 1;
        }
    }
    assert!(hidden.is_empty(), "{hidden:#?}");
    assert!(pairs > clashes.len(), "{clashes:?}");
    // An instance of the canary's five gets a fifth of the load, one of the two that are scaled a half, and a process that crashes again and again lives for
    // a moment only: whatever takes time or load to show is not asked for there.
    let excused = |name: &&String| {
        [
            "canary-too-small with",
            "autoscale-on-cpu with",
            "missing-recover with",
            "with missing-recover",
        ]
        .iter()
        .any(|why| name.contains(why))
    };
    assert!(exempt.iter().all(|name| excused(&name)), "asked nothing: {exempt:#?}");
    // One carries the other's code: that they cannot be on together is said with both names.
    for clash in &clashes {
        assert!(clash.contains("cannot be on together"), "{clash}");
    }
}

#[tokio::test]
async fn by_its_measure_a_bug_shows_and_its_fix_does_not() {
    for entry in &catalogue().entries {
        for (variant, shows) in [("broken", true), ("fixed", false)] {
            let seconds = entry.manifest.release_s() + 10.0;
            let spec = planned(spec(&entry.manifest.id, &[variant]), |plan| {
                plan.clock = Clock::Virtual;
                plan.set_duration(Duration::from_secs_f64(seconds));
            });
            let timeline = play(spec).await;
            let (seen, above) = (bitten(entry, &timeline), entry.manifest.bite.above);
            assert_eq!(seen > above, shows, "{}={variant}: {seen}", entry.manifest.id);
        }
    }
}
