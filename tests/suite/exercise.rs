//! Exercises: what is given out fails; ours and another solution hold; partial fixes are known; cheats fail.

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

/// The word on the partial fix that a form was taken for.
fn known(judged: &Judged) -> String {
    match judged {
        Judged::Fails { partial_fix: Some(half), .. } => half.says.clone(),
        other => panic!("it was taken for no partial fix: {other:?}"),
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

/// Our solution compiles in a learner's package: each file it uses is given out.
#[test]
fn our_solution_uses_only_files_that_are_given_out() {
    let mut used = 0;
    for id in catalogue().ids() {
        let entry = catalogue().find(id).expect("it is known");
        let Some(start) = &entry.incident.exercise else { continue };
        let source = |file: &str| catalogue().source(&format!("{}{file}", catalogue().root()));
        let folder = entry.incident.name();
        let fixed = source(&format!("{folder}/fixed.rs")).expect("it has a solution");
        for after in fixed.split("super::").skip(1) {
            let is_end = |c: char| !c.is_alphanumeric() && c != '_';
            let module = after.split(is_end).next().unwrap_or_default();
            let file = format!("{folder}/{module}.rs");
            // Other names are items of `fixed.rs` itself, in its modules.
            if source(&file).is_some() {
                used += 1;
                assert!(start.files.contains(&file.as_str()), "{folder}: {file} is not given out");
            }
        }
    }
    assert!(used > 0, "the solutions use no file: the test reads the wrong text");
}

/// A solution that is written otherwise than ours.
async fn another_holds(incident: &str) {
    let judged = judged(incident, "another", 1).await;
    assert!(matches!(judged, Judged::Holds { .. }), "{judged:?}");
}

mod another_solution_holds {
    each_incident!(super::another_holds);
}

async fn is_refused(incident: &str, form: &str, claim: &str) {
    let judged = judged(incident, form, 1).await;
    assert!(failed(&judged).contains(&claim), "{judged:?}");
}

async fn is_known(incident: &str, form: &str, says: &str) {
    let judged = judged(incident, form, 1).await;
    assert!(known(&judged).contains(says), "{judged:?}");
}

/// A test for each form of an incident, by both their names.
macro_rules! forms {
    ($check:path: $($incident:ident { $($form:ident $says:literal)* })*) => {
        $(mod $incident {
            $(#[tokio::test]
            async fn $form() {
                $check(&stringify!($incident).replace('_', "-"), stringify!($form), $says).await;
            })*
        })*
    };
}

/// Code that cheats, with the claim that it fails.
mod a_cheat_is_refused {
    forms! { super::super::is_refused:
        unbuffered_log_channel {
            answers "store_commands"
            metric_off "tasks"
            sleeps "p99_ms"
            watches "p99_ms"
            brief "p50_ms"
        }
        pool_leak {
            answers "store_commands"
            statement "pool_lost"
        }
        unbounded_queue {
            nobody "queue_served"
            patient "ok_per_s"
        }
        no_priority {
            only "ok_percent{kind=\"query\"}"
        }
        fixed_timeout {
            constant "ok_percent"
            generous "p99_ms"
        }
        hot_resource {
            few "ok_per_s{kind=\"sale\"}"
            named "ok_percent{kind=\"other\"}"
        }
        noisy_neighbour {
            named "ok_percent{kind=\"alpha\"}"
        }
        no_circuit_breaker {
            never "ok_percent{kind=\"order\"}"
            shorter "store_commands"
        }
        cache_avalanche {
            forever "articles_loaded"
            nothing "articles_loaded"
        }
        perfect_storm {
            forever "articles_loaded"
        }
        autoscale_on_cpu {
            eight "ok_percent"
        }
        metric_cardinality {
            metric_off "monitored_started"
        }
        middleware_order {
            no_log "log_accepted_lines"
        }
        missing_recover {
            no_job "receipts_mailed"
            well "failed_percent"
        }
        canary_too_small {
            stays "log_lines_written"
            back "log_lines_written"
            never "log_lines_written"
        }
        context_key_clash {
            nobody "context_account_calls"
        }
        one_switch {
            none "reports_started"
        }
        open_by_default {
            closed "admin_pages"
        }
        silent_log {
            unasked "store_commands"
        }
        version_skew {
            refuses "versions_refused"
        }
        expired_certificate {
            long "certificate_left_s"
        }
        chaos_left_on {
            off "faults_delayed"
        }
    }
}

/// A partial fix without a variant is recognized by its effect: with what is said of it.
mod a_partial_fix_is_known {
    forms! { super::super::is_known:
        unbuffered_log_channel {
            smaller "This delays the outage by 1."
            unbounded "No request waits and no line is dropped"
            uncounted "they are not counted"
            spawned "a task waits for each line"
            brief "A wait with a timeout is still a wait"
        }
        unbounded_queue {
            eager "No answer is late any more"
        }
        retry_storm {
            once "The storm is smaller"
            never "No call is retried any more"
        }
        pool_leak {
            renewed "replaced by new ones"
        }
        canary_too_small {
            half "It is rolled back, but late"
        }
        metric_cardinality {
            shorter "This makes it slower"
        }
        context_key_clash {
            no_account "queried with the group's account"
        }
        one_switch {
            limited "Reports are limited now"
        }
        open_by_default {
            uncounted "are not counted"
        }
        silent_log {
            each "second outage"
            quiet "the errors are not logged, or too late"
            late "the errors are not logged, or too late"
        }
        version_skew {
            pins "the refusal is not counted"
        }
    }
}
