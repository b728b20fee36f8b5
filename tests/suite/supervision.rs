//! Children that die, hang, or speak nonsense.

use std::path::PathBuf;
use std::time::Duration;

use firedrill::run::{Control, Run};
use firedrill_core::event::{Event, EventKind, ExitCause, Ready};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{script, spec, until, wait_for};

fn exit(event: &Event) -> Option<(&ExitCause, Option<i32>)> {
    match &event.what {
        EventKind::Exit { cause, code, .. } if *cause != ExitCause::Stopped => Some((cause, *code)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_job_is_a_crash_loop_under_gos_rule() {
    let mut run = Run::start(spec("missing-recover", &["broken"])).expect("it starts");
    let mut crashes = 0;
    let seen = until(&mut run, |event| {
        if let Some((cause, code)) = exit(event) {
            assert_eq!((cause, code), (&ExitCause::Crashed, Some(2)));
            crashes += 1;
        }
        crashes == 2
    });
    let seen = seen.await;
    let waits: Vec<u64> = seen
        .iter()
        .filter_map(|event| match event.what {
            EventKind::Restart { after_ms, .. } => Some(after_ms),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [500], "the second restart comes after the second exit");
    let failed: u64 = seen
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Sample(sample) if sample.server.is_none() => {
                Some(sample.load.outcomes.failed)
            }
            _ => None,
        })
        .sum();
    assert!(failed > 10, "{failed} requests met nobody while the process was down");
}

async fn refused(text: &str) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut spec = spec("pool-leak", &["broken", "fixed"]);
    spec.venue.program = script(&directory, text);
    let mut run = Run::start(spec).expect("the parent starts");
    while run.events.recv().await.is_some() {}
    run.ended().await.expect_err("no lane serves").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_ends_is_quoted() {
    let said = refused("echo 'no licence found' >&2; exit 3").await;
    assert!(said.contains("did not start") && said.contains("exit status: 3"), "{said}");
    assert!(said.contains("no licence found"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_speaks_nonsense_is_quoted() {
    let said = refused("echo 'starting up' >&2; echo 'Hello, World'; exec sleep 60").await;
    assert!(said.contains("no event of a lane: \"Hello, World\""), "{said}");
    assert!(said.contains("starting up"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_its_lanes_start_waits_for_none_of_them() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut spec = spec("pool-leak", &["broken", "fixed"]);
    spec.venue.program = script(&directory, "read line; read until_closed; exit 0");
    let mut run = Run::start(spec).expect("the parent starts");
    run.control.send(Control::Stop).await.expect("it listens");
    while run.events.recv().await.is_some() {}
    // Else: not ready within 10s.
    run.ended().await.expect("it was told to stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_says_nothing_is_not_waited_for_for_ever() {
    let said = refused("echo 'waiting for a lock' >&2; exec sleep 60").await;
    assert!(said.contains("was not ready within 10s"), "{said}");
    assert!(said.contains("waiting for a lock"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_named() {
    let mut spec = spec("pool-leak", &["broken"]);
    spec.venue.program = PathBuf::from("/nowhere/firedrill");
    let mut run = Run::start(spec).expect("the parent starts");
    while run.events.recv().await.is_some() {}
    let said = run.ended().await.expect_err("no lane serves").to_string();
    assert!(said.contains("cannot start /nowhere/firedrill"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_said_to_and_does_not_outlive_the_run() {
    let mut run = Run::start(spec("middleware-order", &["fixed"])).expect("it starts");
    let seen = until(&mut run, |event| matches!(event.what, EventKind::Ready(_))).await;
    let Some(EventKind::Ready(Ready { pid: Some(pid), .. })) = seen.last().map(|event| &event.what)
    else {
        panic!()
    };
    let pid = Pid::from_raw(i32::try_from(*pid).expect("a process id"));
    until(&mut run, |e| matches!(&e.what, EventKind::Sample(s) if s.server.is_some())).await;
    kill(pid, Signal::SIGSTOP).expect("our child's child");
    let hangs = |event: &Event| matches!(&event.what, EventKind::Log { line } if line.contains("has not reported"));
    until(&mut run, hangs).await;
    run.control.send(Control::Stop).await.expect("it listens");
    run.ended().await.expect("a good end");
    wait_for("the child ends", Duration::from_secs(10), || kill(pid, None).is_err());
}

/// Returns the first exit of a lane served by such a program.
async fn first_end(text: &str, rate_per_s: f64) -> (ExitCause, Option<i32>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut spec = spec("unbuffered-log-channel", &["broken"]);
    spec.venue.program = script(&directory, text);
    spec.case.plan.rate_per_s = rate_per_s;
    let mut run = Run::start(spec).expect("the parent starts");
    let seen = until(&mut run, |event| exit(event).is_some()).await;
    let (cause, code) = seen.last().and_then(exit).expect("the last is the exit");
    (cause.clone(), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_a_dying_process_left_unfinished_does_not_hide_how_it_ended() {
    let ready = r#"echo '{"event":"ready","port":1,"pid":1}'; sleep 1"#;
    let torn = r#"printf '{"event":"server","tas'"#;
    let ended = first_end(&format!("{ready}; {torn}; exit 2"), 1.0).await;
    assert_eq!(ended, (ExitCause::Crashed, Some(2)));
    let whole = first_end(&format!("{ready}; {torn}; echo; sleep 60"), 1.0).await;
    assert!(matches!(whole.0, ExitCause::Refused { .. }), "{whole:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_the_childs_own_heap_limit_is_told_as_that() {
    let small = r#"sed -u 's/"heap_limit_bytes":[0-9]*/"heap_limit_bytes":9000000/'"#;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (program, fifo) = (crate::common::program(), folder.path().join("commands"));
    let (program, fifo) = (program.display(), fifo.display());
    let text = format!("mkfifo {fifo}; {small} <&3 >{fifo} & exec {program} child <{fifo}");
    let (cause, _) = first_end(&format!("exec 3<&0; {text}"), 1000.0).await;
    assert!(matches!(cause, ExitCause::HeapLimit { .. }), "{cause:?}");
    assert_eq!(cause.word(), "out_of_memory");
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_program_is_deleted_goes_on_with_the_same_build() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let copy = directory.path().join("firedrill");
    // Copied by another program: see `script`.
    let copied = std::process::Command::new("cp").arg(crate::common::program()).arg(&copy).status();
    assert!(copied.expect("there is a cp").success());
    let run = std::process::Command::new(&copy)
        .args(["run", "missing-recover", "--for", "9s", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("its lanes", Duration::from_secs(30), || {
        crate::common::children_of(run.id()).len() == 2
    });
    std::fs::remove_file(&copy).expect("it is there");
    let output = run.wait_with_output().expect("our child");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let broken = &report["lanes"][0];
    assert!(broken["restarts"].as_u64() >= Some(1), "{broken:#}");
    let causes = broken["exits"].as_array().expect("exits");
    assert!(causes.iter().all(|exit| exit["cause"] == "crashed"), "{causes:?}");
}
