//! Starts due requests in every lane, each with its time-out, on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::http::HttpTarget;
use super::pacer::{Change, Due, pace};
use super::schedule::Schedule;
use super::tally::Latencies;
use super::under_way::{SharedTally, UnderWay, lock};
use crate::event::LoadTick;
use crate::incident::manifest::Load;
use crate::incident::request::{Prepared, prepare};

/// Due requests that may wait for the driver's thread; a full queue shows as lag.
const QUEUE: usize = 8192;

/// Above this lag at p99 a measurement is not to be trusted.
pub const TRUSTED_LAG_MS: f64 = 5.0;

/// Where each lane listens now, and how often that has changed.
type Targets = Vec<(u64, Option<SocketAddr>)>;

/// Load on a set of lanes. Dropping it stops the load.
#[derive(Debug)]
pub struct Driver {
    /// None once stopped: its end is what tells the pacer.
    changes: Option<std_mpsc::Sender<Change>>,
    targets: watch::Sender<Targets>,
    measured: Arc<Measured>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Measured {
    lanes: Vec<SharedTally>,
    lag: Mutex<Latencies>,
}

impl Driver {
    /// Starts load on `lanes` lanes, none of which has a target yet.
    ///
    /// # Errors
    ///
    /// When a request of `load` cannot be prepared, or a thread cannot be started.
    pub fn start(load: &Load, seed: u64, lanes: usize) -> anyhow::Result<Self> {
        let kinds = prepare(&load.requests, 1.0).map_err(anyhow::Error::msg)?;
        let weights: Vec<f64> = kinds.iter().map(|(weight, _)| *weight).collect();
        let mix = kinds.into_iter().map(|(_, request)| request).collect();
        let schedule = Schedule::new(load.rate_per_s, load.arrivals, &weights, seed);
        let timeout = Duration::from_millis(load.client_timeout_ms);
        let lag = Mutex::default();
        let measured =
            Arc::new(Measured { lanes: (0..lanes).map(|_| SharedTally::default()).collect(), lag });

        let (changes, changed) = std_mpsc::channel();
        let (targets, retarget) = watch::channel(vec![(0, None); lanes]);
        let (due, arrivals) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        let began = Instant::now();
        let pacer = std::thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || pace(schedule, mix, began, &changed, &due))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&measured);
        let driver = std::thread::Builder::new().name("driver".to_owned()).spawn(move || {
            let local = LocalSet::new();
            local.block_on(&runtime, async {
                tokio::select! {
                    () = drive(arrivals, retarget, shared, timeout) => {}
                    _ = stopped => {}
                }
            });
            // Dropping the set drops the requests under way, which counts them as unfinished.
            drop(local);
        })?;
        Ok(Self {
            changes: Some(changes),
            targets,
            measured,
            stop: Some(stop),
            threads: vec![driver, pacer],
        })
    }

    /// Where a lane's requests go from now on; none: they fail at once, since nobody listens.
    pub fn set_target(&self, lane: usize, port: Option<u16>) {
        let address = port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        self.targets.send_modify(|targets| targets[lane] = (targets[lane].0 + 1, address));
    }

    /// A new rate.
    pub fn set_rate(&self, rate_per_s: f64) {
        self.change(Change::Rate(rate_per_s));
    }

    /// A new mix of requests, each with its weight.
    pub fn set_mix(&self, kinds: Vec<(f64, Arc<Prepared>)>) {
        self.change(Change::Mix(kinds));
    }

    fn change(&self, change: Change) {
        if let Some(changes) = &self.changes {
            // Fails only when the pacer has ended, and with it everything to change.
            changes.send(change).ok();
        }
    }

    /// What a lane did since the last call.
    pub fn take_tick(&self, lane: usize) -> LoadTick {
        lock(&self.measured.lanes[lane]).take()
    }

    /// How late requests started since the last call: microseconds, and how many.
    pub fn take_lag(&self) -> Vec<(u64, u32)> {
        self.measured.lag.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends the load. Requests under way count as unfinished in the next tick.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        self.changes = None;
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn drive(
    mut arrivals: mpsc::Receiver<Due>,
    mut retarget: watch::Receiver<Targets>,
    measured: Arc<Measured>,
    timeout: Duration,
) {
    let mut targets: Vec<(u64, Option<Rc<HttpTarget>>)> = vec![(0, None); measured.lanes.len()];
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            Ok(()) = retarget.changed() => {
                let wanted = retarget.borrow_and_update();
                for (target, (version, address)) in targets.iter_mut().zip(wanted.iter()) {
                    if target.0 != *version {
                        let made = address.map(|address| Rc::new(HttpTarget::new(address)));
                        *target = (*version, made);
                    }
                }
            }
            taken = arrivals.recv_many(&mut batch, 64) => {
                if taken == 0 {
                    return;
                }
                for due in batch.drain(..) {
                    let late = Instant::now().saturating_duration_since(due.at);
                    measured.lag.lock().unwrap_or_else(PoisonError::into_inner).record(late);
                    for (tally, (_, target)) in measured.lanes.iter().zip(&targets) {
                        let request = UnderWay::start(Arc::clone(tally), due.at, timeout);
                        let answer = send(target.clone(), Arc::clone(&due.request));
                        tokio::task::spawn_local(request.wait(answer));
                    }
                }
            }
        }
    }
}

/// The status of the answer; none where nobody listens, or the connection is lost.
async fn send(target: Option<Rc<HttpTarget>>, request: Arc<Prepared>) -> Option<StatusCode> {
    target?.send(&request).await.ok()
}
