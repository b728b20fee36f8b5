//! Exercises: what is given out fails; ours and another solution hold; half-fixes are known; cheats fail.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use firedrill::exercise::judge::{Judged, judge};
use firedrill::exercise::trial::{Yours, draw};
use firedrill_core::incident::exercise::YOURS;

use crate::common::{catalogue, program};

/// Trials beside the one with the lab's own numbers.
const DRAWN: usize = 3;

/// A learner's program in one of its forms, as the example `learner` has them.
fn learner(folder: &Path, form: &str) -> PathBuf {
    /// Built once; a run of the tests that names one of them does not build examples.
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--example", "learner"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("there is a cargo").success());
        let name = format!("learner{}", std::env::consts::EXE_SUFFIX);
        program().with_file_name("examples").join(name)
    });
    let suffix = std::env::consts::EXE_SUFFIX;
    let program = folder.join(format!("{form}{suffix}"));
    // A copy could be busy: another test's child may hold it open while it is written.
    std::fs::hard_link(&*BUILT, &program).expect("it has been built");
    program
}

/// The verdict on a form, under trials of this seed.
async fn judged(incident: &str, form: &str, seed: u64) -> Judged {
    let entry = catalogue().find(incident).expect("the incident is known");
    let exercise = entry.manifest.exercise.as_ref().expect("it has an exercise");
    let built = program().parent().map(Path::to_owned).expect("it stands in a folder");
    let folder = tempfile::tempdir_in(built).expect("writable");
    let form = learner(folder.path(), &format!("{}.{form}", incident.replace('-', "_")));
    let trials = draw(entry, exercise, DRAWN, seed);
    let yours = Yours { variant: YOURS, program: Some(&form), ours: Some(&program()) };
    judge(catalogue(), entry, exercise, yours, &trials).await.expect("the exercise is in order")
}

/// The word on the half-fix that a form was taken for.
fn known(judged: &Judged) -> String {
    match judged {
        Judged::Fails { half_fix: Some(half), .. } => half.says.clone(),
        other => panic!("it was taken for no half-fix: {other:?}"),
    }
}

/// The claims that a form failed.
fn failed(judged: &Judged) -> Vec<&str> {
    match judged {
        Judged::Fails { checks, .. } => {
            let failed = checks.iter().filter(|check| !check.holds);
            failed.map(|check| check.metric.as_str()).collect()
        }
        other => panic!("it was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_solution_that_is_written_otherwise_holds() {
    for entry in &catalogue().entries {
        let id = &entry.manifest.id;
        let judged = judged(id, "another", 1).await;
        assert!(matches!(judged, Judged::Holds { .. }), "{id}: {judged:?}");
    }
}

#[tokio::test]
async fn code_that_cheats_is_refused() {
    for (incident, form, claim) in [
        ("unbuffered-log-channel", "answers", "store_commands"),
        ("unbuffered-log-channel", "metric_off", "tasks"),
        ("unbuffered-log-channel", "sleeps", "p99_ms"),
        ("unbuffered-log-channel", "watches", "p99_ms"),
        ("pool-leak", "answers", "store_commands"),
        ("metric-cardinality", "metric_off", "monitored_started"),
        ("middleware-order", "no_log", "log_accepted_lines"),
        ("missing-recover", "no_job", "receipts_mailed"),
        ("canary-too-small", "stays", "log_lines_written"),
        ("canary-too-small", "back", "log_lines_written"),
        ("missing-recover", "well", "failed_percent"),
        ("unbuffered-log-channel", "brief", "p50_ms"),
        ("canary-too-small", "never", "log_lines_written"),
        ("context-key-clash", "nobody", "context_account_calls"),
        ("one-switch", "none", "reports_started"),
        ("open-by-default", "closed", "admin_pages"),
        ("silent-log", "unasked", "store_commands"),
        ("version-skew", "refuses", "versions_refused"),
        ("expired-certificate", "long", "certificate_left_s"),
        ("chaos-left-on", "off", "faults_delayed"),
    ] {
        let judged = judged(incident, form, 1).await;
        assert!(failed(&judged).contains(&claim), "{incident}, {form}: {judged:?}");
    }
}

#[tokio::test]
async fn a_half_fix_that_no_variant_has_is_known_by_what_it_does() {
    for (incident, form, says) in [
        ("unbuffered-log-channel", "smaller", "This delays it by 1."),
        ("unbuffered-log-channel", "unbounded", "Nobody waits and no line was given up"),
        ("unbuffered-log-channel", "uncounted", "But nothing counts them"),
        ("unbuffered-log-channel", "spawned", "a task does, for each line"),
        ("unbuffered-log-channel", "brief", "a wait with an end is still a wait"),
        ("retry-storm", "once", "The storm is smaller"),
        ("pool-leak", "renewed", "new ones took their places"),
        ("canary-too-small", "half", "It is taken back, but late"),
        ("metric-cardinality", "shorter", "This makes it slower"),
        ("retry-storm", "never", "No call is tried again any more"),
        ("context-key-clash", "no_account", "in the name of the group's account"),
        ("one-switch", "limited", "Reports are limited now"),
        ("open-by-default", "uncounted", "is not counted"),
        ("silent-log", "each", "second outage"),
        ("version-skew", "pins", "nobody hears of it"),
        ("silent-log", "quiet", "No connection is lost, and nobody knows"),
    ] {
        let judged = judged(incident, form, 1).await;
        assert!(known(&judged).contains(says), "{incident}, {form}: {judged:?}");
    }
}
