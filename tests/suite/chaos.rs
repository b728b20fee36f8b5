//! Faults on purpose: what they do to a lane, and what is told of its stability.

use firedrill::commands::run::measure;
use firedrill_core::event::Clock;
use firedrill_core::experiment::{Experiment, Faults};
use firedrill_core::stability::{Amounts, Stability};

use crate::common::{planned, spec};

/// Returns the stability of lanes under these faults, from 5 s to 8 s of a run of 18 s.
async fn stability(variants: &[&str], fault: &str) -> Stability {
    let faults: Faults = fault.parse().expect("a fault");
    let spec = planned(spec("pool-leak", variants), |plan| {
        plan.clock = Clock::Virtual;
        plan.set_duration(std::time::Duration::from_secs(18));
        plan.experiment = Some(Experiment { faults, from_s: 5.0, to_s: 8.0 });
        plan.params = [("store_error_percent".to_owned(), 0.0)].into();
    });
    let ended = measure(spec, None).await.expect("it runs");
    ended.report.stability.expect("faults were injected")
}

#[tokio::test]
async fn what_is_injected_shows_while_it_lasts_and_not_after() {
    let told = stability(&["fixed"], "error=503@30%").await;
    assert_eq!(told.faults_s, (5.0, 8.0));
    let lane = &told.lanes[0];
    let percent = |window: &firedrill_core::stability::Window| window.ok_percent.expect("answers");
    assert!(percent(&lane.before) > 99.0 && percent(&lane.after) > 99.0, "{lane:?}");
    assert!((60.0..80.0).contains(&percent(&lane.during)), "{lane:?}");
    assert_eq!(lane.verdict, Amounts::Recovers, "{lane:?}");
}

#[tokio::test]
async fn few_that_are_held_up_leave_a_lane_steady_and_marks_are_heeded() {
    let marked = stability(&["fixed"], "latency=1s@100%,marked").await;
    assert_eq!(marked.faults, ["latency=1000..1000ms@100%,marked"]);
    let lane = &marked.lanes[0];
    assert_eq!((lane.hit, lane.verdict), (0, Amounts::NothingHit), "none of this load is marked");
    let spared = stability(&["fixed"], "latency=900ms@100%,most=1").await;
    let p99_ms = spared.lanes[0].during.p99_ms.expect("answers");
    assert!(spared.lanes[0].during.ok_percent.expect("answers") > 99.0 && p99_ms < 1000.0);
}

#[tokio::test]
async fn errors_that_are_there_anyhow_are_no_late_recovery() {
    for seed in 1..=4 {
        let faults = "error=503@20%".parse().expect("a fault");
        let spec = planned(spec("pool-leak", &["fixed"]), |plan| {
            plan.clock = Clock::Virtual;
            plan.experiment = Some(Experiment { faults, from_s: 8.0, to_s: 13.0 });
            plan.set_duration(std::time::Duration::from_secs(30));
            plan.seed = seed;
        });
        let told = measure(spec, None).await.expect("it runs").report.stability.expect("injected");
        assert_eq!(told.lanes[0].verdict, Amounts::Recovers, "seed {seed}: {:?}", told.lanes[0]);
    }
}

#[tokio::test]
async fn a_lane_that_was_broken_before_has_no_steady_state() {
    let faults = "error=500@10%".parse().expect("a fault");
    let spec = planned(spec("pool-leak", &["broken", "fixed"]), |plan| {
        plan.clock = Clock::Virtual;
        plan.experiment = Some(Experiment { faults, from_s: 12.0, to_s: 14.0 });
        plan.set_duration(std::time::Duration::from_secs(20));
    });
    let told = measure(spec, None).await.expect("it runs").report.stability.expect("injected");
    assert_eq!(told.lanes[0].verdict, Amounts::NoSteadyState);
    assert_ne!(told.lanes[1].verdict, Amounts::NoSteadyState);
}

/// A third of these requests is refused, as is meant.
#[tokio::test]
async fn who_is_refused_as_is_meant_is_part_of_the_steady_state() {
    for (fault, wanted) in
        [("error=503@20%", Amounts::Recovers), ("error=403@30%", Amounts::Recovers)]
    {
        let spec = planned(spec("one-switch", &["fixed"]), |plan| {
            plan.clock = Clock::Virtual;
            plan.experiment = Some(Experiment {
                faults: fault.parse().expect("a fault"),
                from_s: 8.0,
                to_s: 13.0,
            });
            plan.set_duration(std::time::Duration::from_secs(25));
        });
        let told = measure(spec, None).await.expect("it runs").report.stability.expect("injected");
        let lane = &told.lanes[0];
        assert!(lane.before.ok_percent < Some(90.0) && lane.hit > 50, "{lane:?}");
        assert_eq!(lane.verdict, wanted, "{lane:?}");
    }
}
