//! Alerts on series that are written down, judged by Prometheus' own tool.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::skipped;

/// Two lanes of one incident: the first cannot be scraped after two seconds, and each attempt takes `seconds`.
fn lanes(seconds: f64, alerts: &str) -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/rules.yml");
    format!(
        "rule_files: ['{}']
evaluation_interval: 500ms
tests:
  - interval: 500ms
    input_series:
      - series: 'up{{incident=\"pool-leak\", lane=\"A\"}}'
        values: '1x3 0x20'
      - series: 'scrape_duration_seconds{{incident=\"pool-leak\", lane=\"A\"}}'
        values: '{seconds}x30'
      - series: 'up{{incident=\"pool-leak\", lane=\"B\"}}'
        values: '1x30'
      - series: 'scrape_duration_seconds{{incident=\"pool-leak\", lane=\"B\"}}'
        values: '0.002x30'
    promql_expr_test:
      - expr: 'count by (lane) (ALERTS{{alertname=\"ProcessDown\", alertstate=\"firing\"}})'
        eval_time: 8s
        exp_samples: {alerts}
",
        rules.display()
    )
}

#[test]
fn a_process_that_refuses_is_down_and_one_that_is_slow_is_not() {
    if which::which("promtool").is_err() {
        skipped("Prometheus is not installed: no alert was judged");
        return;
    }
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("test.yml");
    for (seconds, alerts) in [(0.001, "[{labels: '{lane=\"A\"}', value: 1}]"), (0.5, "[]")] {
        fs::write(&file, lanes(seconds, alerts)).expect("writable");
        let said = Command::new("promtool").args(["test", "rules"]).arg(&file).output();
        let said = said.expect("it starts");
        let text = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{seconds} s: {text}");
    }
}
