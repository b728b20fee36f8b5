//! The parent of a run: children, load, memory cap, restarts, and one stream of events.
//!
//! * [`child`]: one process and its two pipes
//! * [`lane`]: one lane over its processes: bugs, restarts, exits
//! * [`memory`]: resident memory of the children

pub mod child;
pub mod lane;
pub mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::event::{Event, What};
use crate::files;
use crate::incident::manifest::{Load, Phase, Switch, rate_allowed};
use crate::incident::{Bugs, Catalogue, Entry};
use crate::load::driver::{Driver, prepare};
use crate::serve::TICK;
use child::Message;
use lane::Lane;
use memory::Memory;

/// Events that may wait for their reader; beyond it they are dropped and counted.
const EVENTS: usize = 4096;

/// How long a child may take to be ready.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The incident.
    pub entry: &'static Entry,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Arrivals a second, to each lane.
    pub rate_per_s: f64,
    /// Seed of the arrivals and of the servers.
    pub seed: u64,
    /// Parameters that differ from the manifest's.
    pub params: BTreeMap<String, f64>,
    /// When the run ends by itself; none: when it is stopped.
    pub duration: Option<Duration>,
    /// Whether the lanes start with tokio-console's instruments.
    pub console: bool,
    /// The program that serves a lane: this one, unless it is another that speaks its events.
    pub program: PathBuf,
}

impl Spec {
    /// The incident's own run: first variant against last.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn new(entry: &'static Entry) -> anyhow::Result<Self> {
        Ok(Self {
            entry,
            variants: vec!["broken".to_owned(), "fixed".to_owned()],
            rate_per_s: entry.manifest.load.rate_per_s,
            seed: 1,
            params: BTreeMap::new(),
            duration: None,
            console: false,
            program: std::env::current_exe()?,
        })
    }

    /// Requests that may be in flight at once, over all lanes.
    fn in_flight(&self, rate_per_s: f64) -> f64 {
        let timeout_s = self.entry.manifest.load.client_timeout_ms as f64 / 1000.0;
        rate_per_s * timeout_s * self.variants.len() as f64
    }

    /// The manifest's parameters with this run's values.
    pub fn params(&self) -> BTreeMap<String, f64> {
        let manifest = self.entry.manifest.params.iter();
        let mut params: BTreeMap<String, f64> =
            manifest.map(|(name, param)| (name.clone(), param.value)).collect();
        params.extend(self.params.clone());
        params
    }
}

/// What a running run can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Switch a bug in one lane to a variant, or off.
    SetBug {
        /// The lane.
        lane: usize,
        /// The incident.
        incident: String,
        /// The variant; none: the fixed form.
        variant: Option<String>,
    },
    /// A new rate.
    SetRate(f64),
    /// Restart a lane's process.
    Restart {
        /// The lane.
        lane: usize,
        /// Whether it comes back with tokio-console's instruments.
        console: bool,
    },
    /// End the run.
    Stop,
}

/// A run under way. Dropping it ends its children.
#[derive(Debug)]
pub struct Run {
    /// What happens, until the run has ended.
    pub events: mpsc::Receiver<Event>,
    /// What to tell it.
    pub control: mpsc::Sender<Control>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Run {
    /// Starts a run. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// When the system allows fewer open files than the run needs.
    pub fn start(spec: Spec) -> anyhow::Result<Self> {
        files::raise(files::needed(spec.in_flight(spec.rate_per_s)))?;
        let (out, events) = mpsc::channel(EVENTS);
        let (control, controls) = mpsc::channel(64);
        let stage = Stage::new(spec, Outlet { out, began: None, dropped: 0 })?;
        Ok(Self { events, control, task: tokio::spawn(stage.play(controls)) })
    }

    /// Waits until the run has ended.
    ///
    /// # Errors
    ///
    /// When a lane could not be started at all, with the cause.
    pub async fn ended(self) -> anyhow::Result<()> {
        // Nobody reads any more: without this the run's last events would wait for a reader.
        drop(self.events);
        drop(self.control);
        self.task.await?
    }
}

/// Where events go out, stamped.
struct Outlet {
    out: mpsc::Sender<Event>,
    began: Option<Instant>,
    dropped: u64,
}

impl Outlet {
    /// Sends an event without waiting: supervision must not stall because a reader does.
    fn emit(&mut self, lane: Option<usize>, what: What) {
        let at_ms = self.began.map_or(0, |began| began.elapsed().as_millis() as u64);
        if self.dropped > 0 {
            let dropped = What::Dropped { events: self.dropped };
            if self.out.try_send(Event { at_ms, lane: None, what: dropped }).is_ok() {
                self.dropped = 0;
            }
        }
        if self.out.try_send(Event { at_ms, lane, what }).is_err() {
            self.dropped += 1;
        }
    }
}

/// Everything of a run under way.
struct Stage {
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
    fn new(spec: Spec, outlet: Outlet) -> anyhow::Result<Self> {
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

    async fn play(mut self, mut controls: mpsc::Receiver<Control>) -> anyhow::Result<()> {
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
            self.set_param(name, *value);
        }
        if let Some(switch) = phase.bugs {
            let incident = self.spec.entry.manifest.id.clone();
            for lane in 0..self.lanes.len() {
                let variant = self.lanes[lane].variant.clone();
                let on = switch == Switch::On && variant != "fixed";
                self.set_bug(lane, incident.clone(), on.then_some(variant));
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

/// Bugs as one argument: `a=x,b=y`.
fn bugs_argument(bugs: &Bugs) -> String {
    let each: Vec<String> = bugs.iter().map(|(id, variant)| format!("{id}={variant}")).collect();
    each.join(",")
}

/// Shared by all lanes of a run.
pub(crate) type Messages = mpsc::Sender<(usize, u32, Message)>;

/// The seed that a lane's server gets: the run's, so that lanes differ in code only.
pub(crate) fn arguments(
    spec: &Spec,
    bugs: &Bugs,
    params: &BTreeMap<String, f64>,
    console: bool,
) -> Vec<String> {
    let cap_bytes = spec.entry.manifest.memory.cap_bytes();
    let mut arguments = vec![
        "serve".to_owned(),
        "--bugs".to_owned(),
        bugs_argument(bugs),
        "--seed".to_owned(),
        spec.seed.to_string(),
        // The second line of defence stands above the supervisor's cap.
        "--heap-limit".to_owned(),
        (cap_bytes + cap_bytes / 4).to_string(),
    ];
    for (name, value) in params {
        arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    if console {
        arguments.push("--console".to_owned());
    }
    arguments
}
