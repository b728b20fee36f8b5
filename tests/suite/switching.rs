//! Bugs, switched while the servers run.

use firedrill::run::{Control, Run};
use firedrill_core::event::{Event, EventKind, Sample};

use crate::common::{spec, until};

fn sample(event: &Event) -> Option<&Sample> {
    match &event.what {
        EventKind::Sample(sample) => Some(sample),
        _ => None,
    }
}

fn waiting(event: &Event) -> u64 {
    let server = sample(event).and_then(|sample| sample.server.as_ref());
    server.map_or(0, |server| server.wait_sites.iter().map(|site| site.waiting).sum())
}

async fn set(run: &Run, incident: &str, variant: Option<&str>) {
    let control = Control::SetBug {
        lane: 0,
        incident: incident.to_owned(),
        variant: variant.map(str::to_owned),
    };
    run.control.send(control).await.expect("it listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_a_bug_off_does_not_free_what_leaked_and_a_restart_does() {
    let mut spec = spec("unbuffered-log-channel", &["fixed"]);
    // Slow from the beginning, and throughout: what is asked for wins over the script.
    spec.case.plan.params.insert("log_write_ms".to_owned(), 100.0);
    let mut run = Run::start(spec).expect("it starts");
    until(&mut run, |event| sample(event).is_some_and(|sample| sample.load.outcomes.ok > 0)).await;
    set(&run, "unbuffered-log-channel", Some("broken")).await;
    until(&mut run, |event| waiting(event) > 300).await;

    set(&run, "unbuffered-log-channel", None).await;
    until(&mut run, |event| matches!(event.what, EventKind::Bug { variant: None, .. })).await;
    // New requests take the fixed chain and succeed, while the old ones are still stuck.
    let seen = until(&mut run, |e| {
        sample(e).is_some_and(|s| s.load.outcomes.ok > 10 && s.load.outcomes.timed_out == 0)
    });
    let stuck = seen.await.last().map(waiting);
    assert!(stuck > Some(200), "{stuck:?}");

    run.control.send(Control::Restart { lane: 0, console: false }).await.expect("it listens");
    until(&mut run, |event| matches!(event.what, EventKind::Ready(_))).await;
    let seen = until(&mut run, |e| {
        sample(e).is_some_and(|s| s.server.is_some() && s.load.outcomes.ok > 10)
    });
    assert_eq!(seen.await.last().map(waiting), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_of_another_incident_meets_that_incidents_traffic() {
    let mut run = Run::start(spec("unbuffered-log-channel", &["fixed"])).expect("it starts");
    until(&mut run, |event| sample(event).is_some_and(|sample| sample.load.outcomes.ok > 0)).await;
    set(&run, "pool-leak", Some("broken")).await;
    set(&run, "middleware-order", Some("broken")).await;
    let both = |sample: &Sample| {
        let Some(server) = &sample.server else {
            return false;
        };
        let metric = |name: &str| server.metrics.get(name).copied().unwrap_or_default();
        metric("log_secrets") > 0.0 && metric("pool_waiting") > 10.0
    };
    let seen = until(&mut run, |event| sample(event).is_some_and(both)).await;
    let joined = |event: &&Event| matches!(&event.what, EventKind::Log { line } if line.contains("also gets the traffic"));
    assert_eq!(seen.iter().filter(joined).count(), 2);
}
