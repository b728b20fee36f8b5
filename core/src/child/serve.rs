//! A lane's child: one server in a process of its own.
//!
//! Events go out on standard output and commands come in on standard input, a JSON object a line;
//! the end of standard input ends the process. Sampling runs on a thread of its own, so a wedged
//! server still reports.

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics::{Unit, describe_gauge, gauge};
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

use crate::catalogue::Catalogue;
use crate::event::{ChildStart, ParentSays, Ready, ServerSample, ServerSays, TICK};
#[cfg(feature = "tls")]
use crate::incident::certificate::certificate_file;
use crate::incident::chain::slot_names;
use crate::incident::cpu::Work;
use crate::incident::env::{Env, Host};
use crate::incident::metrics::{Registry, Telemetry};
use crate::incident::wait::{self, Sites};
use crate::incident::{Bugs, Chain, Slot, Unknown};
use crate::lane::HeapMeter;
use crate::lane::virtual_lane::shown;
use crate::sanitize::next_line;
use crate::service::log_file::Tailed;
use crate::service::{Gateway, base_chain};

use super::connection::{self, Clients, Connections};
use super::{Means, files, note};

/// Ticks between two clean-ups of the Prometheus exporter, whose histograms grow until then.
const UPKEEP_TICKS: u32 = 50;

/// Options of a server.
#[derive(Debug, Clone)]
pub struct ServeSettings {
    /// Description of the server.
    pub begin: ChildStart,
    /// TCP port on loopback; 0 lets the system choose.
    pub port: u16,
    /// True if the service has no `metrics` slot and sends no samples: for benchmarks.
    pub bare: bool,
    /// True if a parent process started it, so that no greeting is printed.
    pub supervised: bool,
}

impl ServeSettings {
    /// A server that a parent started.
    pub fn supervised(begin: ChildStart) -> Self {
        Self { begin, port: 0, bare: false, supervised: true }
    }
}

/// Serves until standard input ends, or until interrupted at a terminal.
///
/// # Errors
///
/// When a setting is not known or the port is taken.
pub fn serve(
    catalogue: &'static Catalogue,
    settings: ServeSettings,
    means: Means,
) -> anyhow::Result<ExitCode> {
    // Fewer files than wished for is no reason not to start: accepting says when they run out.
    files::raise(0).ok();
    let ServeSettings { begin, port, bare, supervised } = settings;
    if let Some(bytes) = begin.heap_limit_bytes {
        (means.limit_heap)(bytes)?;
    }
    tell_panics_in_a_line();
    let (telemetry, recorder) = Telemetry::new(catalogue.owners())?;
    metrics::set_global_recorder(recorder)
        .map_err(|_| anyhow::anyhow!("this process has a metrics recorder already"))?;
    let sites = Sites::default();
    let console_port = if begin.console { (means.console)()? } else { None };
    let mut standing = Standing {
        catalogue,
        in_play: begin.in_play.clone(),
        without: begin.without.clone(),
        bare,
    };

    let runtime = runtime(&sites)?;
    let _entered = runtime.enter();

    let env = Env::new(host(&begin), |code| {
        // Go's rule: at once, from whatever thread the panic was in.
        std::process::exit(code);
    });
    for (name, value) in &begin.params {
        env.set_param(name, *value);
    }
    let chain = standing.chain()?;
    let root = trust(&env, catalogue, &begin)?;
    let gateway = Gateway::new(env, &chain);
    let listener = listen(&runtime, port)?;
    let port = listener.local_addr()?.port();

    let out = Output::new();
    let by_hand = io::stdin().is_terminal();
    if !supervised {
        let in_play: Vec<String> = begin.in_play.keys().cloned().collect();
        announce(port, console_port, &begin, catalogue.speaks_tls(&in_play));
    }
    let (pid, instance) = (Some(std::process::id()), begin.instance);
    let ready = Ready { port: Some(port), pid, console_port, instance, cap_bytes: None, root };
    out.write(&ServerSays::Ready(ready));
    out.write(&ServerSays::Chain(shown(&chain)));

    let connections = Connections::default();
    let (stop, mut stopped) = mpsc::channel::<()>(1);
    if !bare {
        let (handle, gateway) = (runtime.handle().clone(), Arc::clone(&gateway));
        let (telemetry, out) = (telemetry.clone(), out.clone());
        let (connections, heap_bytes) = (connections.clone(), means.heap_bytes);
        let shows_log = catalogue.find(&begin.incident).is_ok_and(|e| e.manifest.shows_log());
        let tailed = (shows_log && begin.instance == 0).then(Tailed::default);
        thread("sampler", move || {
            let seen = (&*gateway, &connections, heap_bytes);
            sample(&handle, seen, (&telemetry, &sites), tailed, &out);
        })?;
    }
    if !by_hand {
        let (handle, gateway) = (runtime.handle().clone(), Arc::clone(&gateway));
        let registry = telemetry.registry.clone();
        thread("commands", move || {
            obey(&mut standing, (&handle, &registry), &gateway, &out);
            drop(stop);
        })?;
    }
    let clients = if supervised { Clients::Driver } else { Clients::Anybody };
    let prometheus = Some(telemetry.prometheus);
    runtime.block_on(async {
        tokio::select! {
            never = connection::serve(listener, clients, gateway, prometheus, connections) => match never {},
            _ = stopped.recv(), if !by_hand => {}
            _ = tokio::signal::ctrl_c(), if by_hand => {}
        }
    });
    // Tasks that hang must not keep the process.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// The runtime of a server: two threads at most, so that lanes beside each other leave room for the load.
fn runtime(sites: &Sites) -> io::Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get().min(2));
    let sites = sites.clone();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("server")
        .on_thread_start(move || sites.enter())
        .enable_all()
        .build()
}

/// Has certificates signed by an authority of this process's own; what its clients are to trust.
///
/// # Errors
///
/// When that cannot be, and the incident's clients speak TLS.
#[cfg(feature = "tls")]
fn trust(env: &Env, catalogue: &Catalogue, begin: &ChildStart) -> anyhow::Result<Vec<u8>> {
    let wanted = catalogue.find(&begin.incident).is_ok_and(|entry| entry.manifest.tls);
    match super::tls::Authority::new() {
        Ok(authority) => {
            let root = authority.root();
            certificate_file(env).signed_by(Box::new(move |life| authority.sign(life)));
            Ok(root)
        }
        Err(error) if wanted => Err(error.into()),
        // Nobody asks for it; who does later is told that there is no certificate.
        Err(_) => Ok(Vec::new()),
    }
}

/// Without TLS there is nothing to trust.
#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "as with TLS")]
fn trust(_: &Env, _: &Catalogue, _: &ChildStart) -> anyhow::Result<Vec<u8>> {
    Ok(Vec::new())
}

/// A panic is an event of the lesson: where, and what, in one line.
fn tell_panics_in_a_line() {
    std::panic::set_hook(Box::new(|panic| note(&wait::panic_line(panic))));
}

fn host(begin: &ChildStart) -> Host {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Host { cpus, seed: begin.seed, instance: begin.instance, work: Work::Real(burn) }
}

/// Keeps this thread busy for a time.
#[expect(clippy::disallowed_methods, reason = "real work takes real time")]
fn burn(time: Duration) {
    let end = std::time::Instant::now() + time;
    while std::time::Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(|_| ())
}

/// The installed middleware.
struct Standing {
    catalogue: &'static Catalogue,
    in_play: Bugs,
    without: Vec<String>,
    bare: bool,
}

impl Standing {
    fn chain(&self) -> anyhow::Result<Chain> {
        let mut chain = self.catalogue.chain(base_chain(), &self.in_play)?;
        if self.bare {
            chain.without(Slot::Metrics.name());
        }
        for slot in &self.without {
            if !chain.without(slot) {
                anyhow::bail!(Unknown::new("slot", slot, slot_names()));
            }
        }
        Ok(chain)
    }
}

fn listen(runtime: &Runtime, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    runtime
        .block_on(TcpListener::bind(address))
        .with_context(|| format!("cannot listen on {address}; choose another --port, or none"))
}

fn announce(port: u16, console_port: Option<u16>, begin: &ChildStart, tls: bool) {
    let bugs = &begin.in_play;
    let bugs: Vec<String> = bugs.iter().map(|(id, variant)| format!("{id}={variant}")).collect();
    let bugs = if bugs.is_empty() { "none".to_owned() } else { bugs.join(", ") };
    note(&format!("serving on http://127.0.0.1:{port}   bugs on: {bugs}"));
    note(&format!("try  curl http://127.0.0.1:{port}/metrics"));
    note(&format!(
        "try  curl -H 'authorization: Bearer demo-token' -d order http://127.0.0.1:{port}/orders"
    ));
    if tls {
        note(&format!("try  curl -kv https://127.0.0.1:{port}/healthz"));
    }
    note("also GET /orders/7; only /healthz and /metrics do without the header");
    if let Some(console_port) = console_port {
        note(&format!("try  tokio-console http://127.0.0.1:{console_port}"));
    }
    note("ends with Ctrl-C at a terminal, else with the end of standard input");
}

/// Event output. A terminal gets none: events are for programs.
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
    fn write(&self, what: &ServerSays) {
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
fn sample(
    handle: &Handle,
    (gateway, connections, heap_bytes): (&Gateway, &Connections, HeapMeter),
    (telemetry, sites): (&Telemetry, &Sites),
    mut tailed: Option<Tailed>,
    out: &Output,
) {
    describe_gauge!("tokio_alive_tasks", Unit::Count, "tasks of the server's runtime");
    describe_gauge!("waiting_tasks", Unit::Count, "tasks that wait at a place in the source");
    for tick in 0_u32.. {
        for metric in telemetry.registry.announce() {
            out.write(&ServerSays::Metric(metric));
        }
        if let Some(tail) = tailed.as_mut().and_then(|tailed| tailed.tick(gateway.env())) {
            out.write(&ServerSays::LogTail(tail));
        }
        let alive = handle.metrics().num_alive_tasks() as u64;
        let connections = connections.open();
        let tasks = alive.saturating_sub(connections + gateway.env().outside());
        let sites = sites.snapshot();
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
        let heap_bytes = heap_bytes();
        out.write(&ServerSays::Server(ServerSample {
            tasks,
            connections,
            heap_bytes,
            metrics,
            gone: Vec::new(),
            wait_sites,
            series: telemetry.registry.series(),
            worked_us: gateway.env().worked().as_micros() as u64,
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

/// Bytes of a command that are read; no command is as long.
const LONGEST_COMMAND: u64 = 1 << 20;

/// Characters of a line that are quoted.
const LONGEST_SHOWN: usize = 200;

/// Carries out the commands on standard input, until it ends.
fn obey(standing: &mut Standing, runs: (&Handle, &Registry), gateway: &Gateway, out: &Output) {
    let mut input = io::stdin().lock();
    for number in 1.. {
        // Without a way to hear anything more, it ends as with the end of the commands.
        let Ok(Some((line, _))) = next_line(&mut input, LONGEST_COMMAND) else { return };
        let line = String::from_utf8_lossy(&line);
        let shown: String = line.chars().take(LONGEST_SHOWN).collect();
        match serde_json::from_str(&line) {
            Ok(ParentSays::SetBugs { bugs }) => {
                let before = std::mem::replace(&mut standing.in_play, bugs);
                if !switch(standing, runs, gateway, out) {
                    standing.in_play = before;
                }
            }
            Ok(ParentSays::SetWithout { slots }) => {
                let before = std::mem::replace(&mut standing.without, slots);
                if !switch(standing, runs, gateway, out) {
                    standing.without = before;
                }
            }
            Ok(ParentSays::SetParam { name, value }) => match standing.catalogue.param(&name) {
                Ok(param) => match param.check(&name, value) {
                    Ok(()) => {
                        let _entered = runs.0.enter();
                        gateway.set_param(&name, value);
                    }
                    Err(range) => note(&range.to_string()),
                },
                Err(unknown) => note(&unknown.to_string()),
            },
            Ok(_) => note(&format!(
                "line {number}: a server takes set_bugs, set_without and set_param alone, not {shown}"
            )),
            Err(error) => note(&format!(
                "line {number}: not a command: {error}: {shown}\n\
                 such as {{\"command\":\"set_bugs\",\"bugs\":{{\"pool-leak\":\"broken\"}}}} or \
                 {{\"command\":\"set_param\",\"name\":\"store_ms\",\"value\":50}}"
            )),
        }
    }
}

/// Puts what shall stand in the chain in force; tells whether that can be.
fn switch(
    standing: &Standing,
    (handle, registry): (&Handle, &Registry),
    gateway: &Gateway,
    out: &Output,
) -> bool {
    match standing.chain() {
        Ok(chain) => {
            let _entered = handle.enter();
            registry.other_code();
            if gateway.switch(&chain) {
                out.write(&ServerSays::Chain(shown(&chain)));
            }
            true
        }
        Err(error) => {
            note(&error.to_string());
            false
        }
    }
}
