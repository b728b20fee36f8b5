//! Everything of a live run under way, and the loop over it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::child::Message;
use super::lane::Lane;
use super::memory::Memory;
use super::script::{Change, Script, Step};
use super::spec::Spec;
use super::{Control, Outlet, START_TIMEOUT};
use crate::catalogue::Catalogue;
use crate::event::{TICK, What};
use crate::files;
use crate::incident::manifest::Load;
use crate::load::Driver;

/// Everything of a live run under way.
pub(super) struct Stage {
    spec: Spec,
    catalogue: &'static Catalogue,
    script: Script,
    lanes: Vec<Lane>,
    messages: mpsc::Receiver<(usize, u32, Message)>,
    memory: Memory,
    driver: Option<Driver>,
    outlet: Outlet,
    rate_per_s: f64,
}

impl Stage {
    pub(super) fn new(spec: Spec, outlet: Outlet) -> anyhow::Result<Self> {
        let (message, messages) = mpsc::channel(1024);
        let lanes = (0..spec.variants.len()).map(|i| Lane::new(i, &spec, &message)).collect();
        Ok(Self {
            catalogue: Catalogue::load().map_err(anyhow::Error::msg)?,
            script: Script::new(spec.clone())?,
            lanes,
            messages,
            memory: Memory::new(),
            driver: None,
            outlet,
            rate_per_s: spec.rate_per_s,
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
        let steps = self.script.begin();
        self.take(steps);

        let mut tick = interval_at(began + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let never = Duration::from_hours(8760);
        let end = began + self.spec.duration.unwrap_or(never);
        loop {
            let phase_at = began + self.script.next_phase_ms().map_or(never, Duration::from_millis);
            tokio::select! {
                () = sleep_until(end) => return Ok(()),
                () = sleep_until(phase_at) => {
                    let steps = self.script.next_phase();
                    self.take(steps);
                }
                _ = tick.tick() => self.tick(),
                Some((lane, generation, message)) = self.messages.recv() => {
                    self.hear(lane, generation, message);
                }
                control = controls.recv() => match control {
                    None | Some(Control::Stop) => return Ok(()),
                    Some(control) => {
                        let steps = self.script.obey(control);
                        self.take(steps);
                    }
                },
            }
        }
    }

    /// Makes these changes, and tells of them.
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match self.change(step.change) {
                Ok(()) => {
                    if let Some(what) = step.tell {
                        self.outlet.emit(step.lane, what);
                    }
                }
                Err(line) => self.outlet.emit(None, What::Log { line }),
            }
        }
    }

    /// Makes a change; an error says why not.
    fn change(&mut self, change: Change) -> Result<(), String> {
        match change {
            Change::Rate(rate_per_s) => {
                files::raise(files::needed(self.spec.in_flight(rate_per_s)))
                    .map_err(|few| format!("the rate stays at {}/s: {few}", self.rate_per_s))?;
                self.rate_per_s = rate_per_s;
                if let Some(driver) = &self.driver {
                    driver.set_rate(rate_per_s);
                }
            }
            Change::Param(name, value) => {
                for lane in &mut self.lanes {
                    lane.set_param(&name, value);
                }
            }
            Change::Bugs(lane, bugs) => self.lanes[lane].set_bugs(bugs),
            Change::Mix(incidents) => {
                let mix = self.catalogue.mix(&incidents)?;
                if let Some(driver) = &self.driver {
                    driver.set_mix(mix);
                }
            }
            Change::Restart(lane, console) => {
                self.lanes[lane].restart(console, &mut self.outlet);
            }
            Change::Nothing => {}
        }
        Ok(())
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
