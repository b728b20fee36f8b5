//! Benchmarks of the virtual clock and of recordings.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use firedrill_core::event::LaneSays;
use firedrill_core::incident::cpu::Work;
use firedrill_core::incident::env::{Env, Host};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::metrics::Registry;
use firedrill_core::incident::request::Prepared;
use firedrill_core::lane::CPUS;
use firedrill_core::service::{base_chain, store};
use tower::ServiceExt;

use super::terminal::first_frames;
use super::{FIREDRILL, cpu_s, myself, tell};

/// The incident whose fixed form is measured: with the largest bodies.
const INCIDENT: &str = "unbuffered-log-channel";

/// Commands for a lane of the fixed variant with a fast log, up to this time.
fn commands(rate_per_s: u64, to_ms: u64) -> String {
    format!(
        "{{\"clock\":\"virtual\",\"incident\":\"{INCIDENT}\",\"rate_per_s\":{rate_per_s},\
         \"seed\":1,\"in_play\":{{\"{INCIDENT}\":\"fixed\"}},\"params\":{{\"log_write_ms\":1}}}}\n\
         {{\"command\":\"advance\",\"to_ms\":{to_ms}}}\n"
    )
}

fn replay() -> Command {
    let mut command = Command::new(FIREDRILL);
    command.arg("child");
    command
}

/// Requests that the two sides of the comparison serve.
const REQUESTS: u64 = 100_000;

/// A bare spawn of the same router's answer, plus two paused sleeps: one to the arrival, one in
/// the task. Neither timeout nor measurement.
pub fn bare_router(requests: u64) -> anyhow::Result<()> {
    let catalogue = firedrill::pack::catalogue()?;
    metrics::set_global_recorder(Registry::default())
        .map_err(|_| anyhow::anyhow!("a recorder is there already"))?;
    let mix = catalogue.mix(&[INCIDENT.to_owned()], &Values::new())?;
    let (_, request) = mix.into_iter().next().context("it has a request")?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let chain = {
        let in_play = [(INCIDENT.to_owned(), "fixed".to_owned())].into();
        catalogue.chain(base_chain(), &in_play)?
    };
    let env = Env::new(Host { cpus: CPUS, seed: 1, instance: 0, work: Work::Simulated }, |_| {});
    env.set_param("log_write_ms", 1.0);
    let router = {
        let _entered = runtime.enter();
        chain.build(store::client(&env), &env)
    };
    runtime.block_on(async {
        for arrival in 0..requests {
            tokio::time::sleep(Duration::from_millis(5)).await;
            tokio::spawn(answer(router.clone(), Arc::clone(&request)));
            // The histograms of the service hand on what they hold, as with each sample.
            if arrival % 20 == 0 {
                env.bring_up_to_date();
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    Ok(())
}

async fn answer(router: Router, request: Arc<Prepared>) {
    router.oneshot(request.request(0).map(Body::new)).await.ok();
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Processor seconds of a replay of as many requests, 200 a second.
fn replay_cpu_s() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("commands");
    fs::write(&input, commands(200, REQUESTS * 5))?;
    let mut command = replay();
    command.stdin(fs::File::open(&input)?).stdout(Stdio::null());
    cpu_s(command)
}

pub fn simulated_request() -> anyhow::Result<()> {
    // Alternating, so that what else the machine does falls on both; the least of each is compared,
    // because everything but the work itself only adds.
    let (mut bare, mut simulated) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let mut command = myself(&["as-bare-router", &REQUESTS.to_string()])?;
        command.stdout(Stdio::null());
        bare = bare.min(cpu_s(command)?);
        simulated = simulated.min(replay_cpu_s()?);
    }
    let micros = |seconds: f64| seconds / REQUESTS as f64 * 1e6;
    let ratio = simulated / bare;
    let measured =
        format!("{ratio:.2} times: {:.1} µs against {:.1} µs", micros(simulated), micros(bare));
    tell("simulated request against a bare spawn", &measured, "<= 1.5", ratio <= 1.5);
    Ok(())
}

pub fn minute() -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        let mut run = Command::new(FIREDRILL);
        run.args(["run", INCIDENT, "--clock", "virtual", "--for", "60s"]);
        let status = run.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !status.success() {
            bail!("the run ended with {status}");
        }
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let measured = format!("{:.2} s median, {:.2} s at most, of 9", times[4], times[8]);
    tell(
        "60 s, two lanes, 200 req/s, on the virtual clock",
        &measured,
        "<= 0.25 s",
        times[4] <= 0.25,
    );
    Ok(())
}

/// A line of a virtual lane.
#[derive(serde::Deserialize)]
struct LaneLine {
    at_ms: u64,
    #[serde(flatten)]
    what: LaneSays,
}

pub fn million() -> anyhow::Result<()> {
    let mut child = replay().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("piped")?;
    stdin.write_all(commands(2000, 500_000).as_bytes())?;
    drop(stdin);
    let (mut sent, mut first, mut later) = (0, 0, 0);
    for line in BufReader::new(child.stdout.take().context("piped")?).lines() {
        let LaneLine { at_ms, what } = serde_json::from_str(&line?)?;
        let LaneSays::Sample(sample) = what else { continue };
        sent += sample.load.sent;
        let bytes = sample.resident_bytes.unwrap_or_default();
        let highest = if at_ms <= 60_000 { &mut first } else { &mut later };
        *highest = (*highest).max(bytes);
    }
    child.wait()?;
    let kib = |bytes: u64| bytes / 1024;
    let (first, later) = (kib(first), kib(later));
    let measured = format!("{sent} requests: {first} KiB in the first minute, then {later} KiB");
    tell("virtual memory, at most", &measured, "no growth", sent >= 1_000_000 && later <= first);
    Ok(())
}

/// Ten minutes of two lanes, recorded.
fn ten_minutes(file: &std::path::Path) -> anyhow::Result<()> {
    let mut run = Command::new(FIREDRILL);
    run.args(["run", INCIDENT, "--clock", "virtual", "--for", "10min", "--record"]).arg(file);
    run.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(())
}

pub fn recording() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.jsonl");
    ten_minutes(&file)?;
    let virtual_mb = fs::metadata(&file)?.len() as f64 / 1e6;
    let measured = format!("{virtual_mb:.2} MB");
    tell("recording of ten minutes, two lanes, virtual", &measured, "<= 5 MB", virtual_mb <= 5.0);
    let mut run = Command::new(FIREDRILL);
    run.args(["run", INCIDENT, "--for", "60s", "--record"]).arg(&file);
    run.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let live_mb = fs::metadata(&file)?.len() as f64 / 1e6 * 10.0;
    let measured = format!("{live_mb:.2} MB, ten times one minute");
    tell("recording of ten minutes, two lanes, live", &measured, "<= 5 MB", live_mb <= 5.0);
    Ok(())
}

pub fn opened() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.jsonl");
    ten_minutes(&file)?;
    let times = first_frames(&["view", file.to_str().context("a path of text")?])?;
    let measured = format!("{:.0} ms median, {:.0} ms at most, of 10", times[5], times[9]);
    tell("ten minutes, two lanes, opened to first frame", &measured, "<= 60 ms", times[5] <= 60.0);
    Ok(())
}
