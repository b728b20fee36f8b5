//! Starts due requests in every lane, each with its timeout, on a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::http::{HttpTarget, Trust, Unanswered};
use super::pacer::{Due, Retune, pace};
use super::tls::Client;
use firedrill_core::event::LoadTick;
use firedrill_core::event::Outcome;
use firedrill_core::incident::fleet::Splitter;
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::manifest::MAX_INSTANCES;
use firedrill_core::incident::request::{Prepared, prepare};
use firedrill_core::incident::traffic::Load;
use firedrill_core::load::in_flight::{InFlightRequest, SharedTally, lock};
use firedrill_core::load::schedule::Schedule;
use firedrill_core::load::tally::Latencies;

/// Due requests that may wait for the driver's thread; a full queue shows as lag.
const QUEUE: usize = 8192;

/// Addresses of a lane's instances, and the version of this list.
#[derive(Debug, Clone, Default)]
struct LaneTargets {
    /// Number of changes.
    version: u64,
    /// One an instance: how often that has changed, and where it listens.
    instances: Vec<(u64, Option<Listening>)>,
    /// Weights of the instances.
    weights: Vec<f64>,
}

/// Address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Its port on loopback.
    pub port: u16,
    /// Certificate that its clients trust, in DER, if it uses TLS; empty if it has none.
    pub root: Option<Arc<[u8]>>,
}

type Targets = Vec<LaneTargets>;

/// Load on a set of lanes. Dropping it stops the load.
#[derive(Debug)]
pub struct Driver {
    /// None once stopped: its end is what tells the pacer.
    changes: Option<std_mpsc::Sender<Retune>>,
    targets: watch::Sender<Targets>,
    measured: Arc<Measured>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Measured {
    /// By lane, then by instance.
    lanes: Vec<[SharedTally; MAX_INSTANCES]>,
    lag: Mutex<Latencies>,
    /// Requests that could not be sent.
    not_sent: AtomicU64,
}

impl Listening {
    fn target(&self) -> HttpTarget {
        let trust = match &self.root {
            None => Trust::Plain,
            Some(root) => Client::trusting(root).map_or(Trust::Missing, Trust::Tls),
        };
        HttpTarget::new(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), trust)
    }
}

impl Driver {
    /// Starts load on `lanes` lanes, none of which has a target yet, with the parameters of the run.
    ///
    /// # Errors
    ///
    /// When a request of `load` cannot be prepared, or a thread cannot be started.
    pub fn start(load: &Load, params: &Values, seed: u64, lanes: usize) -> anyhow::Result<Self> {
        let kinds = prepare(load, params, 1.0).map_err(anyhow::Error::msg)?;
        let weights: Vec<f64> = kinds.iter().map(|(weight, _)| *weight).collect();
        let mix = kinds.into_iter().map(|(_, request)| request).collect();
        let schedule = Schedule::new(load.rate_per_s, load.arrivals, &weights, seed);
        let timeout = Duration::from_millis(load.client_timeout_ms);
        let lag = Mutex::default();
        let lanes = (0..lanes).map(|_| Default::default()).collect::<Vec<_>>();
        let count = lanes.len();
        let measured = Arc::new(Measured { lanes, lag, not_sent: AtomicU64::default() });

        let (changes, changed) = std_mpsc::channel();
        let (targets, retarget) = watch::channel(vec![LaneTargets::default(); count]);
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

    /// Sets the addresses of a lane's instances and their weights. Without an address, requests fail at once.
    pub fn set_targets(&self, lane: usize, listening: &[Option<Listening>], weights: &[f64]) {
        self.targets.send_modify(|targets| {
            let lane = &mut targets[lane];
            lane.version += 1;
            lane.instances.resize(listening.len().min(MAX_INSTANCES), (0, None));
            for (instance, now) in lane.instances.iter_mut().zip(listening) {
                if instance.1 != *now {
                    *instance = (lane.version, now.clone());
                }
            }
            weights.clone_into(&mut lane.weights);
        });
    }

    /// Sets the address of a lane with one instance.
    pub fn set_target(&self, lane: usize, port: Option<u16>) {
        self.set_targets(lane, &[port.map(|port| Listening { port, root: None })], &[100.0]);
    }

    /// A new rate.
    pub fn set_rate(&self, rate_per_s: f64) {
        self.change(Retune::Rate(rate_per_s));
    }

    /// A new mix of requests, each with its weight.
    pub fn set_mix(&self, kinds: Vec<(f64, Arc<Prepared>)>) {
        self.change(Retune::Mix(kinds));
    }

    fn change(&self, change: Retune) {
        if let Some(changes) = &self.changes {
            // Fails only when the pacer has ended, and with it everything to change.
            changes.send(change).ok();
        }
    }

    /// Returns the outcomes of an instance since the last call.
    pub fn take_tick_of(&self, lane: usize, instance: usize) -> LoadTick {
        lock(&self.measured.lanes[lane][instance]).take()
    }

    /// Returns the outcomes of a lane since the last call.
    pub fn take_tick(&self, lane: usize) -> LoadTick {
        let mut sum = LoadTick::default();
        (0..MAX_INSTANCES).for_each(|instance| sum.add(self.take_tick_of(lane, instance)));
        sum
    }

    /// Returns the lateness of requests since the last call: microseconds, and counts.
    pub fn take_lag(&self) -> Vec<(u64, u32)> {
        self.measured.lag.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Requests since the last call that could not be sent, for want of connections.
    pub fn take_not_sent(&self) -> u64 {
        self.measured.not_sent.swap(0, Ordering::Relaxed)
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

/// One lane, as the driver sends to it.
#[derive(Default)]
struct Sending {
    version: u64,
    instances: Vec<(u64, Option<Rc<HttpTarget>>)>,
    splitter: Splitter,
}

impl Sending {
    fn retarget(&mut self, wanted: &LaneTargets) {
        if self.version == wanted.version {
            return;
        }
        self.version = wanted.version;
        self.instances.resize_with(wanted.instances.len(), || (0, None));
        for (target, (version, listening)) in self.instances.iter_mut().zip(&wanted.instances) {
            if target.0 != *version {
                *target =
                    (*version, listening.as_ref().map(|listening| Rc::new(listening.target())));
            }
        }
        self.splitter.set(wanted.weights.clone());
    }

    /// The instance that the next request goes to, and how it is reached.
    fn next(&mut self) -> (usize, Option<Rc<HttpTarget>>) {
        let instance = self.splitter.pick().min(self.instances.len().saturating_sub(1));
        (instance, self.instances.get(instance).and_then(|(_, target)| target.clone()))
    }
}

async fn drive(
    mut arrivals: mpsc::Receiver<Due>,
    mut retarget: watch::Receiver<Targets>,
    measured: Arc<Measured>,
    timeout: Duration,
) {
    let mut lanes: Vec<Sending> = measured.lanes.iter().map(|_| Sending::default()).collect();
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            Ok(()) = retarget.changed() => {
                let wanted = retarget.borrow_and_update();
                lanes.iter_mut().zip(wanted.iter()).for_each(|(lane, wanted)| lane.retarget(wanted));
            }
            taken = arrivals.recv_many(&mut batch, 64) => {
                if taken == 0 {
                    return;
                }
                for due in batch.drain(..) {
                    let late = Instant::now().saturating_duration_since(due.at);
                    measured.lag.lock().unwrap_or_else(PoisonError::into_inner).record(late);
                    for (tallies, lane) in measured.lanes.iter().zip(&mut lanes) {
                        let (instance, target) = lane.next();
                        let (tally, kind) = (Arc::clone(&tallies[instance]), due.request.kind());
                        let request = InFlightRequest::start(tally, kind, (due.at, timeout));
                        let answer = send(target, (Arc::clone(&due.request), due.key), Arc::clone(&measured));
                        tokio::task::spawn_local(request.wait(answer));
                    }
                }
            }
        }
    }
}

/// Sends a request and classifies the answer; none if there is no server or the connection is lost.
async fn send(
    target: Option<Rc<HttpTarget>>,
    (request, key): (Arc<Prepared>, u64),
    measured: Arc<Measured>,
) -> Option<Outcome> {
    match target?.send(&request, key).await {
        Ok(outcome) => Some(outcome),
        Err(Unanswered::Handshake(why)) => Some(Outcome::Handshake(why)),
        Err(Unanswered::NotSent(_)) => {
            measured.not_sent.fetch_add(1, Ordering::Relaxed);
            Some(Outcome::NotSent)
        }
        Err(_) => None,
    }
}
