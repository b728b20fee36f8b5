//! The verdict and the sums of a live run.

use serde_json::Value;

use crate::common::firedrill;
use crate::turns::{computing, measuring};

#[tokio::test]
async fn the_verdict_holds_and_the_sums_add_up() {
    let _turn = measuring();
    let variants = ["broken", "timeout", "fixed"];
    let arguments =
        ["run", "pool-leak", "--json", "--for", "12.5s", "--variants", &variants.join(",")];
    let output = firedrill(&arguments).output().expect("the program starts");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let text = serde_json::to_string_pretty(&report["verdict"]).expect("plain data");
    assert_eq!(report["verdict"]["holds"], Value::Bool(true), "{text}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((&report["incident"], &report["clock"]), (&"pool-leak".into(), &"live".into()));
    let lanes = report["lanes"].as_array().expect("a list");
    assert_eq!(lanes.len(), variants.len());
    let sent = lanes[0]["requests"]["sent"].as_u64();
    for lane in lanes {
        let requests = &lane["requests"];
        let count = |name: &str| requests[name].as_u64().expect("a count");
        let outcomes = ["ok", "rejected", "failed", "timed_out", "unfinished"];
        assert_eq!(outcomes.map(count).iter().sum::<u64>(), count("sent"), "{requests}");
        assert_eq!(Some(count("sent")), sent, "all lanes get the same arrivals");
        for field in ["latency_ms", "tasks", "memory_bytes", "exits", "gauges", "wait_sites"] {
            assert!(!lane[field].is_null(), "{field}");
        }
    }
}

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
    let _turn = computing();
    let output = firedrill(&["run", "pool-leak", "--for", "4s"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("undecided: the run ended too soon"), "{said}");
}
