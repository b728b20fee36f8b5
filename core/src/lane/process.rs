//! One simulated process: a paused runtime of its own. When it ends, its runtime is dropped, and
//! with it exactly its tasks.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::output::Output;
use super::watch::Watch;
use crate::event::{HandshakeFailed, Outcome};
use crate::incident::Chain;
use crate::incident::env::{Env, Host};
use crate::incident::request::{BodyBytes, Prepared};
use crate::load::in_flight::{InFlightRequest, SharedTally};
use crate::service::Gateway;

/// A simulated process, or the time without one: then there is a clock, and nobody serves.
#[derive(Debug)]
pub struct Process {
    runtime: Runtime,
    /// Start, in milliseconds since the start of the run.
    began_ms: u64,
    /// The same, on its own clock.
    began: Instant,
    server: Option<Server>,
}

/// A request to come.
#[derive(Debug)]
pub struct Due {
    /// Start, in milliseconds since the start of the run.
    pub at_ms: u64,
    /// The request.
    pub request: Arc<Prepared>,
    /// Its key.
    pub key: u64,
}

/// Clients of a process.
#[derive(Debug)]
pub struct Clients<'a> {
    /// Counter of their outcomes.
    pub tally: &'a SharedTally,
    /// Client timeout.
    pub timeout: Duration,
    /// Memory of the bodies that they have sent.
    pub bodies: &'a BodyBytes,
    /// True if they use TLS.
    pub tls: bool,
}

/// The server of a process.
#[derive(Debug)]
struct Server {
    gateway: Arc<Gateway>,
    crash: Arc<Crash>,
    idle: Idle,
}

/// Connections that clients keep open and do not use now.
#[derive(Debug, Clone, Default)]
struct Idle(Arc<AtomicUsize>);

impl Idle {
    /// Takes one, where there is one.
    fn take(&self) -> bool {
        let fewer = |idle: usize| idle.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok()
    }

    fn put_back(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A process that ends itself.
#[derive(Debug, Default)]
struct Crash {
    happened: Notify,
    code: AtomicI32,
}

impl Process {
    /// Time without a server, from `at_ms` on.
    ///
    /// # Errors
    ///
    /// When the runtime cannot be made.
    pub fn absent(at_ms: u64, watch: Option<&Watch>) -> std::io::Result<Self> {
        let runtime = paused(watch)?;
        let began = runtime.block_on(async { Instant::now() });
        Ok(Self { runtime, began_ms: at_ms, began, server: None })
    }

    /// A process that serves `chain` from `at_ms` on; `prepare` sets its parameters.
    ///
    /// # Errors
    ///
    /// When the runtime cannot be made.
    pub fn serving(
        at_ms: u64,
        host: Host,
        chain: &Chain,
        watch: Option<&Watch>,
        prepare: impl FnOnce(&Env),
    ) -> std::io::Result<Self> {
        let mut process = Self::absent(at_ms, watch)?;
        let crash = Arc::new(Crash::default());
        let told = Arc::clone(&crash);
        let env = Env::new(host, move |code| {
            told.code.store(code, Ordering::Relaxed);
            told.happened.notify_one();
        });
        prepare(&env);
        let gateway = {
            let _entered = process.runtime.enter();
            Gateway::new(env, chain)
        };
        process.server = Some(Server { gateway, crash, idle: Idle::default() });
        Ok(process)
    }

    /// Calls `act` on the process's clock.
    pub fn on_its_clock<R>(&self, act: impl FnOnce() -> R) -> R {
        let _entered = self.runtime.enter();
        act()
    }

    /// Returns true if a server is running.
    pub fn serves(&self) -> bool {
        self.server.is_some()
    }

    /// Returns its start, in milliseconds since the start of the run.
    pub fn began_ms(&self) -> u64 {
        self.began_ms
    }

    /// The surroundings of its service.
    pub fn env(&self) -> Option<&Env> {
        self.server.as_ref().map(|server| server.gateway.env())
    }

    /// Tasks alive on its runtime, those of clients included.
    pub fn tasks(&self) -> u64 {
        self.runtime.metrics().num_alive_tasks() as u64
    }

    /// Gives a parameter of its service a new value.
    pub fn set_param(&self, name: &str, value: f64) {
        let _entered = self.runtime.enter();
        if let Some(server) = &self.server {
            server.gateway.set_param(name, value);
        }
    }

    /// Puts `chain` in force; tells whether what stands in it has changed.
    pub fn switch(&self, chain: &Chain) -> bool {
        let _entered = self.runtime.enter();
        self.server.as_ref().is_some_and(|server| server.gateway.switch(chain))
    }

    /// Starts a request that is due; without a server it fails at once.
    fn start(&self, due: &Due, clients: &Clients) {
        let times = (self.instant(due.at_ms), clients.timeout);
        let in_flight =
            InFlightRequest::start(Arc::clone(clients.tally), due.request.kind(), times);
        match &self.server {
            Some(server) if clients.tls => {
                let alone = due.request.new_connection();
                let (idle, gateway) = (server.idle.clone(), Arc::clone(&server.gateway));
                let answer = answer(Arc::clone(&server.gateway), due, clients.bodies);
                self.runtime.spawn(in_flight.wait(async move {
                    if alone || !idle.take() {
                        // There is no wire here. A client that connects looks at the certificate's dates.
                        match gateway.certificate() {
                            Ok(shown) if shown.is_valid() => {}
                            Ok(_) => return Some(Outcome::Handshake(HandshakeFailed::Expired)),
                            Err(_) => return Some(Outcome::Handshake(HandshakeFailed::NoTls)),
                        }
                    }
                    let outcome = answer.await;
                    if !alone && outcome.is_some() {
                        idle.put_back();
                    }
                    outcome
                }));
            }
            Some(server) => {
                let answer = answer(Arc::clone(&server.gateway), due, clients.bodies);
                self.runtime.spawn(in_flight.wait(answer));
            }
            None => in_flight.unanswered(),
        }
    }

    /// Lets its clock run to `to_ms`, and starts each request when it is due. Returns the exit code
    /// when it ends itself before; requests that are due later are left.
    pub fn run(&self, to_ms: u64, due: &mut VecDeque<Due>, clients: &Clients) -> Option<i32> {
        let passes = async {
            while let Some(at_ms) = due.front().map(|due| due.at_ms).filter(|at| *at <= to_ms) {
                sleep_until(self.instant(at_ms)).await;
                if let Some(due) = due.pop_front() {
                    self.start(&due, clients);
                }
            }
            sleep_until(self.instant(to_ms)).await;
        };
        self.runtime.block_on(async {
            let Some(server) = &self.server else {
                passes.await;
                return None;
            };
            tokio::select! {
                biased;
                () = server.crash.happened.notified() => {
                    Some(server.crash.code.load(Ordering::Relaxed))
                }
                () = passes => None,
            }
        })
    }

    /// Returns the time in milliseconds since the start of the run.
    pub fn now_ms(&self) -> u64 {
        let now = self.runtime.block_on(async { Instant::now() });
        self.began_ms + (now - self.began).as_millis() as u64
    }

    /// Has `out` stamp what is logged within this process with its clock.
    pub fn show_time(&self, out: &Output) {
        out.set_clock(self.began_ms, self.began);
    }

    fn instant(&self, at_ms: u64) -> Instant {
        self.began + Duration::from_millis(at_ms.saturating_sub(self.began_ms))
    }
}

fn paused(watch: Option<&Watch>) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    // Which branch of a `select!` is tried first is drawn at random.
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(b"firedrill"));
    if let Some(watch) = watch {
        watch_polls(&mut builder, watch);
    }
    builder.build()
}

#[cfg(tokio_unstable)]
fn watch_polls(builder: &mut Builder, watch: &Watch) {
    let (begun, ended) = (watch.clone(), watch.clone());
    builder.on_before_task_poll(move |_| begun.begin());
    builder.on_after_task_poll(move |task| {
        ended.end(|| {
            let at = task.spawned_at();
            format!("{}:{}", at.file(), at.line())
        });
    });
}

/// A build without `tokio_unstable` has no way to look at polls.
#[cfg(not(tokio_unstable))]
fn watch_polls(_: &mut Builder, _: &Watch) {}

/// Classifies the answer; none if a panic of the service drops the connection.
fn answer(
    gateway: Arc<Gateway>,
    due: &Due,
    bodies: &BodyBytes,
) -> impl Future<Output = Option<Outcome>> + Send + use<> {
    let (prepared, key) = (Arc::clone(&due.request), due.key);
    let request = prepared.in_process(key, bodies).map(Body::new);
    let answer = async move {
        let response = gateway.handle(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.ok()?;
        Some(if prepared.has_right_answer() {
            prepared.outcome(status, &body.to_bytes(), key)
        } else {
            Outcome::Answered(status)
        })
    };
    async move { AssertUnwindSafe(answer).catch_unwind().await.ok().flatten() }
}
