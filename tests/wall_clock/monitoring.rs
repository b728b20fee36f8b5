//! A real Prometheus looks at live lanes: the right alert fires for each incident, before its users do, and none
//! on `fixed`; no query of the dashboard is empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use firedrill_core::catalogue::CatalogueEntry;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use serde_json::Value;

use crate::alone;
use crate::common::{Ends, catalogue, program, skipped};

/// Runs that go on at once: more would be too much for two processors.
const AT_ONCE: usize = 7;

/// Its first sign is a request that fails: the process is gone.
const CRASHES: &str = "missing-recover";

/// Prometheus takes up what runs are there so often.
const DISCOVERS: Duration = Duration::from_secs(5);

/// A run is taken up so long after its start, and before its release.
const SEEN_AFTER: Duration = Duration::from_millis(1800);

fn firedrill(state: &Path) -> Command {
    let mut command = Command::new(program());
    command.env("XDG_STATE_HOME", state);
    command
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::null()).output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the result of a query: each series with labels and value.
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

/// Waits until Prometheus takes up what is new in the folder of runs.
fn until_discovery(url: &str, folder: &Path) -> Instant {
    let running = folder.join("firedrill/running");
    fs::create_dir_all(&running).expect("writable");
    let scout = running.join("scout.json");
    fs::write(&scout, r#"[{"targets":["127.0.0.1:9"],"labels":{"incident":"scout"}}]"#)
        .expect("writable");
    let deadline = Instant::now() + Duration::from_secs(30);
    while asked(url, "up{incident=\"scout\"}").is_empty() {
        assert!(Instant::now() < deadline, "Prometheus does not look for runs");
        pause(Duration::from_millis(50));
    }
    fs::remove_file(scout).expect("ours");
    Instant::now()
}

/// Starts a run that records itself to a file of its id.
fn record(entry: &CatalogueEntry, folder: &Path) -> Ends {
    let id = &entry.manifest.id;
    let lasts = format!("{}s", entry.manifest.live_s.max(10.0) + 4.0);
    let mut run = firedrill(folder);
    run.args(["run", id, "--for", &lasts, "--record"]).arg(folder.join(id));
    let run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Ends(run.expect("it starts"))
}

/// Unix time at which an alert for the broken lane of an incident, which has fired, did so first. The query looks at
/// every half second: it does not see an alert at once.
fn first_alert_s(url: &str, id: &str) -> f64 {
    let which = format!("ALERTS{{alertstate=\"firing\",incident=\"{id}\",variant=\"broken\"}}");
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let all = asked(url, &format!("min_over_time(timestamp({which})[5m:500ms])"));
        let at = |series: &Value| series["value"][1].as_str().and_then(|text| text.parse().ok());
        if let Some(first_s) = all.iter().filter_map(at).reduce(f64::min) {
            return first_s;
        }
        assert!(Instant::now() < deadline, "{id}: its alert has fired, and no query finds it");
        pause(Duration::from_millis(200));
    }
}

/// Returns the time at which the users of the broken lane notice: a tenth of the requests of three seconds fails,
/// beyond failures of `fixed`.
fn noticed_s(recording: &Path) -> Option<f64> {
    let text = fs::read_to_string(recording).expect("it was recorded");
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let header = lines.next().expect("a header");
    let names = header["variants"].as_array().expect("its lanes");
    let of = |name: &str| names.iter().position(|n| n == name).expect("a lane");
    let (broken, fixed) = (of("broken"), of("fixed"));
    // Of each tick: what was sent, and how much more went wrong than on `fixed`.
    let mut ticks: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for event in lines.filter(|event| event["event"] == "sample") {
        let load = |name: &str| event["load"][name].as_f64().unwrap_or_default();
        let wrong = load("rejected") + load("failed") + load("timed_out");
        let at_ms = event["at_ms"].as_u64().expect("a time");
        let (sent, more) = ticks.entry(at_ms / 100).or_default();
        match event["lane"].as_u64().map(|lane| lane as usize) {
            Some(lane) if lane == broken => (*sent, *more) = (*sent + load("sent"), *more + wrong),
            Some(lane) if lane == fixed => *more -= wrong,
            _ => {}
        }
    }
    ticks.keys().copied().find_map(|now| {
        let last = ticks.range(now.saturating_sub(29)..=now);
        let (sent, more) = last.fold((0.0, 0.0), |(s, m), (_, tick)| (s + tick.0, m + tick.1));
        (more > sent / 10.0).then_some(now as f64 / 10.0)
    })
}

/// Seconds since 1970.
fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

#[tokio::test]
async fn an_alert_fires_for_each_incident_before_its_users_notice_and_none_on_what_is_fixed() {
    let _alone = alone();
    if which::which("prometheus").is_err() || which::which("promtool").is_err() {
        skipped("Prometheus is not installed: no alert was tried");
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
    // Grafana puts in the interval, of four scrapes at least.
    let query = |target: &Value| {
        target["expr"].as_str().expect("a query").replace("$__rate_interval", "5s")
    };
    let queries: Vec<String> = targets.map(query).collect();
    let mut empty: BTreeSet<&str> = queries.iter().map(String::as_str).collect();

    let mut late = Vec::new();
    let discovered = until_discovery(&url, folder);
    for batch in catalogue().entries.chunks(AT_ONCE) {
        // In production a service is known long before its release; so it is here.
        let passed = (discovered.elapsed() + SEEN_AFTER).as_secs_f64() % DISCOVERS.as_secs_f64();
        pause(DISCOVERS.saturating_sub(Duration::from_secs_f64(passed)));
        let began_s = now_s();
        let mut runs: Vec<Ends> = batch.iter().map(|entry| record(entry, folder)).collect();
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
        for run in &mut runs {
            let pid = Pid::from_raw(i32::try_from(run.0.id()).expect("a process id"));
            kill(pid, Signal::SIGINT).expect("our child");
            run.0.wait().expect("our child");
        }
        for id in wanted {
            // A run begins a moment after its process: the alert was a little earlier than this says.
            let alert_s = first_alert_s(&url, id) - began_s;
            let noticed_s = noticed_s(&folder.join(id));
            println!("{id}: told after {alert_s:.1} s, noticed {noticed_s:?}");
            let first = noticed_s.is_none_or(|noticed_s| alert_s < noticed_s);
            if !first && id != CRASHES {
                late.push(format!("{id}: told after {alert_s} s, noticed {noticed_s:?}"));
            }
        }
    }
    assert!(late.is_empty(), "{late:#?}");
    let fired = fired(&url);
    let on_fixed: Vec<_> = fired.iter().filter(|(_, _, variant)| variant == "fixed").collect();
    assert!(on_fixed.is_empty(), "{on_fixed:?}");
    assert!(empty.is_empty(), "queries of the dashboard that never gave anything: {empty:?}");
    let shares = "max_over_time(httpErrorRate{method!='',path!='',status=~'5..|dropped'}[5m])";
    let shares = asked(&url, &format!("{shares} > 0 and {shares} <= 1"));
    assert!(!shares.is_empty(), "no share of errors by method, path and status");
    let rules = fs::read_to_string(&rules).expect("it was written");
    for (alert, incident, _) in &fired {
        let stands = rules.find(&format!("alert: {alert}")).expect("one of the rules");
        let line = rules[stands..].lines().find(|line| line.contains("incidents:"));
        let known = line.is_some_and(|line| line.contains(incident.as_str()));
        assert!(known, "{alert} fires for {incident}, which it is not for");
    }
}
