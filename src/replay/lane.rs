//! What goes on beyond the life of one process: arrivals, ticks, the memory cap, restarts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use super::output::Output;
use super::process::Process;
use super::watch::Watch;
use crate::back_off::BackOff;
use crate::catalogue::Catalogue;
use crate::event::{ExitCause, Sample, ServerSample, TICK, What};
use crate::incident::metrics::Registry;
use crate::incident::request::Prepared;
use crate::incident::{Bugs, Env, wait};
use crate::load::Schedule;
use crate::load::schedule::Arrival;
use crate::load::tally::CutOff;
use crate::load::under_way::{SharedTally, lock};
use crate::service::base_chain;

const TICK_MS: u64 = TICK.as_millis() as u64;

/// A virtual lane.
#[derive(Debug)]
pub struct Lane {
    catalogue: &'static Catalogue,
    out: Output,
    registry: Registry,
    seed: u64,
    cap_bytes: u64,
    client_timeout: Duration,
    schedule: Schedule,
    mix: Vec<Arc<Prepared>>,
    next: Option<Arrival>,
    tally: SharedTally,
    bugs: Bugs,
    params: BTreeMap<String, f64>,
    now_ms: u64,
    /// When the next sample is due.
    tick_ms: u64,
    process: Process,
    watch: Option<Watch>,
    starts: u32,
    back_off: BackOff,
    /// When a process is to be started.
    again_ms: Option<u64>,
}

impl Lane {
    /// A lane at time 0, without a process.
    ///
    /// # Errors
    ///
    /// When this process has a metrics recorder already, or a runtime cannot be made.
    pub fn new(
        catalogue: &'static Catalogue,
        settings: &Settings,
        out: Output,
    ) -> anyhow::Result<Self> {
        let registry = Registry::default();
        metrics::set_global_recorder(registry.clone())
            .map_err(|_| anyhow::anyhow!("this process has a metrics recorder already"))?;
        let manifest = &settings.entry.manifest;
        let (weights, mix) = apart(catalogue.mix(std::slice::from_ref(&manifest.id)))?;
        let mut schedule =
            Schedule::new(settings.rate_per_s, manifest.load.arrivals, &weights, settings.seed);
        Ok(Self {
            catalogue,
            out,
            registry,
            seed: settings.seed,
            cap_bytes: manifest.memory.cap_bytes(),
            client_timeout: Duration::from_millis(manifest.load.client_timeout_ms),
            next: schedule.next(),
            schedule,
            mix,
            tally: SharedTally::default(),
            bugs: Bugs::new(),
            params: BTreeMap::new(),
            now_ms: 0,
            tick_ms: TICK_MS,
            process: Process::absent(0, None)?,
            watch: settings.watched.then(Watch::default),
            starts: 0,
            back_off: BackOff::default(),
            again_ms: Some(0),
        })
    }

    /// Puts these bugs in force.
    ///
    /// # Errors
    ///
    /// When one of them is not known.
    pub fn set_bugs(&mut self, bugs: Bugs) -> anyhow::Result<()> {
        let chain = self.catalogue.chain(base_chain(), &bugs)?;
        self.bugs = bugs;
        if let Some(line) = self.process.switch(&chain) {
            self.out.emit(self.now_ms, What::Log { line });
        }
        Ok(())
    }

    /// Gives a parameter a new value.
    pub fn set_param(&mut self, name: String, value: f64) {
        if let Some(env) = self.process.env() {
            env.set_param(&name, value);
        }
        self.params.insert(name, value);
    }

    /// A new rate, from the next arrival but one on, as live.
    pub fn set_rate(&mut self, rate_per_s: f64) {
        self.schedule.set_rate(rate_per_s);
    }

    /// The traffic of these incidents from now on.
    ///
    /// # Errors
    ///
    /// When HTTP does not allow one of their requests.
    pub fn set_mix(&mut self, incidents: &[String]) -> anyhow::Result<()> {
        let (weights, mix) = apart(self.catalogue.mix(incidents))?;
        self.schedule.set_weights(&weights);
        self.mix = mix;
        Ok(())
    }

    /// Ends the process, if there is one, and starts a new one at once.
    pub fn restart(&mut self) {
        self.back_off.forgive();
        if self.process.serves() {
            self.out.emit(self.now_ms, What::Exit { cause: ExitCause::Stopped, code: None });
        }
        self.again_ms = Some(self.now_ms);
    }

    /// Lets time pass up to and including `to_ms`.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn advance(&mut self, to_ms: u64) -> anyhow::Result<()> {
        loop {
            if self.again_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
                self.start()?;
            }
            let arrival_ms = self.next.map_or(u64::MAX, |arrival| due_ms(&arrival));
            let next_ms = arrival_ms.min(self.tick_ms).min(self.again_ms.unwrap_or(u64::MAX));
            let goal_ms = next_ms.min(to_ms);
            if let Some(code) = self.process.run(goal_ms) {
                self.now_ms = self.process.now_ms();
                self.went_down(ExitCause::Crashed, Some(code))?;
                continue;
            }
            self.now_ms = goal_ms;
            if next_ms > to_ms {
                return Ok(());
            }
            // A sample comes after all arrivals of its moment.
            if arrival_ms == next_ms {
                self.arrive();
            } else if self.tick_ms == next_ms {
                self.tick_ms += TICK_MS;
                self.tick()?;
            }
        }
    }

    /// Accounts for the requests that were still under way.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn end(&mut self) -> anyhow::Result<()> {
        lock(&self.tally).cut_off = CutOff::RunEnds;
        let server = self.server();
        let resident_bytes = self.process.serves().then(|| self.process.heap_bytes());
        let served = self.process.serves();
        self.process = Process::absent(self.now_ms, None)?;
        let load = lock(&self.tally).take();
        self.out.emit(self.now_ms, What::Sample(Sample { server, resident_bytes, load }));
        if served {
            self.out.emit(self.now_ms, What::Exit { cause: ExitCause::Stopped, code: None });
        }
        for (task, times) in self.watch.iter().flat_map(Watch::found) {
            self.out.emit(self.now_ms, What::Blocked { task, times });
        }
        Ok(())
    }

    fn start(&mut self) -> anyhow::Result<()> {
        self.again_ms = None;
        self.starts += 1;
        self.drop_process(Process::absent(self.now_ms, None)?);
        self.out.emit(self.now_ms, What::Starting { attempt: self.starts });
        let chain = self.catalogue.chain(base_chain(), &self.bugs)?;
        let params = &self.params;
        let prepare =
            |env: &Env| params.iter().for_each(|(name, value)| env.set_param(name, *value));
        self.process =
            Process::serving(self.now_ms, self.seed, &chain, self.watch.as_ref(), prepare)?;
        self.process.show_time(&self.out);
        self.out.emit(self.now_ms, What::Ready { port: None, pid: None, console_port: None });
        Ok(())
    }

    fn went_down(&mut self, cause: ExitCause, code: Option<i32>) -> anyhow::Result<()> {
        let served = Duration::from_millis(self.now_ms - self.process.began_ms());
        self.drop_process(Process::absent(self.now_ms, None)?);
        self.out.emit(self.now_ms, What::Exit { cause, code });
        let (count, after) = self.back_off.next(served);
        let after_ms = after.as_millis() as u64;
        self.out.emit(self.now_ms, What::Restart { count, after_ms });
        self.again_ms = Some(self.now_ms + after_ms);
        Ok(())
    }

    /// Drops the process, with its tasks, its connections and its metrics.
    fn drop_process(&mut self, next: Process) {
        lock(&self.tally).cut_off = CutOff::ServerEnds;
        self.process = next;
        lock(&self.tally).cut_off = CutOff::RunEnds;
        self.registry.clear();
    }

    fn arrive(&mut self) {
        let Some(arrival) = self.next else { return };
        // The mix may have shrunk since this arrival was drawn.
        if let Some(request) = self.mix.get(arrival.kind).or(self.mix.last()) {
            self.process.request(self.now_ms, request, &self.tally, self.client_timeout);
        }
        self.next = self.schedule.next();
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        for metric in self.registry.announce() {
            self.out.emit(self.now_ms, What::Metric(metric));
        }
        let serves = self.process.serves();
        let server = self.server();
        let bytes = self.process.heap_bytes();
        let load = lock(&self.tally).take();
        let resident_bytes = serves.then_some(bytes);
        self.out.emit(self.now_ms, What::Sample(Sample { server, resident_bytes, load }));
        if serves && bytes >= self.cap_bytes {
            let cause = ExitCause::OutOfMemory { resident_bytes: bytes, cap_bytes: self.cap_bytes };
            self.went_down(cause, None)?;
        }
        Ok(())
    }

    /// What the server measures of itself; none without one.
    fn server(&self) -> Option<ServerSample> {
        let env = self.process.env()?;
        env.bring_up_to_date();
        let in_flight = lock(&self.tally).in_flight();
        Some(ServerSample {
            // A request's client is a task of this runtime too.
            tasks: self.process.tasks().saturating_sub(in_flight),
            connections: in_flight,
            heap_bytes: self.process.heap_bytes(),
            metrics: self.registry.snapshot(),
            wait_sites: wait::snapshot().into_iter().filter(|site| site.waiting > 0).collect(),
        })
    }
}

/// When an arrival is due: the first whole millisecond, since a paused clock has no finer ones.
fn due_ms(arrival: &Arrival) -> u64 {
    u64::try_from(arrival.at.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

type Mix = Vec<(f64, Arc<Prepared>)>;

/// Weights and requests.
fn apart(mix: Result<Mix, String>) -> anyhow::Result<(Vec<f64>, Vec<Arc<Prepared>>)> {
    Ok(mix.map_err(anyhow::Error::msg)?.into_iter().unzip())
}
