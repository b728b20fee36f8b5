//! Verdicts, and the cases in which there is none.

use serde_json::Value;

use crate::common::firedrill;

/// The verdict of a virtual run, as JSON.
fn verdict(arguments: &[&str]) -> Value {
    let run = ["run", "unbuffered-log-channel", "--clock", "virtual", "--json", "--for", "20s"];
    let output = firedrill(&[&run[..], arguments].concat()).output().expect("it starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["verdict"].clone()
}

#[test]
fn a_level_is_that_of_one_process() {
    // Killed within the window of the slope: what came before counts.
    assert_eq!(verdict(&["--rate", "1000"])["checks"][0]["observed"], "990/s");
    // Killed before there is anything to see: that is said, and not judged.
    let verdict = verdict(&["--rate", "5000"]);
    let slope = &verdict["checks"][0];
    assert_eq!(slope["undecided"], "process_ended", "{slope}");
    assert_eq!(verdict["holds"], false);
}

#[test]
fn where_the_bug_cannot_show_nothing_is_judged() {
    let verdict = verdict(&["--rate", "20", "--set", "log_write_ms=20"]);
    assert_eq!(verdict["undecided"], "cannot_show");
    for check in verdict["checks"].as_array().expect("a list") {
        let undecided = check["undecided"] == "cannot_show";
        assert_ne!(undecided, check["holds"] == true, "{check}");
    }
}

#[tokio::test]
async fn a_run_that_is_too_short_to_tell_does_not_hold() {
    let output = firedrill(&["run", "pool-leak", "--for", "4s"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("undecided: the run ended too soon"), "{said}");
}
