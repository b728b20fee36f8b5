//! Everything of a run under way, and the loop over it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::child::Message;
use super::lane::Lane;
use super::memory::Memory;
use super::spec::Spec;
use super::{Control, Outlet, START_TIMEOUT};
use crate::catalogue::Catalogue;
use crate::event::{TICK, What};
use crate::files;
use crate::incident::manifest::{Load, Phase, Switch, rate_allowed};
use crate::load::driver::{Driver, prepare};

/// Everything of a run under way.
pub(super) struct Stage {
    spec: Spec,
    catalogue: &'static Catalogue,
    lanes: Vec<Lane>,
    messages: mpsc::Receiver<(usize, u32, Message)>,
    memory: Memory,
    driver: Option<Driver>,
    outlet: Outlet,
    phase: usize,
    rate_per_s: f64,
    /// Incidents whose traffic and parameters are part of this run.
    world: BTreeSet<String>,
}

impl Stage {
    pub(super) fn new(spec: Spec, outlet: Outlet) -> anyhow::Result<Self> {
        let (message, messages) = mpsc::channel(1024);
        let lanes = (0..spec.variants.len()).map(|i| Lane::new(i, &spec, &message)).collect();
        Ok(Self {
            catalogue: Catalogue::load().map_err(anyhow::Error::msg)?,
            lanes,
            messages,
            memory: Memory::new(),
            driver: None,
            outlet,
            phase: 0,
            rate_per_s: spec.rate_per_s,
            world: BTreeSet::from([spec.entry.manifest.id.clone()]),
            spec,
        })
    }

    pub(super) async fn play(
        mut self,
        mut controls: mpsc::Receiver<Control>,
    ) -> anyhow::Result<()> {
        for lane in &mut self.lanes {
            lane.start(&mut self.outlet);
        }
        let result = match self.wait_until_ready().await {
            Ok(()) => self.act(&mut controls).await,
            Err(error) => Err(error),
        };
        self.end().await;
        result
    }

    /// Waits until every lane serves for the first time.
    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some((name, why)) =
                self.lanes.iter().find_map(|l| Some((&l.variant, l.refused()?)))
            {
                anyhow::bail!("lane `{name}` did not start: {why}");
            }
            let Some(slow) = self.lanes.iter().find(|lane| lane.port().is_none()) else {
                return Ok(());
            };
            let message = tokio::time::timeout_at(deadline, self.messages.recv()).await;
            let Ok(Some((lane, generation, message))) = message else {
                let (name, last) = (&slow.variant, slow.last_words());
                anyhow::bail!("lane `{name}` was not ready within {START_TIMEOUT:?}{last}");
            };
            self.hear(lane, generation, message);
        }
    }

    async fn act(&mut self, controls: &mut mpsc::Receiver<Control>) -> anyhow::Result<()> {
        let began = Instant::now();
        self.outlet.began = Some(began);
        let load = Load { rate_per_s: self.rate_per_s, ..self.spec.entry.manifest.load.clone() };
        let driver = Driver::start(&load, self.spec.seed, self.lanes.len())?;
        for (i, lane) in self.lanes.iter().enumerate() {
            driver.set_target(i, lane.port());
        }
        self.driver = Some(driver);
        self.outlet.emit(None, What::Rate { rate_per_s: self.rate_per_s });
        for (name, value) in self.spec.params() {
            self.outlet.emit(None, What::Param { name, value });
        }
        self.begin_phase(0);

        let mut tick = interval_at(began + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let never = Duration::from_hours(8760);
        let end = began + self.spec.duration.unwrap_or(never);
        loop {
            let next_phase = self.spec.entry.manifest.phases.get(self.phase + 1);
            let phase_at = began
                + next_phase.map_or(never, |phase: &Phase| Duration::from_secs_f64(phase.at_s));
            tokio::select! {
                () = sleep_until(end) => return Ok(()),
                () = sleep_until(phase_at) => self.begin_phase(self.phase + 1),
                _ = tick.tick() => self.tick(),
                Some((lane, generation, message)) = self.messages.recv() => {
                    self.hear(lane, generation, message);
                }
                control = controls.recv() => match control {
                    None | Some(Control::Stop) => return Ok(()),
                    Some(control) => self.obey(control),
                },
            }
        }
    }

    fn begin_phase(&mut self, index: usize) {
        self.phase = index;
        let Some(phase) = self.spec.entry.manifest.phases.get(index) else {
            return;
        };
        self.outlet.emit(None, What::Phase { index, says: phase.says.clone() });
        if let Some(rate_per_s) = phase.rate_per_s {
            self.set_rate(rate_per_s);
        }
        for (name, value) in &phase.params {
            // What was asked for on the command line holds throughout.
            if !self.spec.params.contains_key(name) {
                self.set_param(name, *value);
            }
        }
        if let Some(switch) = phase.bugs {
            let incident = self.spec.entry.manifest.id.clone();
            for lane in 0..self.lanes.len() {
                let variant = self.lanes[lane].variant.clone();
                // A lane of the fixed form has no release, and keeps what was switched by hand.
                if variant != "fixed" {
                    let on = switch == Switch::On;
                    self.set_bug(lane, incident.clone(), on.then_some(variant));
                }
            }
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::SetBug { lane, incident, variant } => {
                if lane < self.lanes.len() {
                    self.set_bug(lane, incident, variant);
                }
            }
            Control::SetRate(rate_per_s) => self.set_rate(rate_per_s),
            Control::Restart { lane, console } => {
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.restart(console, &mut self.outlet);
                }
            }
            Control::Stop => {}
        }
    }

    fn set_rate(&mut self, rate_per_s: f64) {
        if !rate_allowed(rate_per_s) {
            return;
        }
        if let Err(few) = files::raise(files::needed(self.spec.in_flight(rate_per_s))) {
            let line = format!("the rate stays at {}/s: {few}", self.rate_per_s);
            self.outlet.emit(None, What::Log { line });
            return;
        }
        self.rate_per_s = rate_per_s;
        if let Some(driver) = &self.driver {
            driver.set_rate(rate_per_s);
        }
        self.outlet.emit(None, What::Rate { rate_per_s });
    }

    fn set_param(&mut self, name: &str, value: f64) {
        for lane in &mut self.lanes {
            lane.set_param(name, value);
        }
        self.outlet.emit(None, What::Param { name: name.to_owned(), value });
    }

    fn set_bug(&mut self, lane: usize, incident: String, variant: Option<String>) {
        if variant.is_some() && self.world.insert(incident.clone()) {
            self.join_world(&incident);
        }
        if self.lanes[lane].set_bug(&incident, variant.clone()) {
            self.outlet.emit(Some(lane), What::Bug { incident, variant });
        }
    }

    /// A bug of another incident meets that incident's traffic and parameters, in every lane:
    /// the world is the same for all, the code is not.
    fn join_world(&mut self, incident: &str) {
        let Ok(entry) = self.catalogue.find(incident) else {
            return;
        };
        for (name, param) in &entry.manifest.params {
            self.set_param(name, param.value);
        }
        let share = 1.0 / self.world.len() as f64;
        let members = self.world.iter().filter_map(|id| self.catalogue.find(id).ok());
        let mix: anyhow::Result<Vec<_>> =
            members.map(|entry| prepare(&entry.manifest.load.requests, share)).collect();
        match (mix, &self.driver) {
            (Ok(mix), Some(driver)) => driver.set_mix(mix.into_iter().flatten().collect()),
            (Err(error), _) => {
                self.outlet.emit(None, What::Log { line: error.to_string() });
                return;
            }
            (Ok(_), None) => {}
        }
        let line = format!("every lane now also gets the traffic and settings of {incident}");
        self.outlet.emit(None, What::Log { line });
    }

    fn hear(&mut self, lane: usize, generation: u32, message: Message) {
        let heard = &mut self.lanes[lane];
        let port = heard.port();
        heard.hear(generation, message, &mut self.outlet);
        if heard.port() != port
            && let Some(driver) = &self.driver
        {
            driver.set_target(lane, heard.port());
        }
    }

    fn tick(&mut self) {
        let Some(driver) = &self.driver else { return };
        let cap_bytes = self.spec.entry.manifest.memory.cap_bytes();
        let resident = self.memory.resident(self.lanes.iter().map(Lane::pid));
        for (i, resident_bytes) in resident.into_iter().enumerate() {
            let lane = &mut self.lanes[i];
            let sample = lane.sample(resident_bytes, driver.take_tick(i));
            self.outlet.emit(Some(i), What::Sample(sample));
            if let Some(resident_bytes) = resident_bytes.filter(|bytes| *bytes >= cap_bytes) {
                lane.kill_for_memory(resident_bytes, cap_bytes);
            }
            let port = lane.port();
            lane.tick(&mut self.outlet);
            if lane.port() != port {
                driver.set_target(i, lane.port());
            }
        }
        let lag_us = driver.take_lag();
        if !lag_us.is_empty() {
            self.outlet.emit(None, What::Driver { lag_us });
        }
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
                let resident = self.memory.resident(self.lanes.iter().map(Lane::pid));
                for (i, resident_bytes) in resident.into_iter().enumerate() {
                    let sample = self.lanes[i].sample(resident_bytes, driver.take_tick(i));
                    self.outlet.emit(Some(i), What::Sample(sample));
                }
                let lag_us = driver.take_lag();
                self.outlet.emit(None, What::Driver { lag_us });
            }
        }
        for lane in &mut self.lanes {
            lane.stop();
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        while self.lanes.iter().any(Lane::alive) {
            let message = tokio::time::timeout_at(deadline, self.messages.recv()).await;
            let Ok(Some((lane, generation, message))) = message else {
                break;
            };
            self.lanes[lane].hear(generation, message, &mut self.outlet);
        }
    }
}
