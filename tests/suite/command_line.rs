//! Wrong command lines get a helpful message and exit status 2.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{catalogue, firedrill, program};
use crate::person::Person;

/// Returns the program's standard error and exit status.
fn said(arguments: &[&str]) -> (String, Option<i32>) {
    let output = firedrill(arguments).stdin(Stdio::null()).output().expect("it starts");
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

#[test]
fn the_nearest_name_is_suggested() {
    for (arguments, expected) in [
        (&["run", "pool-leek"][..], "unknown incident `pool-leek`; did you mean `pool-leak`?"),
        (&["lab", "missing-recovery"], "did you mean `missing-recover`?"),
        (
            &["run", "pool-leak", "--variants", "brokn"],
            "unknown variant `brokn`; did you mean `broken`?",
        ),
        (
            &["run", "pool-leak", "--set", "store_mss=3"],
            "unknown parameter `store_mss`; did you mean `store_ms`?",
        ),
        (
            &["serve", "--bugs", "midleware-order"],
            "unknown bug `midleware-order`; did you mean `middleware-order`?",
        ),
        (&["run", "zzz"], "there are: unbuffered-log-channel, "),
        (&["run", "pool-leak", "--sed", "3"], "--seed"),
        (&["lst"], "list"),
    ] {
        let (text, code) = said(arguments);
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert_eq!(code, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_value_out_of_range_is_told_its_range() {
    for (arguments, expected) in [
        (
            &["run", "pool-leak", "--set", "store_ms=0"][..],
            "`store_ms` = 0 is out of range: 1 to 500 ms",
        ),
        (&["run", "pool-leak", "--set", "store_ms"], "expected NAME=VALUE"),
        (&["run", "pool-leak", "--rate", "1e9"], "out of range: 1 to 5000 requests a second"),
        (&["run", "pool-leak", "--rate", "nan"], "out of range"),
        (&["run", "pool-leak", "--for", "9h"], "expected 1s to 1h"),
        (&["run", "pool-leak", "--variants", "broken,broken,broken,broken,fixed"], "one to four"),
        (&["run", "pool-leak", "--for", "soon"], "expected a time such as 20s"),
        (&["run", "pool-leak", "--rate", "abc"], "expected requests a second"),
        (&["serve", "--bugs", "pool-leak="], "expected ID or ID=VARIANT"),
        (&["serve", "--set", "store_ms=-1"], "out of range: 0 to 60000 ms"),
        (&["serve", "--without", "recove"], "unknown slot `recove`; did you mean `recover`?"),
        (
            &["serve", "--bugs", "unbuffered-log-channel,canary-too-small"],
            "unbuffered-log-channel and canary-too-small cannot be on together: both claim the \
             `log` slot",
        ),
        (
            &["run", "pool-leak", "--for", "8s", "--chaos", "error=500@5%"],
            "the faults would begin after 8 s, and the run ends after 8 s",
        ),
        (&["picture", "pool-leak", "--size", "10x10"], "from 80x24 to 400x200"),
    ] {
        let (text, code) = said(arguments);
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert_eq!(code, Some(2), "{arguments:?}");
    }
}

#[test]
fn without_a_terminal_the_lab_names_what_works() {
    for arguments in [&[][..], &["lab", "pool-leak"]] {
        let (text, code) = said(arguments);
        assert!(text.contains("needs a terminal") && text.contains("firedrill run"), "{text}");
        assert_eq!(code, Some(2));
    }
}

#[test]
fn a_terminal_that_cannot_draw_gets_no_escape_sequences() {
    let mut command = portable_pty::CommandBuilder::new("env");
    command.arg("TERM=dumb");
    command.arg(program());
    command.args(["lab", "pool-leak"]);
    let mut person = Person::watches(command);
    person.sees("TERM=dumb");
    assert!(person.text().contains("firedrill run"), "{}", person.text());
    assert!(!person.screen.screen().alternate_screen());
    assert_eq!(person.leaves(), 2);
}

#[test]
fn the_catalogue_is_listed_for_people_and_programs() {
    let output = firedrill(&["list", "--json"]).output().expect("it starts");
    let list: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ids: Vec<&str> =
        list.as_array().expect("a list").iter().filter_map(|e| e["id"].as_str()).collect();
    let known: Vec<&str> = catalogue().ids().collect();
    assert_eq!(ids, known);
    let output = firedrill(&["list"]).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(ids.iter().all(|id| text.contains(id)), "{text}");

    let of = |symptom: &str| {
        let output = firedrill(&["list", "--json", "--symptom", symptom]).output();
        let list: Value = serde_json::from_slice(&output.expect("it starts").stdout).expect("JSON");
        let entries = list.as_array().expect("a list").clone();
        let words = entries.iter().filter_map(|entry| entry["symptom"].as_str());
        assert!(words.clone().count() > 0 && words.clone().all(|word| word.starts_with(symptom)));
        entries.len()
    };
    let all: usize = ["slow", "down", "wrong", "leak", "security"].into_iter().map(of).sum();
    assert_eq!(all, known.len());
    let refused = firedrill(&["list", "--symptom", "slwo"]).output().expect("it starts");
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("slow, down, wrong, leak, security") && refused.status.code() == Some(2));
}

#[test]
fn doctor_man_and_completions_speak() {
    for (arguments, expected) in [
        (&["doctor"][..], "open files"),
        (&["man"], ".TH firedrill"),
        (&["completions", "bash"], "_firedrill"),
        (&["completions", "zsh"], "#compdef firedrill"),
        (&["--help"], "Learn outages by running them"),
    ] {
        let output = firedrill(arguments).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_new_incident_begins_as_a_copy_under_its_own_name() {
    let tree = tempfile::tempdir().expect("writable");
    let new = |id: &str| {
        let mut command = firedrill(&["new", id, "--like", "pool-leak"]);
        command.current_dir(tree.path()).output().expect("it starts")
    };
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said(&new("slow-disk")).contains("run this at the root of the workspace"));
    std::fs::create_dir(tree.path().join("incidents")).expect("writable");
    std::fs::write(tree.path().join("incidents/lib.rs"), "").expect("writable");
    assert!(said(&new("Slow Disk")).contains("expected lower-case words"));
    let output = new("slow-disk");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("&slow_disk::INCIDENT,"), "{text}");
    let folder = tree.path().join("incidents/slow_disk");
    let manifest = std::fs::read_to_string(folder.join("incident.toml")).expect("it is there");
    assert!(manifest.starts_with("id = \"slow-disk\"\ntitle = \"Slow disk\"\n"), "{manifest}");
    assert!(folder.join("broken.rs").is_file() && folder.join("mod.rs").is_file());
    let again = new("slow-disk");
    assert!(said(&again).contains("will not be overwritten"), "{}", said(&again));
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    for arguments in
        [&["list"][..], &["man"], &["completions", "bash"], &["list", "--json"], &["doctor"]]
    {
        let mut child = firedrill(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("our child");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_interrupted_run_still_prints_what_it_measured() {
    let child = firedrill(&["run", "middleware-order", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    kill(pid, Signal::SIGINT).expect("our child");
    let output = child.wait_with_output().expect("our child");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(report["lanes"][0]["requests"]["sent"].as_u64() > Some(10), "{report}");
    assert!(report["duration_s"].as_f64().is_some_and(|s| s < 15.0), "{report}");
}

#[test]
fn a_draft_is_checked_without_walk_and_exercise() {
    let check = |options: &[&str]| {
        let arguments = [&["check", "silent-log", "--seeds", "1", "--skip-live"], options].concat();
        let output = firedrill(&arguments).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let (whole, draft) = (check(&[]), check(&["--draft"]));
    assert!(whole.contains("taught:") && !whole.contains("draft"), "{whole}");
    assert!(!draft.contains("taught:"), "{draft}");
    assert!(draft.contains("walk and exercise were not checked"), "{draft}");
    let (said, status) = said(&["check", "--draft"]);
    assert!(status == Some(2) && said.contains("<INCIDENT>"), "{said}");
}

#[test]
fn a_theory_is_printed_beside_what_was_measured() {
    let run = |options: &[&str]| {
        let own = ["run", "unbuffered-log-channel", "--clock", "virtual", "--for", "12s"];
        let output = firedrill(&[&own, options].concat()).output().expect("it starts");
        String::from_utf8(output.stdout).expect("text")
    };
    let theory = run(&["--theory"]);
    let line = theory.lines().find(|line| line.contains("broken: tasks grows by")).expect("a line");
    // 200 arrivals less 1000 / 100 ms.
    assert!(line.contains(" 190/s"), "{line}");
    assert!(!run(&[]).contains("tasks grows by"), "nobody asked for it");
    let report: Value = serde_json::from_str(&run(&["--json"])).expect("JSON");
    let (computed, measured) = (&report["theory"][0]["theory"], &report["theory"][0]["measured"]);
    let [computed, measured] = [computed, measured].map(|v| v.as_f64().expect("a number"));
    assert!((measured / computed - 1.0).abs() < 0.02, "{computed} and {measured}");
}
