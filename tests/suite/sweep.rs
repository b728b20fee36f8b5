//! `run --sweep` and `run --capacity`: the rows, the knee beside theory, bad ranges, and an early end.

use std::process::{Command, Output};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{program, wait_for};

fn sweep(arguments: &str) -> Output {
    let arguments = arguments.split(' ');
    Command::new(program()).arg("run").args(arguments).output().expect("it starts")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn refused(arguments: &str) -> String {
    let output = sweep(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn the_knee_is_where_theory_has_it() {
    let output = sweep(
        "unbuffered-log-channel --sweep rate_per_s=4..24 --points 6 --variants broken --json",
    );
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_str(&text(&output)).expect("JSON");
    let points = report["points"].as_array().expect("points");
    assert_eq!(points.len(), 6);
    let knee = &report["knees"][0]["knee"];
    let figure = |value: &Value| value.as_f64().expect("a number");
    let middle = f64::midpoint(figure(&knee["healthy_at"]), figure(&knee["unhealthy_at"]));
    let theory = figure(&knee["theory"]["at"]);
    assert_eq!(knee["theory"]["grows_above"], true);
    assert!((middle - theory).abs() / theory < 0.05, "{knee}");
}

#[test]
fn a_sweep_prints_a_row_for_each_value_and_the_same_bytes_each_time() {
    let once = || sweep("pool-leak --sweep store_ms=10..70 --points 4 --for 10s --csv");
    let first = text(&once());
    let rows: Vec<&str> = first.lines().collect();
    assert_eq!(rows.len(), 1 + 4 * 2, "a head, and a row for each value and lane:\n{first}");
    assert!(rows[0].starts_with("store_ms,variant,healthy,ok_percent"), "{first}");
    let fixed = |value: &str| {
        let row = rows.iter().find(|row| row.starts_with(&format!("{value},fixed,")));
        row.unwrap_or_else(|| panic!("{value}:\n{first}")).to_string()
    };
    assert!(fixed("10").contains(",true,"), "{first}");
    assert!(fixed("70").contains(",false,"), "the pool is too small for it:\n{first}");
    assert_eq!(text(&once()), first);
}

#[test]
fn the_capacity_is_the_highest_healthy_rate() {
    let output = sweep("pool-leak --capacity --for 10s --variants broken,fixed");
    let said = text(&output);
    assert!(said.contains("\nbroken: healthy at no value\n"), "{said}");
    assert!(said.contains("\nfixed: healthy up to "), "{said}");
}

#[test]
fn a_range_that_cannot_be_swept_is_refused_before_it_starts() {
    let near = refused("pool-leak --sweep stor_ms=1..2");
    assert!(near.contains("did you mean `store_ms`?"), "{near}");
    assert!(refused("pool-leak --sweep store_ms=1..20000").contains("1 to 500 ms"));
    assert!(refused("pool-leak --sweep rate_per_s=10..90000").contains("1 to 5000 requests"));
    assert!(refused("pool-leak --sweep store_ms=5..5").contains("5 is not less than 5"));
    assert!(refused("pool-leak --sweep store_ms=1..2 --points 1").contains("from 2 to 1000"));
    assert!(refused("pool-leak --sweep store_error_percent=0..5 --log").contains("above 0"));
    let long = refused("pool-leak --sweep store_ms=1..2 --points 1000 --for 1h");
    assert!(long.contains("1,054 hours of simulated time"), "{long}");
}

#[test]
fn an_interrupted_sweep_prints_what_is_done() {
    let folder = tempfile::tempdir().expect("writable");
    let path = folder.path().join("rows");
    let out = std::fs::File::create(&path).expect("writable");
    let mut child = Command::new(program())
        .args(["run", "pool-leak", "--sweep", "store_ms=1..100", "--points", "1000"])
        .stdout(out)
        .spawn()
        .expect("it starts");
    let rows = || std::fs::read_to_string(&path).unwrap_or_default();
    wait_for("a row", Duration::from_mins(1), || rows().lines().count() > 6);
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    kill(pid, Signal::SIGINT).expect("our child");
    assert_eq!(child.wait().expect("our child").code(), Some(130));
    assert!(rows().contains("interrupted after "), "{}", rows());
}

#[test]
fn the_columns_of_the_rows_stand_below_their_heads() {
    let said = text(&sweep("pool-leak --sweep store_ms=10..60 --points 2 --for 8s"));
    let lines: Vec<&str> = said.lines().collect();
    let head = lines.iter().position(|line| line.contains("goodput")).expect("a head");
    let ends = |line: &str| line.chars().count();
    assert_eq!(ends(lines[head]), ends(lines[head + 1]), "{said}");
    assert_eq!(ends(lines[head]), ends(lines[head + 2]), "{said}");
}

#[test]
fn two_parameters_make_a_map() {
    let said = text(&sweep(
        "pool-leak --sweep rate_per_s=50..300 --sweep store_ms=5..60 --points 3 --for 8s --variants fixed",
    ));
    let rows: Vec<&str> = said.lines().rev().take(3).collect();
    // Little's law: 8 connections serve 8000 / store_ms requests a second.
    assert!(rows[2].trim().starts_with('5') && rows[2].ends_with("██████"), "{said}");
    assert!(rows[0].trim().starts_with("60") && rows[0].ends_with("▒▒"), "{said}");
    let csv = text(&sweep(
        "pool-leak --sweep rate_per_s=50..300 --sweep store_ms=5..60 --points 2 --for 8s --csv",
    ));
    assert_eq!(csv.lines().count(), 1 + 4 * 2, "{csv}");
    assert!(refused("pool-leak --sweep store_ms=1..2 --sweep store_ms=3..4").contains("twice"));
    assert!(refused("pool-leak --set store_ms=5 --sweep store_ms=3..4").contains("--set"));
    assert!(refused("pool-leak --rate 100 --capacity").contains("--rate"));
}

#[test]
fn a_claim_about_the_mechanism_of_a_fix_is_not_one_of_health() {
    // At 0 and 1 the newest version is right: nobody has to refuse it.
    let csv = text(&sweep("version-skew --sweep totals_newest=0..2 --points 3 --for 12s --csv"));
    let healthy = |row: &str| csv.contains(row);
    assert!(healthy("\n0,broken,true") && healthy("\n0,fixed,true"), "{csv}");
    assert!(healthy("\n2,broken,false") && healthy("\n2,fixed,true"), "{csv}");
}
