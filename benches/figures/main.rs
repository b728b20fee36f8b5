//! The figures that firedrill must reach, each beside what it is compared to, measured in one run:
//! `cargo bench`.
//!
//! The program starts itself for whatever must be a process of its own.

#![allow(clippy::disallowed_methods, reason = "benchmarks measure wall time")]

mod class;
mod exercise;
mod terminal;
mod time_lapse;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use firedrill::load::Driver;
use firedrill::load::http::Trust;
use firedrill::load::saturate::saturate;
use firedrill::load::tls::Client;
use firedrill::run::memory::Memory;
use firedrill_core::event::{ParentSays, Ready, ServerSays};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::request::build;
use firedrill_core::incident::traffic::{Arrivals, Load, Request};
use firedrill_core::window::Distribution;
use nix::sys::resource::{UsageWho, getrusage};

const FIREDRILL: &str = env!("CARGO_BIN_EXE_firedrill");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().context("a number");
    let result = match words.as_slice() {
        ["as-server", delay] => number(delay).and_then(bare_server),
        ["as-driver", port, requests] => {
            number(port).and_then(|port| as_driver(port as u16, number(requests)?))
        }
        ["as-in-flight", port, wanted] => {
            number(port).and_then(|port| as_in_flight(port as u16, number(wanted)?))
        }
        ["as-bare-router", requests] => number(requests).and_then(time_lapse::bare_router),
        _ => figures(words.iter().find(|word| !word.starts_with('-')).copied()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A figure: its name, and how it is measured.
type Figure = (&'static str, fn() -> anyhow::Result<()>);

fn figures(only: Option<&str>) -> anyhow::Result<()> {
    let figures: [Figure; 16] = [
        ("saturation", saturation),
        ("lag", lag),
        ("memory-in-flight", memory_in_flight),
        ("telemetry", telemetry),
        ("tls", tls),
        ("first-frame", terminal::first_frame),
        ("switch", switch),
        ("frame", terminal::frame),
        ("rest", terminal::rest),
        ("simulated-request", time_lapse::simulated_request),
        ("minute", time_lapse::minute),
        ("million", time_lapse::million),
        ("recording", time_lapse::recording),
        ("opened", time_lapse::opened),
        ("exercise", exercise::exercise),
        ("class", class::class),
    ];
    for (name, measure) in figures {
        if only.is_none_or(|only| name.contains(only)) {
            measure().with_context(|| name.to_owned())?;
        }
    }
    Ok(())
}

fn tell(name: &str, measured: &str, wanted: &str, reached: bool) {
    let mark = if reached { "reached" } else { "MISSED " };
    println!("{mark}  {name:<44} {measured:<52} wanted {wanted}");
}

/// A child of this benchmark, killed when dropped.
struct Helper {
    child: Child,
    port: u16,
    /// Whom its clients trust, where it speaks TLS.
    root: Vec<u8>,
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn myself(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdout(Stdio::piped());
    Ok(command)
}

fn start_server(delay_ms: &str) -> anyhow::Result<Helper> {
    let mut child = myself(&["as-server", delay_ms])?.spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
    Ok(Helper { child, port: line.trim().parse()?, root: Vec::new() })
}

/// A bare hyper server; with a delay it answers that late.
fn bare_server(delay_ms: u64) -> anyhow::Result<()> {
    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    firedrill_core::child::files::raise(0)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let service =
                hyper::service::service_fn(move |_: hyper::Request<Incoming>| async move {
                    if delay_ms > 0 {
                        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                    }
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(
                        Bytes::from_static(b"ok"),
                    )))
                });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    })
}

fn load(rate_per_s: f64, client_timeout_ms: u64) -> Load {
    Load {
        rate_per_s,
        arrivals: Arrivals::Constant,
        client_timeout_ms,
        requests: vec![Request::get("/")],
    }
}

/// Connections of a closed loop.
const CONNECTIONS: usize = 50;

fn as_driver(port: u16, requests: u64) -> anyhow::Result<()> {
    let request = build(&Request::get("/"))?;
    let tick = saturate((port, Trust::Plain), request, CONNECTIONS, requests)?;
    if tick.outcomes.ok != requests {
        bail!("{tick:?}");
    }
    Ok(())
}

/// Seconds of processor time that a command takes.
fn cpu_s(mut command: Command) -> anyhow::Result<f64> {
    let used = || -> anyhow::Result<f64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
        Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
    };
    let before = used()?;
    let status = command.stdout(Stdio::null()).status()?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(used()? - before)
}

fn saturation() -> anyhow::Result<()> {
    let name = "driver at saturation, requests a CPU-second";
    let wanted = "1.2 x oha";
    let Ok(oha) = which::which("oha") else {
        println!("skipped  {name}: oha is not installed (cargo install --locked oha)");
        return Ok(());
    };
    let server = start_server("0")?;
    let requests = 200_000_u64;
    let (mut ours, mut theirs) = (0.0, 0.0);
    for _ in 0..3 {
        let port = server.port.to_string();
        ours += cpu_s(myself(&["as-driver", &port, &requests.to_string()])?)?;
        let mut command = Command::new(&oha);
        command.args(["-n", &requests.to_string(), "-c", &CONNECTIONS.to_string(), "--no-tui"]);
        command.arg(format!("http://127.0.0.1:{port}/"));
        theirs += cpu_s(command)?;
    }
    let per_s = |cpu_s: f64| 3.0 * requests as f64 / cpu_s;
    let ratio = per_s(ours) / per_s(theirs);
    let measured = format!("{ratio:.2} ({:.0} against {:.0})", per_s(ours), per_s(theirs));
    tell(name, &measured, wanted, ratio >= 1.2);
    Ok(())
}

fn lag() -> anyhow::Result<()> {
    let server = start_server("0")?;
    let mut driver = Driver::start(&load(5000.0, 2000), &Values::new(), 1, 1)?;
    driver.set_target(0, Some(server.port));
    std::thread::sleep(Duration::from_secs(1));
    driver.take_lag();
    driver.take_tick(0);
    std::thread::sleep(Duration::from_secs(5));
    let mut lag = Distribution::default();
    lag.add(&driver.take_lag());
    let tick = driver.take_tick(0);
    driver.stop();
    let p99 = lag.percentile_ms(99.0).context("requests started")?;
    let measured = format!("{p99:.3} ms over {} requests, {} ok", tick.sent, tick.outcomes.ok);
    tell("start lag p99 at 5,000 req/s", &measured, "<= 1 ms", p99 <= 1.0);
    Ok(())
}

/// Holds requests in flight, and prints resident memory and heap before and with them.
fn as_in_flight(port: u16, wanted: u64) -> anyhow::Result<()> {
    firedrill_core::child::files::raise(wanted + 200)?;
    let own = || -> anyhow::Result<u64> {
        let read = Memory::new().resident([Some(std::process::id())].into_iter());
        read[0].map(|seen| seen.bytes).context("this process exists")
    };
    let mut driver = Driver::start(&load(5000.0, 30_000), &Values::new(), 1, 1)?;
    std::thread::sleep(Duration::from_millis(500));
    let (before, heap) = (own()?, firedrill::heap::in_use_bytes());
    driver.set_target(0, Some(port));
    let mut in_flight = 0;
    let start = Instant::now();
    while in_flight < wanted && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
        in_flight = driver.take_tick(0).in_flight;
    }
    let grown = own()?.saturating_sub(before);
    let heap = firedrill::heap::in_use_bytes() - heap;
    println!("{in_flight} {grown} {heap}");
    driver.stop();
    Ok(())
}

fn memory_in_flight() -> anyhow::Result<()> {
    let server = start_server("60000")?;
    let output = myself(&["as-in-flight", &server.port.to_string(), "10000"])?.output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [in_flight, resident, heap] = numbers[..] else { bail!("it printed {text:?}") };
    let kib = |bytes: f64| bytes / in_flight / 1024.0;
    let measured = format!(
        "{:.1} KiB resident, {:.1} KiB heap, with {in_flight} in flight",
        kib(resident),
        kib(heap)
    );
    tell("driver's memory a request in flight", &measured, "<= 16 KiB", kib(resident) <= 16.0);
    Ok(())
}

fn start_firedrill(arguments: &[&str]) -> anyhow::Result<Helper> {
    let mut child = Command::new(FIREDRILL)
        .arg("serve")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdout = BufReader::new(child.stdout.take().context("piped")?);
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let ServerSays::Ready(Ready { port: Some(port), root, .. }) = serde_json::from_str(&line)?
    else {
        bail!("it said {line}")
    };
    // Samples must be read, or the pipe fills up.
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    Ok(Helper { child, port, root })
}

fn telemetry() -> anyhow::Result<()> {
    let request = build(&Request::get("/healthz"))?;
    let requests = 20_000;
    let seconds = |helper: &Helper| -> anyhow::Result<f64> {
        let start = Instant::now();
        let tick = saturate((helper.port, Trust::Plain), request.clone(), CONNECTIONS, requests)?;
        if tick.outcomes.ok != requests {
            bail!("{tick:?}");
        }
        Ok(start.elapsed().as_secs_f64())
    };
    // Each pair is two fresh processes, since two of one program differ by some percent; within it
    // the rounds alternate, so that whatever else the machine does meets both.
    let (pairs, rounds) = (5, 8);
    let mut ratios = Vec::new();
    for _ in 0..pairs {
        let (with, without) = (start_firedrill(&[])?, start_firedrill(&["--bare"])?);
        seconds(&with)?;
        seconds(&without)?;
        let (mut with_s, mut without_s) = (0.0, 0.0);
        for round in 0..rounds {
            if round % 2 == 0 {
                with_s += seconds(&with)?;
                without_s += seconds(&without)?;
            } else {
                without_s += seconds(&without)?;
                with_s += seconds(&with)?;
            }
        }
        ratios.push(without_s / with_s);
    }
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let measured = format!("{ratio:.3} median of {pairs}, {:.3} to {:.3}", ratios[0], ratios[4]);
    tell("throughput with telemetry against without", &measured, ">= 0.98", ratio >= 0.98);
    Ok(())
}

/// Requests on as many kept-alive connections as 200 requests a second need, in TLS and without.
fn tls() -> anyhow::Result<()> {
    let request = build(&Request::get("/healthz"))?;
    let (requests, connections, rounds) = (10_000, 8, 10);
    let server = start_firedrill(&[])?;
    let client = Client::trusting(&server.root).context("the server has a certificate")?;
    let seconds = |trust: Trust| -> anyhow::Result<f64> {
        let start = Instant::now();
        let tick = saturate((server.port, trust), request.clone(), connections, requests)?;
        if tick.outcomes.ok != requests {
            bail!("{tick:?}");
        }
        Ok(start.elapsed().as_secs_f64())
    };
    let (mut plain_s, mut tls_s) = (0.0, 0.0);
    for round in 0..=rounds {
        let (plain, tls) = (seconds(Trust::Plain)?, seconds(Trust::Tls(client.clone()))?);
        // The first round warms up.
        if round > 0 {
            plain_s += plain;
            tls_s += tls;
        }
    }
    let ratio = plain_s / tls_s;
    let per_s = |seconds: f64| f64::from(rounds) * requests as f64 / seconds;
    let measured = format!("{ratio:.3} ({:.0}/s against {:.0}/s)", per_s(tls_s), per_s(plain_s));
    tell("throughput in TLS against without", &measured, ">= 0.8", ratio >= 0.8);
    Ok(())
}

fn switch() -> anyhow::Result<()> {
    let body = r#"{"percent": 100, "email": "bob@example.com"}"#;
    let request = format!(
        "POST /coupons HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer demo-token\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let ask = |port: u16| -> anyhow::Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        Ok(answer)
    };
    let mut worst: f64 = 0.0;
    let mut helper = start_firedrill(&[])?;
    let mut stdin = helper.child.stdin.take().context("piped")?;
    for round in 0..20 {
        let on = round % 2 == 0;
        let bugs = if on {
            [("missing-recover".to_owned(), "broken".to_owned())].into()
        } else {
            std::collections::BTreeMap::new()
        };
        let start = Instant::now();
        writeln!(stdin, "{}", serde_json::to_string(&ParentSays::SetBugs { bugs })?)?;
        // Fixed, this payload gets a 500; with the bug its connection is dropped.
        while ask(helper.port)?.is_empty() != on {}
        worst = worst.max(start.elapsed().as_secs_f64() * 1000.0);
    }
    let measured = format!("{worst:.1} ms, the worst of 20");
    tell("bug switched to first request through it", &measured, "<= 50 ms", worst <= 50.0);
    Ok(())
}
