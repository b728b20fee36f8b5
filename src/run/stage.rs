//! Everything of a live run under way, and the loop over it.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::child::Message;
use super::event_sink::EventSink;
use super::instance::LiveInstance;
use super::lane::Lane;
use super::memory::{Guard, Held, Memory, Reached, Resident, enough};
use super::scraped::{Labels, Scraped, Target};
use super::spec::Spec;
use super::wall_clock::WallClock;
use super::{Address, Control, START_TIMEOUT};
use crate::load::Driver;
use crate::load::driver::Listening;
use firedrill_core::child::files;
use firedrill_core::event::{EventKind, LoadTick, TICK};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::traffic::Load;
use firedrill_core::script::{Change, Script, ScriptStep};

/// Commands that are kept while the lanes start; later ones wait in their queue.
const EARLY: usize = 64;

/// The next process that reached its cap.
async fn reached(guard: &mut Option<(Guard, mpsc::Receiver<Reached>)>) -> Option<Reached> {
    guard.as_mut()?.1.recv().await
}

/// Everything of a live run under way.
pub(super) struct Stage {
    spec: Spec,
    script: Script,
    lanes: Vec<Lane>,
    messages: mpsc::Receiver<(Address, Message)>,
    /// The load generator's targets of each lane.
    targets: Vec<(Vec<Option<Listening>>, Vec<f64>)>,
    /// True if clients use TLS: an incident of the run requires it.
    tls: bool,
    memory: Memory,
    /// The memory guard and its messages; none before the start of the run.
    guard: Option<(Guard, mpsc::Receiver<Reached>)>,
    driver: Option<Driver>,
    /// The scrape targets for Prometheus.
    scraped: Option<Scraped>,
    event_sink: EventSink,
    rate_per_s: f64,
    wall_clock: WallClock,
    /// Values of the parameters, as they are now.
    params: Values,
    /// The incidents whose traffic every lane gets.
    world: Vec<String>,
}

impl Stage {
    pub(super) fn new(spec: Spec, event_sink: EventSink) -> Self {
        let (message, messages) = mpsc::channel(1024);
        let script = Script::new(spec.case.clone());
        let count = spec.case.plan.variants.len();
        let lane = |i| Lane::new(i, &spec, &message, script.in_play(i));
        let lanes = (0..count).map(lane).collect();
        Self {
            targets: vec![(Vec::new(), Vec::new()); count],
            lanes,
            script,
            messages,
            memory: Memory::new(),
            guard: None,
            driver: None,
            scraped: Scraped::new(),
            event_sink,
            tls: spec.case.entry.manifest.tls,
            rate_per_s: spec.case.plan.rate_per_s,
            wall_clock: WallClock::new(),
            params: spec.case.params_at(0.0),
            world: vec![spec.case.plan.incident.clone()],
            spec,
        }
    }

    pub(super) async fn play(
        mut self,
        mut controls: mpsc::Receiver<Control>,
    ) -> anyhow::Result<()> {
        for lane in &mut self.lanes {
            lane.start(&mut self.event_sink);
        }
        let result = match self.wait_until_ready(&mut controls).await {
            Ok(Some(early)) => self.act(early, &mut controls).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.end().await;
        self.event_sink.finish().await;
        result
    }

    /// Waits until every lane serves for the first time. Returns the commands that came meanwhile; none if
    /// one of them was to stop.
    async fn wait_until_ready(
        &mut self,
        controls: &mut mpsc::Receiver<Control>,
    ) -> anyhow::Result<Option<Vec<Control>>> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut early = Vec::new();
        loop {
            if let Some((name, why)) =
                self.lanes.iter().find_map(|l| Some((&l.variant, l.refused()?)))
            {
                anyhow::bail!("lane `{name}` did not start: {why}");
            }
            let Some(slow) = self.lanes.iter().find(|lane| !lane.serves()) else {
                return Ok(Some(early));
            };
            tokio::select! {
                control = controls.recv(), if early.len() < EARLY => match control {
                    None | Some(Control::Stop) => return Ok(None),
                    Some(control) => early.push(control),
                },
                Some((from, message)) = self.messages.recv() => self.hear(from, message),
                () = sleep_until(deadline) => {
                    let (name, last) = (&slow.variant, slow.last_words());
                    anyhow::bail!("lane `{name}` was not ready within {START_TIMEOUT:?}{last}");
                }
            }
        }
    }

    async fn act(
        &mut self,
        early: Vec<Control>,
        controls: &mut mpsc::Receiver<Control>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        self.event_sink.begin(began);
        let load =
            Load { rate_per_s: self.rate_per_s, ..self.spec.case.entry.manifest.load.clone() };
        let driver =
            Driver::start(&load, &self.params, self.spec.case.plan.seed, self.lanes.len())?;
        self.driver = Some(driver);
        (0..self.lanes.len()).for_each(|lane| self.retarget(lane));
        let steps = self.script.begin();
        self.take(steps);
        for control in early {
            let steps = self.script.obey(control, 0);
            self.take(steps);
        }

        let mut tick = interval_at(began + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let never = Duration::from_hours(8760);
        let end = began + self.spec.case.plan.duration().unwrap_or(never);
        let (told, reached_caps) = mpsc::channel(64);
        self.guard = Some((Guard::start(told)?, reached_caps));
        self.hold_to_caps();
        loop {
            let phase_at = began + self.script.next_phase_ms().map_or(never, Duration::from_millis);
            tokio::select! {
                // Why a process was killed comes before its end.
                biased;
                Some(Reached { held, bytes }) = reached(&mut self.guard) => {
                    let (lane, instance) = held.of;
                    self.lanes[lane].reached_cap(instance, held.pid, bytes);
                }
                () = sleep_until(end) => return Ok(()),
                () = sleep_until(phase_at) => {
                    let steps = self.script.next_phase();
                    self.take(steps);
                }
                _ = tick.tick() => self.tick(),
                control = controls.recv() => match control {
                    None | Some(Control::Stop) => return Ok(()),
                    Some(control) => {
                        let now_ms = began.elapsed().as_millis() as u64;
                        let steps = self.script.obey(control, now_ms);
                        self.take(steps);
                    }
                },
                Some((from, message)) = self.messages.recv() => {
                    self.hear(from, message);
                }
            }
        }
    }

    /// Makes these changes, and tells of them.
    fn take(&mut self, steps: Vec<ScriptStep>) {
        for step in steps {
            match self.change(step.change) {
                Ok(()) => {
                    if let Some(what) = step.tell {
                        self.event_sink.emit(step.lane, what);
                    }
                }
                Err(why) => {
                    let line = format!("{why:#}");
                    self.event_sink.emit(None, EventKind::Log { line });
                }
            }
        }
    }

    /// Makes a change; an error says why not.
    fn change(&mut self, change: Change) -> anyhow::Result<()> {
        match change {
            Change::Rate(rate_per_s) => {
                files::raise(files::needed(self.spec.in_flight(rate_per_s)))
                    .with_context(|| format!("the rate stays at {}/s", self.rate_per_s))?;
                self.rate_per_s = rate_per_s;
                if let Some(driver) = &self.driver {
                    driver.set_rate(rate_per_s);
                }
            }
            Change::Param(name, value) => {
                for lane in &mut self.lanes {
                    lane.set_param(&name, value);
                }
                let is_of_mix = self.spec.case.catalogue.mix_depends_on(&self.world, &name);
                self.params.insert(name, value);
                if is_of_mix {
                    self.set_mix()?;
                }
            }
            Change::InPlay(lane, in_play) => {
                self.lanes[lane].set_in_play(in_play, &mut self.event_sink);
            }
            Change::Without(lane, slots) => self.lanes[lane].set_without(slots),
            Change::Scale(lane, instances) => {
                let has = self.lanes[lane].instances.len();
                let more = instances.saturating_sub(has) as u64;
                let more_bytes = more * self.spec.case.entry.manifest.memory.cap_bytes();
                let (all, needed_bytes) = self.needed();
                enough(all + instances - has.min(instances), needed_bytes + more_bytes)?;
                self.lanes[lane].scale(instances, &mut self.event_sink);
                self.retarget(lane);
            }
            Change::Mix(incidents) => {
                self.tls = self.spec.case.catalogue.speaks_tls(&incidents);
                (0..self.lanes.len()).for_each(|lane| self.retarget(lane));
                self.world = incidents;
                self.set_mix()?;
            }
            Change::Restart(lane, console) => {
                if console {
                    let (all, needed_bytes) = self.needed();
                    let lane = &self.lanes[lane];
                    let more_bytes = lane.caps_bytes(true) - lane.caps_bytes(false);
                    enough(all, needed_bytes + more_bytes)
                        .context("tokio-console's instruments stay off")?;
                }
                self.lanes[lane].restart(console, &mut self.event_sink);
            }
            Change::Nothing => {}
        }
        Ok(())
    }

    /// Gives the driver the traffic of the incidents in play, at the parameters that hold now.
    fn set_mix(&self) -> anyhow::Result<()> {
        let mix = self.spec.case.catalogue.mix(&self.world, &self.params)?;
        if let Some(driver) = &self.driver {
            driver.set_mix(mix);
        }
        Ok(())
    }

    /// Returns the number of processes and their memory at their limits.
    fn needed(&self) -> (usize, u64) {
        let all = self.lanes.iter().map(|lane| lane.instances.len()).sum();
        (all, self.lanes.iter().map(|lane| lane.caps_bytes(false)).sum())
    }

    fn hear(&mut self, from: Address, message: Message) {
        let Address { lane, instance, generation } = from;
        self.lanes[lane].hear(instance, generation, message, &mut self.event_sink);
        self.retarget(lane);
    }

    /// Tells the driver where a lane's instances serve now.
    fn retarget(&mut self, lane: usize) {
        let targets = (self.lanes[lane].listening(self.tls), self.lanes[lane].weights());
        if let Some(driver) = &self.driver
            && self.targets[lane] != targets
        {
            driver.set_targets(lane, &targets.0, &targets.1);
            self.targets[lane] = targets;
            self.tell_prometheus();
        }
    }

    /// Says where all lanes serve now.
    fn tell_prometheus(&mut self) {
        let id = &self.spec.case.entry.manifest.id;
        let lanes = self.targets.iter().zip(&self.spec.case.plan.variants).enumerate();
        let targets = lanes.flat_map(|(lane, ((instances, _), variant))| {
            let serving =
                instances.iter().enumerate().filter_map(|(i, at)| Some((i, at.as_ref()?)));
            serving.map(move |(number, listening)| Target {
                targets: [format!("127.0.0.1:{}", listening.port)],
                labels: Labels {
                    incident: id.clone(),
                    variant: variant.clone(),
                    lane: char::from(b'A' + lane as u8).to_string(),
                    number: number.to_string(),
                },
            })
        });
        let targets: Vec<Target> = targets.collect();
        if let Some(scraped) = &mut self.scraped
            && let Err(error) = scraped.tell(&targets)
        {
            let line = format!("cannot write Prometheus' targets: {error}");
            self.event_sink.emit(None, EventKind::Log { line });
            self.scraped = None;
        }
    }

    /// Returns the memory of the processes of each lane.
    fn resident(&mut self) -> Vec<Vec<Option<Resident>>> {
        let pids = self.lanes.iter().flat_map(|lane| lane.instances.iter().map(LiveInstance::pid));
        let mut seen = self.memory.resident(pids.collect::<Vec<_>>().into_iter()).into_iter();
        let lanes = self.lanes.iter();
        lanes.map(|lane| seen.by_ref().take(lane.instances.len()).collect()).collect()
    }

    /// Tells the guard of memory which processes there are.
    fn hold_to_caps(&self) {
        let Some((guard, _)) = &self.guard else { return };
        let lanes = self.lanes.iter().enumerate();
        let held = lanes.flat_map(|(lane, of)| {
            of.held().map(move |(i, pid, cap_bytes)| Held { of: (lane, i), pid, cap_bytes })
        });
        guard.hold(held.collect());
    }

    fn tick(&mut self) {
        self.event_sink.tick();
        let resident = self.resident();
        let Some(driver) = &self.driver else { return };
        for (i, (lane, resident)) in self.lanes.iter_mut().zip(resident).enumerate() {
            lane.tick(&resident, |instance| driver.take_tick_of(i, instance), &mut self.event_sink);
        }
        let (lag_us, not_sent) = (driver.take_lag(), driver.take_not_sent());
        if !lag_us.is_empty() || not_sent > 0 {
            self.event_sink.emit(None, EventKind::Driver { lag_us, not_sent });
        }
        if let Some(by_ms) = self.wall_clock.jump_ms() {
            self.event_sink.emit(None, EventKind::ClockJumped { by_ms });
        }
        (0..self.lanes.len()).for_each(|lane| self.retarget(lane));
        self.hold_to_caps();
    }

    /// Ends load and children, and accounts for the requests that were still under way.
    async fn end(&mut self) {
        if let Some(mut driver) = self.driver.take() {
            // Joining the driver's threads takes a moment that must not hold up the runtime.
            let stopped = tokio::task::spawn_blocking(move || {
                driver.stop();
                driver
            });
            if let Ok(driver) = stopped.await {
                let resident = self.resident();
                for (i, (lane, resident)) in self.lanes.iter().zip(resident).enumerate() {
                    let mut ticks: Vec<LoadTick> = (0..lane.instances.len())
                        .map(|instance| driver.take_tick_of(i, instance))
                        .collect();
                    // Instances that are gone have had requests too.
                    let gone = driver.take_tick(i);
                    ticks.iter_mut().take(1).for_each(|first| first.add(gone.clone()));
                    let sample = lane.sample(&resident, &ticks);
                    self.event_sink.emit(Some(i), EventKind::Sample(sample));
                }
                let (lag_us, not_sent) = (driver.take_lag(), driver.take_not_sent());
                self.event_sink.emit(None, EventKind::Driver { lag_us, not_sent });
            }
        }
        for lane in &mut self.lanes {
            lane.stop();
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.lanes.iter().any(Lane::alive) {
            let message = tokio::time::timeout_at(deadline, self.messages.recv()).await;
            let Ok(Some((from, message))) = message else {
                break;
            };
            self.hear(from, message);
        }
    }
}
