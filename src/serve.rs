//! A lane's child: one server in a process of its own.
//!
//! Events go out on standard output and commands come in on standard input, a JSON object a line;
//! the end of standard input ends the process. Sampling runs on a thread of its own, so a wedged
//! server still reports.

use std::io::{self, BufRead, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use metrics::gauge;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

use crate::catalogue::Catalogue;
use crate::event::{Command, ServerSample, TICK, What};
use crate::incident::env::{Env, Host};
use crate::incident::metrics::Telemetry;
use crate::incident::{Bugs, wait};
use crate::note::note;
use crate::service::{Gateway, base_chain, connection};
use crate::{files, heap};

/// Ticks between two clean-ups of the Prometheus exporter, whose histograms grow until then.
const UPKEEP_TICKS: u32 = 50;

/// What to serve.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Bugs that are on from the start.
    pub bugs: Bugs,
    /// Parameters whose values differ from the manifests'.
    pub params: Vec<(String, f64)>,
    /// TCP port on loopback; 0 lets the system choose.
    pub port: u16,
    /// Whether tokio-console may look in.
    pub console: bool,
    /// Whether the service is without its `metrics` slot and its samples: for benchmarks.
    pub bare: bool,
    /// Whether a parent started it, which needs no word of welcome.
    pub supervised: bool,
    /// Heap bytes at which the process aborts.
    pub heap_limit_bytes: Option<u64>,
    /// Seed of what the server draws at random.
    pub seed: u64,
}

/// Serves until standard input ends, or until interrupted at a terminal.
///
/// # Errors
///
/// When a setting is not known or the port is taken.
pub fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    // Fewer files than wished for is no reason not to start: accepting says when they run out.
    files::raise(0).ok();
    if let Some(bytes) = settings.heap_limit_bytes {
        heap::limit(bytes)?;
    }
    tell_panics_in_a_line();
    let telemetry = Telemetry::install()?;
    let console_port = if settings.console { console()? } else { None };
    let catalogue = Catalogue::load().map_err(anyhow::Error::msg)?;
    let chain = |bugs: &Bugs| {
        let mut base = base_chain();
        if settings.bare {
            base.remove(crate::incident::Slot::Metrics);
        }
        catalogue.chain(base, bugs)
    };

    let workers = std::thread::available_parallelism().map_or(2, |n| n.get().min(2));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("server")
        .enable_all()
        .build()?;
    let _entered = runtime.enter();

    let env = Env::new(host(settings.seed), |code| {
        // Go's rule: at once, from whatever thread the panic was in.
        std::process::exit(code);
    });
    set_world(catalogue, &env, &settings.bugs);
    for (name, value) in &settings.params {
        env.set_param(name, *value);
    }
    let gateway = Gateway::new(env, &chain(&settings.bugs)?);
    let listener = listen(&runtime, settings.port)?;
    let port = listener.local_addr()?.port();

    let out = Output::new();
    let by_hand = io::stdin().is_terminal();
    if !settings.supervised {
        announce(port, console_port, &settings.bugs);
    }
    out.write(&What::Ready { port: Some(port), pid: Some(std::process::id()), console_port });

    let (stop, mut stopped) = mpsc::channel::<()>(1);
    if !settings.bare {
        let (handle, gateway) = (runtime.handle().clone(), Arc::clone(&gateway));
        let (telemetry, out) = (telemetry.clone(), out.clone());
        thread("sampler", move || {
            sample(&handle, &gateway, &telemetry, &out);
        })?;
    }
    if !by_hand {
        let (handle, gateway) = (runtime.handle().clone(), Arc::clone(&gateway));
        thread("commands", move || {
            let chain = |bugs: &Bugs| catalogue.chain(base_chain(), bugs);
            obey(catalogue, &handle, &gateway, &out, chain);
            drop(stop);
        })?;
    }
    runtime.block_on(async {
        tokio::select! {
            never = connection::serve(listener, gateway, Some(telemetry.prometheus)) => match never {},
            _ = stopped.recv(), if !by_hand => {}
            _ = tokio::signal::ctrl_c(), if by_hand => {}
        }
    });
    // Tasks that hang must not keep the process.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// A panic is an event of the lesson: where, and what, in one line.
fn tell_panics_in_a_line() {
    std::panic::set_hook(Box::new(|panic| note(&wait::panic_line(panic))));
}

fn host(seed: u64) -> Host {
    Host { cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get), seed }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(|_| ())
}

/// Parameters of the incidents whose bugs are on take their manifests' values.
fn set_world(catalogue: &Catalogue, env: &Env, bugs: &Bugs) {
    for entry in catalogue.entries.iter().filter(|e| bugs.contains_key(&e.manifest.id)) {
        for (name, param) in &entry.manifest.params {
            env.set_param(name, param.value);
        }
    }
}

fn listen(runtime: &Runtime, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    runtime
        .block_on(TcpListener::bind(address))
        .with_context(|| format!("cannot listen on {address}; choose another --port, or none"))
}

fn announce(port: u16, console_port: Option<u16>, bugs: &Bugs) {
    let bugs: Vec<String> = bugs.iter().map(|(id, variant)| format!("{id}={variant}")).collect();
    let bugs = if bugs.is_empty() { "none".to_owned() } else { bugs.join(", ") };
    note(&format!("serving on http://127.0.0.1:{port}   bugs on: {bugs}"));
    note(&format!("try  curl http://127.0.0.1:{port}/metrics"));
    note(&format!(
        "try  curl -H 'authorization: Bearer demo-token' -d order http://127.0.0.1:{port}/orders"
    ));
    note("also POST /coupons, GET /orders/7; only /healthz and /metrics do without the header");
    if let Some(console_port) = console_port {
        note(&format!("try  tokio-console http://127.0.0.1:{console_port}"));
    }
    note("ends with Ctrl-C at a terminal, else with the end of standard input");
}

/// Where events go. A terminal gets none: they are for programs.
#[derive(Clone)]
struct Output {
    quiet: bool,
}

impl Output {
    fn new() -> Self {
        Self { quiet: io::stdout().is_terminal() }
    }

    /// Writes one event and flushes it. Without a reader there is nobody to serve for, so a
    /// closed pipe ends the process.
    fn write(&self, what: &What) {
        if self.quiet {
            return;
        }
        let mut line = match serde_json::to_vec(what) {
            Ok(line) => line,
            Err(error) => format!("cannot write an event: {error}").into_bytes(),
        };
        line.push(b'\n');
        let mut stdout = io::stdout().lock();
        if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
            std::process::exit(0);
        }
    }
}

/// Reports, tick by tick, for as long as the process lives.
fn sample(handle: &Handle, gateway: &Gateway, telemetry: &Telemetry, out: &Output) {
    for tick in 0_u32.. {
        for metric in telemetry.registry.announce() {
            out.write(&What::Metric(metric));
        }
        let alive = handle.metrics().num_alive_tasks() as u64;
        let connections = gateway.connections();
        let tasks = alive.saturating_sub(connections);
        let sites = wait::snapshot();
        gateway.env().bring_up_to_date();
        let mut metrics = telemetry.registry.snapshot();
        metrics.retain(|name, _| name != "tokio_alive_tasks");
        gauge!("tokio_alive_tasks").set(alive as f64);
        for site in &sites {
            let labels = [
                ("file", site.file.clone()),
                ("line", site.line.to_string()),
                ("label", site.label.clone()),
            ];
            gauge!("waiting_tasks", &labels).set(site.waiting as f64);
        }
        let wait_sites = sites.into_iter().filter(|site| site.waiting > 0).collect();
        let heap_bytes = heap::in_use_bytes();
        out.write(&What::Server(ServerSample {
            tasks,
            connections,
            heap_bytes,
            metrics,
            wait_sites,
        }));
        if tick % UPKEEP_TICKS == 0 {
            telemetry.prometheus.run_upkeep();
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread outside the runtime it watches")]
fn pause() {
    std::thread::sleep(TICK);
}

/// Carries out the commands on standard input, until it ends.
fn obey(
    catalogue: &Catalogue,
    handle: &Handle,
    gateway: &Gateway,
    out: &Output,
    chain: impl Fn(&Bugs) -> Result<crate::incident::Chain, crate::incident::Unknown>,
) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        match serde_json::from_str(&line) {
            Ok(Command::SetBugs { bugs }) => match chain(&bugs) {
                Ok(chain) => {
                    let _entered = handle.enter();
                    if let Some(line) = gateway.switch(&chain) {
                        out.write(&What::Log { line });
                    }
                }
                Err(unknown) => note(&unknown.to_string()),
            },
            Ok(Command::SetParam { name, value }) => match catalogue.param(&name) {
                Ok(param) => match param.check(&name, value) {
                    Ok(()) => gateway.env().set_param(&name, value),
                    Err(range) => note(&range),
                },
                Err(unknown) => note(&unknown.to_string()),
            },
            Ok(other) => note(&format!("only a replay takes this command: {other:?}")),
            Err(error) => note(&format!(
                "not a command: {error}: {line}\n\
                 such as {{\"command\":\"set_bugs\",\"bugs\":{{\"pool-leak\":\"broken\"}}}} or \
                 {{\"command\":\"set_param\",\"name\":\"store_ms\",\"value\":50}}"
            )),
        }
    }
}

/// Starts tokio-console's instruments; returns their port, or none in a build without them.
///
/// # Errors
///
/// When no port is free.
#[cfg(tokio_unstable)]
fn console() -> anyhow::Result<Option<u16>> {
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    // The instruments bind the port themselves and do not tell which: so find a free one first.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let layer = console_subscriber::ConsoleLayer::builder()
        .server_addr(free)
        // Finished tasks are kept this long; the default hour would be the lesson's memory leak.
        .retention(Duration::from_secs(10))
        // The defaults hold far more than a lesson shows, in memory that counts against the cap.
        .event_buffer_capacity(8 * 1024)
        .client_buffer_capacity(64)
        .spawn();
    tracing_subscriber::registry().with(layer).init();
    Ok(Some(free.port()))
}

#[cfg(not(tokio_unstable))]
fn console() -> anyhow::Result<Option<u16>> {
    note(
        "this build is without tokio-console's instruments (RUSTFLAGS=\"--cfg tokio_unstable\"); \
         going on without them",
    );
    Ok(None)
}
