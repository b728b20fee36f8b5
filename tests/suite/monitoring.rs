//! A real Prometheus looks at live lanes: the right alert fires for each incident, and none on `fixed`; no
//! query of the dashboard is empty.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{catalogue, program};
use crate::turns::measuring;
use firedrill::cli::note;

/// Runs that go on at once: more would be too much for two processors.
const AT_ONCE: usize = 7;

/// Ended when it is dropped.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn firedrill(state: &Path) -> Command {
    let mut command = Command::new(program());
    command.env("XDG_STATE_HOME", state);
    command
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::null()).output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// What a query gives now: each series with its labels and its value.
fn asked(url: &str, query: &str) -> Vec<Value> {
    let mut promtool = Command::new("promtool");
    let text = output(promtool.args(["query", "instant", "-o", "json", url, query]));
    serde_json::from_str(&text).unwrap_or_default()
}

/// Starts Prometheus; where it answers.
fn prometheus(folder: &Path, config: &Path) -> (Ends, String) {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").port()
    };
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let started = Ends(command.spawn().expect("it starts"));
    let url = format!("http://127.0.0.1:{port}");
    let deadline = Instant::now() + Duration::from_secs(30);
    while asked(&url, "vector(1)").is_empty() {
        assert!(Instant::now() < deadline, "Prometheus does not answer");
        pause(Duration::from_millis(200));
    }
    (started, url)
}

#[expect(clippy::disallowed_methods, reason = "other programs take their own time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The alerts that have fired: their names, incidents and variants.
fn fired(url: &str) -> BTreeSet<(String, String, String)> {
    let all = asked(url, "max_over_time(ALERTS{alertstate=\"firing\"}[10m])");
    let of = |series: &Value, label: &str| {
        series["metric"][label].as_str().unwrap_or_default().to_owned()
    };
    all.iter().map(|s| (of(s, "alertname"), of(s, "incident"), of(s, "variant"))).collect()
}

#[tokio::test]
async fn an_alert_fires_for_each_incident_and_none_on_what_is_fixed() {
    let _turn = measuring();
    if which::which("prometheus").is_err() || which::which("promtool").is_err() {
        note("SKIPPED: Prometheus is not installed: no alert was tried");
        return;
    }
    let folder = tempfile::tempdir().expect("writable");
    let folder = folder.path();
    let rules = folder.join("rules.yml");
    fs::write(&rules, output(firedrill(folder).args(["metrics", "--rules"]))).expect("writable");
    let config = folder.join("prometheus.yml");
    let with = ["metrics", "--with-rules"];
    fs::write(&config, output(firedrill(folder).args(with).arg(&rules))).expect("writable");
    let (_prometheus, url) = prometheus(folder, &config);

    let dashboard: Value =
        serde_json::from_str(&output(firedrill(folder).args(["metrics", "--dashboard"])))
            .expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let queries: Vec<&str> = targets.map(|t| t["expr"].as_str().expect("a query")).collect();
    let mut empty: BTreeSet<&str> = queries.iter().copied().collect();

    for batch in catalogue().entries.chunks(AT_ONCE) {
        let runs: Vec<Ends> = batch
            .iter()
            .map(|entry| {
                let lasts = format!("{}s", entry.manifest.live_s.max(10.0) + 4.0);
                let mut run = firedrill(folder);
                run.args(["run", &entry.manifest.id, "--for", &lasts]);
                let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                Ends(run.expect("it starts"))
            })
            .collect();
        let wanted: BTreeSet<&str> = batch.iter().map(|e| e.manifest.id.as_str()).collect();
        let deadline = Instant::now() + Duration::from_secs(35);
        loop {
            pause(Duration::from_secs(1));
            empty.retain(|query| asked(&url, query).is_empty());
            let fired = fired(&url);
            let of =
                |id: &str| fired.iter().any(|(_, incident, v)| incident == id && v == "broken");
            if wanted.iter().all(|id| of(id)) {
                break;
            }
            assert!(Instant::now() < deadline, "no alert for all of {wanted:?}: {fired:?}");
        }
        drop(runs);
    }
    let fired = fired(&url);
    let on_fixed: Vec<_> = fired.iter().filter(|(_, _, variant)| variant == "fixed").collect();
    assert!(on_fixed.is_empty(), "{on_fixed:?}");
    assert!(empty.is_empty(), "queries of the dashboard that never gave anything: {empty:?}");
    let rules = fs::read_to_string(&rules).expect("it was written");
    for (alert, incident, _) in &fired {
        let stands = rules.find(&format!("alert: {alert}")).expect("one of the rules");
        let line = rules[stands..].lines().find(|line| line.contains("incidents:"));
        let known = line.is_some_and(|line| line.contains(incident.as_str()));
        assert!(known, "{alert} fires for {incident}, which it is not for");
    }
}
