//! One instance of a virtual lane over its processes: what it runs, what it holds, its crashes.

use std::collections::VecDeque;
use std::time::Duration;

use super::HeapMeter;
use super::back_off::BackOff;
use super::output::Output;
use super::process::{Clients, Due, Process};
use super::watch::Watch;
use crate::event::{ExitCause, LaneSays, LoadTick, Ready, ServerSample};
use crate::incident::Chain;
use crate::incident::env::{Env, Host};
use crate::incident::metrics::{Owners, Registry};
use crate::incident::request::BodyBytes;
use crate::incident::wait::Sites;
use crate::load::in_flight::{SharedTally, lock};
use crate::load::tally::CutOff;

/// One instance.
#[derive(Debug)]
pub(super) struct VirtualInstance {
    index: usize,
    out: Output,
    pub(super) registry: Registry,
    sites: Sites,
    heap: HeapMeter,
    /// Heap bytes that its process holds: what its code has taken, less what it has given back.
    held_bytes: i64,
    tally: SharedTally,
    client_timeout: Duration,
    /// True if clients use TLS.
    pub(super) tls: bool,
    /// Requests to come, in order of time.
    due: VecDeque<Due>,
    /// Memory of the bodies of its requests.
    bodies: BodyBytes,
    process: Process,
    watch: Option<Watch>,
    starts: u32,
    back_off: BackOff,
    /// Time of the next start.
    again_ms: Option<u64>,
    /// Processor time of the tick before.
    worked_us: u64,
}

/// Data for the start of a process.
pub(super) struct Start<'a> {
    pub(super) host: Host,
    pub(super) chain: &'a Chain,
    pub(super) version: &'a str,
    pub(super) prepare: &'a dyn Fn(&Env),
}

impl VirtualInstance {
    pub(super) fn new(
        index: usize,
        owners: Owners,
        heap: HeapMeter,
        watch: Option<Watch>,
        client_timeout: Duration,
        (out, at_ms): (&Output, u64),
    ) -> std::io::Result<Self> {
        Ok(Self {
            index,
            out: out.clone(),
            registry: Registry::new(owners),
            sites: Sites::default(),
            heap,
            held_bytes: 0,
            tally: SharedTally::default(),
            client_timeout,
            tls: false,
            due: VecDeque::new(),
            bodies: BodyBytes::default(),
            process: Process::absent(at_ms, None)?,
            watch,
            starts: 0,
            back_off: BackOff::default(),
            again_ms: Some(at_ms),
            worked_us: 0,
        })
    }

    /// Gives a parameter of its service a new value, which may put code into the chain.
    pub(super) fn set_param(&mut self, name: &str, value: f64) {
        self.within(|instance| instance.process.set_param(name, value));
    }

    /// Does something in which code of the server may run: what that registers, waits for and
    /// allocates is this instance's.
    pub(super) fn within<R>(&mut self, act: impl FnOnce(&mut Self) -> R) -> R {
        self.sites.enter();
        self.process.show_time(&self.out);
        let (registry, before) = (self.registry.clone(), (self.heap)());
        let done = metrics::with_local_recorder(&registry, || act(self));
        self.held_bytes += (self.heap)().cast_signed() - before.cast_signed();
        done
    }

    pub(super) fn serves(&self) -> bool {
        self.process.serves()
    }

    pub(super) fn env(&self) -> Option<&Env> {
        self.process.env()
    }

    /// Returns the time of its next start.
    pub(super) fn again_ms(&self) -> Option<u64> {
        self.again_ms
    }

    /// Heap bytes that its process holds.
    pub(super) fn heap_bytes(&self) -> u64 {
        let held = u64::try_from(self.held_bytes).unwrap_or(0) + self.bodies.get();
        if self.serves() { held } else { 0 }
    }

    /// Puts `chain` in force.
    pub(super) fn switch(&mut self, chain: &Chain, version: &str) -> bool {
        self.within(|instance| {
            if let Some(env) = instance.process.env() {
                env.set_version(version);
            }
            instance.registry.other_code();
            instance.process.switch(chain)
        })
    }

    /// Starts a process.
    pub(super) fn start(&mut self, at_ms: u64, start: &Start) -> std::io::Result<()> {
        self.again_ms = None;
        self.starts += 1;
        let instance = self.index;
        self.out.emit(at_ms, &LaneSays::Starting { attempt: self.starts, instance });
        let watch = self.watch.clone();
        self.drop_process(Process::absent(at_ms, None)?);
        self.held_bytes = 0;
        self.within(|instance| {
            let process =
                Process::serving(at_ms, start.host, start.chain, watch.as_ref(), |env| {
                    env.set_version(start.version);
                    (start.prepare)(env);
                })?;
            instance.process = process;
            Ok::<_, std::io::Error>(())
        })?;
        self.process.show_time(&self.out);
        self.out.emit(at_ms, &LaneSays::Ready(Ready { instance, ..Ready::default() }));
        Ok(())
    }

    /// Ends its process, if there is one, and wants a new one at once.
    pub(super) fn restart(&mut self, at_ms: u64) {
        self.back_off.forgive();
        if self.serves() {
            self.say_stopped(at_ms);
        }
        self.again_ms = Some(at_ms);
    }

    fn say_stopped(&self, at_ms: u64) {
        let (cause, instance) = (ExitCause::Stopped, self.index);
        self.out.emit(at_ms, &LaneSays::Exit { cause, code: None, instance });
    }

    /// Requests that are due before its time passes on, in order of time.
    pub(super) fn expect(&mut self, due: Due) {
        self.due.push_back(due);
    }

    /// Lets its time pass up to `to_ms`, and starts the requests that are due until then. Returns
    /// the time at which its process ended itself before, with the code.
    pub(super) fn run(&mut self, to_ms: u64) -> Option<(u64, i32)> {
        self.within(|instance| {
            let clients = Clients {
                tally: &instance.tally,
                timeout: instance.client_timeout,
                bodies: &instance.bodies,
                tls: instance.tls,
            };
            let code = instance.process.run(to_ms, &mut instance.due, &clients)?;
            Some((instance.process.now_ms(), code))
        })
    }

    /// Its process has ended, and is started again after a while.
    pub(super) fn went_down(
        &mut self,
        at_ms: u64,
        cause: ExitCause,
        code: Option<i32>,
    ) -> std::io::Result<()> {
        let served = Duration::from_millis(at_ms.saturating_sub(self.process.began_ms()));
        self.drop_process(Process::absent(at_ms, None)?);
        let instance = self.index;
        self.out.emit(at_ms, &LaneSays::Exit { cause, code, instance });
        let (count, after) = self.back_off.next(served);
        let after_ms = after.as_millis() as u64;
        self.out.emit(at_ms, &LaneSays::Restart { count, after_ms, instance });
        self.again_ms = Some(at_ms + after_ms);
        Ok(())
    }

    /// Drops its process, with its tasks, its connections and its metrics.
    fn drop_process(&mut self, next: Process) {
        lock(&self.tally).cut_off = CutOff::ServerEnds;
        self.within(|instance| drop(std::mem::replace(&mut instance.process, next)));
        lock(&self.tally).cut_off = CutOff::RunEnds;
        self.registry.clear();
        self.worked_us = 0;
    }

    /// The run ends: what is under way is cut off.
    pub(super) fn end(&mut self, at_ms: u64) -> std::io::Result<()> {
        lock(&self.tally).cut_off = CutOff::RunEnds;
        if self.serves() {
            self.say_stopped(at_ms);
        }
        let absent = Process::absent(at_ms, None)?;
        self.within(|instance| drop(std::mem::replace(&mut instance.process, absent)));
        Ok(())
    }

    /// It is removed, and its process killed: its requests in flight fail. Returns what became of its requests.
    pub(super) fn remove(&mut self, at_ms: u64) -> std::io::Result<LoadTick> {
        if self.serves() {
            self.say_stopped(at_ms);
        }
        self.drop_process(Process::absent(at_ms, None)?);
        Ok(self.take_load())
    }

    /// Returns the outcomes of its requests since the last call.
    pub(super) fn take_load(&mut self) -> LoadTick {
        lock(&self.tally).take()
    }

    /// Processor time of its code since the last call, in microseconds.
    pub(super) fn take_worked_us(&mut self) -> u64 {
        let now = self.env().map_or(0, |env| env.worked().as_micros() as u64);
        now.saturating_sub(std::mem::replace(&mut self.worked_us, now))
    }

    /// Returns the measurements of its server, if there is one.
    pub(super) fn server(&mut self) -> Option<ServerSample> {
        self.process.env()?;
        self.within(|instance| {
            if let Some(env) = instance.process.env() {
                instance.process.on_its_clock(|| env.bring_up_to_date());
            }
        });
        let in_flight = lock(&self.tally).in_flight();
        let outside = self.env().map_or(0, Env::outside);
        Some(ServerSample {
            // A request's client is a task of this runtime too.
            tasks: self.process.tasks().saturating_sub(in_flight + outside),
            connections: in_flight,
            heap_bytes: self.heap_bytes(),
            metrics: self.registry.snapshot(),
            gone: Vec::new(),
            wait_sites: self.sites.waiting(),
            series: self.registry.series(),
            worked_us: self.env().map_or(0, |env| env.worked().as_micros() as u64),
        })
    }
}
