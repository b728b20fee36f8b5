//! The virtual clock: the same bytes each time, and the same behaviour as live.

use std::fs;
use std::path::Path;

use firedrill::run::{Control, Run, Spec};
use firedrill_core::event::{Clock, Event, EventKind, ExitCause, LoadTick};
use firedrill_core::incident::traffic::Arrivals;
use serde_json::Value;

use crate::common::{catalogue, firedrill, planned, script, spec};

/// The events of a virtual run of this many seconds.
pub async fn play(spec: Spec, seconds: u64) -> Vec<Event> {
    let duration = std::time::Duration::from_secs(seconds);
    let spec = planned(spec, |plan| {
        plan.clock = Clock::Virtual;
        plan.set_duration(duration);
    });
    let mut run = Run::start(spec).expect("it starts");
    let mut events = Vec::new();
    while let Some(event) = run.events.recv().await {
        events.push(event);
    }
    run.ended().await.expect("it ends well");
    events
}

fn times(events: &[Event], lane: usize, wanted: impl Fn(&EventKind) -> bool) -> Vec<u64> {
    let of_lane = events.iter().filter(|event| event.lane == Some(lane) && wanted(&event.what));
    of_lane.map(|event| event.at_ms).collect()
}

fn loads(events: &[Event], lane: usize) -> Vec<(u64, LoadTick)> {
    let of_lane = events.iter().filter(|event| event.lane == Some(lane));
    of_lane
        .filter_map(|event| match &event.what {
            EventKind::Sample(sample) => Some((event.at_ms, sample.load.clone())),
            _ => None,
        })
        .collect()
}

/// JSON and recording of a virtual run, started in `folder`.
fn bytes(id: &str, folder: &Path, seed: &str) -> (Vec<u8>, Vec<u8>) {
    let names = catalogue().find(id).expect("known").incident.variants.iter().map(|v| v.name);
    let variants = names.take(4).collect::<Vec<_>>().join(",");
    let output = firedrill(&["run", id, "--clock", "virtual", "--for", "20s", "--json"])
        .args(["--seed", seed, "--variants", &variants, "--record", "run.jsonl"])
        .current_dir(folder)
        .env("A_LONGER_ENVIRONMENT", folder)
        .output()
        .expect("it starts");
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.stdout, fs::read(folder.join("run.jsonl")).expect("it is recorded"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_wherever_it_runs() {
    for id in catalogue().ids() {
        let (here, there) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
        let deep = there.path().join("deep/er");
        fs::create_dir_all(&deep).expect("writable");
        let first = bytes(id, here.path(), "7");
        assert!(first == bytes(id, &deep, "7"), "{id}: two runs of one seed differ");
        let other = bytes(id, here.path(), "8");
        assert!(first.1 != other.1, "{id}: the seed is in the recording");
        if catalogue().find(id).expect("known").manifest.load.arrivals == Arrivals::Poisson {
            assert!(first.0 != other.0, "{id}: another seed, other arrivals");
        }
    }
}

/// Instances come and go: none of their requests is lost from the count.
#[tokio::test]
async fn requests_of_instances_that_are_removed_are_counted() {
    let events = play(spec("autoscale-on-cpu", &["flapping"]), 12).await;
    let scaled = times(&events, 0, |what| matches!(what, EventKind::Scale { instances: 2 }));
    assert!(!scaled.is_empty(), "an instance was removed");
    let mut sum = LoadTick::default();
    for (_, tick) in loads(&events, 0) {
        sum.add(tick);
    }
    assert_eq!(sum.sent, sum.outcomes.all());
    assert!(sum.outcomes.failed > 0, "those that were in it have failed");
}

#[test]
fn its_report_adds_up_and_names_the_clock() {
    let output = firedrill(&["run", "pool-leak", "--clock", "virtual", "--json"]).output();
    let output = output.expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["clock"], &report["trusted"]), (&Value::from("virtual"), &true.into()));
    assert!(report["driver_lag_ms"]["p99"].is_null(), "nothing drives but time itself");
    assert_eq!(output.status.code(), Some(0));
    for lane in report["lanes"].as_array().expect("a list") {
        let count = |name: &str| lane["requests"][name].as_u64().expect("a count");
        let outcomes = ["ok", "rejected", "failed", "timed_out", "unfinished"];
        assert_eq!(outcomes.map(count).iter().sum::<u64>(), count("sent"), "{}", lane["requests"]);
    }
}

#[tokio::test]
async fn at_the_memory_cap_a_lane_is_killed_and_comes_back_after_its_back_off() {
    let spec = spec("unbuffered-log-channel", &["broken"]);
    let cap = spec.case.entry.manifest.memory.cap_bytes();
    let events = play(planned(spec, |plan| plan.rate_per_s = 1000.0), 30).await;
    let killed = events.iter().find_map(|event| match &event.what {
        EventKind::Exit { cause: ExitCause::OutOfMemory { resident_bytes, cap_bytes }, .. } => {
            Some((event.at_ms, *resident_bytes, *cap_bytes))
        }
        _ => None,
    });
    let (at_ms, resident_bytes, cap_bytes) = killed.expect("it grows to the cap");
    assert_eq!(cap_bytes, cap);
    // Looked at more often than each tick, in which a thousand requests a second take some three MiB.
    assert!((cap..cap + cap / 100).contains(&resident_bytes), "{resident_bytes}");
    let starts = times(&events, 0, |what| matches!(what, EventKind::Starting { .. }));
    assert_eq!(starts[..2], [0, at_ms + 500]);
    // Nobody serves meanwhile: what is sent then fails at once.
    let down: Vec<LoadTick> = loads(&events, 0)
        .into_iter()
        .filter(|(ms, _)| (at_ms + 101..=at_ms + 500).contains(ms))
        .map(|(_, load)| load)
        .collect();
    assert_eq!(down.len(), 4);
    assert!(down.iter().all(|load| load.sent == 100 && load.outcomes.failed == 100), "{down:?}");
    // And the process that comes back is clean.
    let clean = events.iter().find_map(|event| match &event.what {
        EventKind::Sample(sample) if event.at_ms > starts[1] => sample.resident_bytes,
        _ => None,
    });
    assert!(clean < Some(cap / 4), "{clean:?}");
}

#[tokio::test]
async fn a_panic_follows_the_rule_of_its_variant() {
    let events = play(spec("missing-recover", &["broken", "rust", "fixed"]), 20).await;
    let crashes =
        |lane| times(&events, lane, |what| matches!(what, EventKind::Exit { code: Some(2), .. }));
    assert!(crashes(0).len() > 2, "{:?}", crashes(0));
    assert_eq!((crashes(1).len(), crashes(2).len()), (0, 0));
    let waits: Vec<u64> = events
        .iter()
        .filter_map(|event| match event.what {
            EventKind::Restart { after_ms, .. } => Some(after_ms),
            _ => None,
        })
        .collect();
    assert!(waits.starts_with(&[500, 1000, 2000]), "{waits:?}");
    let panics = events.iter().filter_map(|event| match &event.what {
        EventKind::Log { line } if event.lane == Some(0) => Some(line.as_str()),
        _ => None,
    });
    let panics: Vec<&str> = panics.filter(|line| line.starts_with("panicked at")).collect();
    assert!(
        panics.iter().any(|line| line.contains("incidents/missing_recover/shared.rs")),
        "{panics:?}"
    );
}

#[tokio::test]
async fn a_client_that_gives_up_cancels_what_is_not_detached() {
    let events = play(spec("unbuffered-log-channel", &["broken", "cancelled"]), 12).await;
    let tasks = |lane: usize| {
        let samples = events.iter().filter(move |event| event.lane == Some(lane));
        samples.filter_map(|event| match &event.what {
            EventKind::Sample(sample) => sample.server.as_ref().map(|server| server.tasks),
            _ => None,
        })
    };
    assert!(tasks(0).max() > Some(1500));
    assert!(tasks(1).max() < Some(20));
    let timed_out =
        |lane| loads(&events, lane).iter().map(|(_, load)| load.outcomes.timed_out).sum::<u64>();
    assert!(timed_out(0) > 1000 && timed_out(1) > 1000);
}

#[tokio::test]
async fn commands_take_effect_at_their_time() {
    let mut spec = spec("unbuffered-log-channel", &["broken", "fixed"]);
    let incident = spec.case.entry.manifest.id.clone();
    spec.pacing.controls = vec![
        (5_000, Control::SetBug { lane: 0, incident: incident.clone(), variant: None }),
        (6_000, Control::SetRate(400.0)),
        (7_000, Control::Restart { lane: 0, console: false }),
    ];
    let events = play(spec, 10).await;
    let off = events.iter().find(|e| matches!(&e.what, EventKind::Bug { variant: None, .. }));
    assert_eq!(off.map(|event| (event.at_ms, event.lane)), Some((5_000, Some(0))));
    let sent: Vec<u64> = loads(&events, 1).iter().map(|(_, load)| load.sent).collect();
    assert_eq!((sent[50], sent[70]), (20, 40), "200 and 400 requests a second");
    let starts = times(&events, 0, |what| matches!(what, EventKind::Starting { .. }));
    assert_eq!(starts, [0, 7_000]);
    // Both lanes get the same arrivals, and time never goes back.
    let sent_to = |lane| loads(&events, lane).into_iter().map(|(ms, load)| (ms, load.sent));
    assert!(sent_to(0).eq(sent_to(1)));
    assert!(events.is_sorted_by_key(|event| event.at_ms));
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_stands_still_is_named() {
    let folder = tempfile::tempdir().expect("writable");
    let mute = script(&folder, "exec cat > /dev/null");
    let mut spec = planned(spec("pool-leak", &["broken"]), |plan| plan.clock = Clock::Virtual);
    spec.venue.program = mute;
    let mut run = Run::start(spec).expect("it starts");
    assert!(run.events.recv().await.is_none(), "it says nothing");
    let why = run.ended().await.expect_err("it stands still").to_string();
    assert!(why.contains("lane `broken` has stood still at 0 s of virtual time"), "{why}");
}

#[tokio::test]
async fn there_is_a_sample_each_tick_whatever_the_rate() {
    for rate_per_s in [1.0, 200.0, 333.0, 2000.0, 5000.0] {
        let spec = spec("middleware-order", &["fixed"]);
        let events = play(planned(spec, |plan| plan.rate_per_s = rate_per_s), 3).await;
        let at_ms: Vec<u64> = loads(&events, 0).into_iter().map(|(at_ms, _)| at_ms).collect();
        // One more at the end, which accounts for what is unfinished.
        let expected: Vec<u64> = (1..=30).chain([30]).map(|tick| tick * 100).collect();
        assert_eq!(at_ms, expected, "{rate_per_s} a second");
        let sent: u64 = loads(&events, 0).iter().map(|(_, load)| load.sent).sum();
        let wanted = rate_per_s * 3.0;
        assert!((sent as f64 - wanted).abs() <= 4.0 * wanted.sqrt() + 1.0, "{sent} of {wanted}");
    }
}
