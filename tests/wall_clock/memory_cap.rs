//! The memory cap of a live lane.

use firedrill::run::{Control, Run};
use firedrill_core::event::{Event, EventKind, ExitCause};

use crate::alone;
use crate::common::{spec, until};

fn exit(event: &Event) -> Option<(&ExitCause, Option<i32>)> {
    match &event.what {
        EventKind::Exit { cause, code, .. } if *cause != ExitCause::Stopped => Some((cause, *code)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_memory_cap_the_lane_is_killed_and_comes_back_clean() {
    let _alone = alone();
    let mut spec = spec("unbuffered-log-channel", &["broken"]);
    spec.case.plan.rate_per_s = 1000.0;
    let cap = spec.case.entry.manifest.memory.cap_bytes();
    let mut run = Run::start(spec).expect("it starts");
    let seen = until(&mut run, |event| exit(event).is_some()).await;
    let (cause, code) = seen.last().and_then(exit).expect("the last is the exit");
    let ExitCause::OutOfMemory { resident_bytes, cap_bytes } = cause else { panic!("{cause:?}") };
    assert_eq!((*cap_bytes, code), (cap, None));
    // Bounded: killed within a few ticks of reaching the cap.
    assert!((cap..cap * 2).contains(resident_bytes), "{resident_bytes}");

    let seen = until(&mut run, |event| matches!(event.what, EventKind::Ready(_))).await;
    assert!(seen.iter().any(|event| matches!(event.what, EventKind::Restart { count: 1, .. })));
    let seen =
        until(&mut run, |e| matches!(&e.what, EventKind::Sample(s) if s.resident_bytes.is_some()));
    let clean = seen.await;
    let Some(EventKind::Sample(sample)) = clean.last().map(|event| &event.what) else { panic!() };
    assert!(sample.resident_bytes < Some(cap / 2), "{:?}", sample.resident_bytes);
    run.control.send(Control::Stop).await.expect("it listens");
    run.ended().await.expect("a good end");
}
