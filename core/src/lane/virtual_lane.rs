//! State of a lane beyond the life of one process: arrivals, the memory limit, releases. Its samples, and the orders of
//! the code that steers it, are in `ticks`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::instance::{Start, VirtualInstance};
use super::output::Output;
use super::process::Due;
use super::rollout::Rollout;
use super::watch::Watch;
use super::{CPUS, HeapMeter, LaneSettings};
use crate::catalogue::{Catalogue, NoChain};
use crate::event::{ChainShown, ChildStart, ExitCause, LaneSays, LoadTick, ParentSays, TICK};
use crate::incident::cpu::Work;
use crate::incident::env::{Env, Host};
use crate::incident::fleet::{Splitter, Steer};
use crate::incident::request::{Prepared, RequestError};
use crate::incident::{Bugs, Chain};
use crate::load::Schedule;
use crate::load::schedule::Arrival;
use crate::service::base_chain;
use crate::service::log_file::Tailed;

mod ticks;

const TICK_MS: u64 = TICK.as_millis() as u64;

/// The shortest time between two looks at memory, in milliseconds.
const CLOSEST_MS: u64 = 5;

/// A virtual lane.
#[derive(Debug)]
pub struct VirtualLane {
    catalogue: Catalogue,
    begin: ChildStart,
    out: Output,
    heap: HeapMeter,
    watch: Option<Watch>,
    cap_bytes: u64,
    client_timeout: Duration,
    /// True if clients use TLS.
    tls: bool,
    schedule: Schedule,
    mix: Vec<Arc<Prepared>>,
    /// The incidents whose traffic it gets.
    world: Vec<String>,
    next: Option<Arrival>,
    splitter: Splitter,
    instances: Vec<VirtualInstance>,
    without: Vec<String>,
    params: BTreeMap<String, f64>,
    now_ms: u64,
    /// Time of the next sample.
    tick_ms: u64,
    /// By how many bytes each instance grew from one tick to the next, and what it held then.
    growth: Vec<u64>,
    held: Vec<u64>,
    rollout: Rollout,
    /// Requests of instances that were removed since the last sample.
    removed: LoadTick,
    steer: Option<Steer>,
    /// The log tail that its charts show.
    tailed: Option<Tailed>,
    announced: BTreeSet<String>,
    /// Those of which the highest value of the instances stands for the lane.
    highest: BTreeSet<String>,
}

impl VirtualLane {
    /// A lane at time 0, without a process.
    ///
    /// # Errors
    ///
    /// When its incident or variant is not known, or a runtime cannot be made.
    pub fn new(settings: LaneSettings, out: Output) -> anyhow::Result<Self> {
        let LaneSettings { catalogue, begin, watch, heap } = settings;
        let entry = std::sync::Arc::clone(catalogue.find(&begin.incident)?);
        let manifest = &entry.manifest;
        let world = vec![manifest.id.clone()];
        let (weights, mix) = apart(catalogue.mix(&world, &begin.params))?;
        let arrivals = manifest.load.arrivals;
        let schedule = Schedule::new(begin.rate_per_s, arrivals, &weights, begin.seed);
        let steer = entry.variant(&begin.variant).and_then(|variant| variant.steer);
        let mut lane = Self {
            catalogue,
            out,
            heap,
            watch,
            cap_bytes: manifest.memory.cap_bytes(),
            client_timeout: Duration::from_millis(manifest.load.client_timeout_ms),
            tls: manifest.tls,
            next: None,
            schedule,
            mix,
            world,
            splitter: Splitter::default(),
            instances: Vec::new(),
            without: begin.without.clone(),
            params: begin.params.clone(),
            now_ms: 0,
            tick_ms: TICK_MS,
            growth: Vec::new(),
            held: Vec::new(),
            removed: LoadTick::default(),
            rollout: Rollout::new(
                &begin.incident,
                &begin.variant,
                steer.is_some(),
                begin.in_play.clone(),
            )
            .sharing_store(manifest.shared_store),
            steer,
            tailed: manifest.shows_log().then(Tailed::default),
            announced: BTreeSet::new(),
            highest: BTreeSet::new(),
            begin,
        };
        lane.scale(manifest.instances)?;
        Ok(lane)
    }

    /// Carries out a command.
    ///
    /// # Errors
    ///
    /// When it names an unknown incident, or a runtime cannot be made.
    pub fn command(&mut self, command: ParentSays, out: &Output) -> anyhow::Result<()> {
        match command {
            ParentSays::Advance { to_ms } => {
                self.advance(to_ms)?;
                out.emit(to_ms, &LaneSays::Reached);
                out.flush();
            }
            ParentSays::SetBugs { bugs } => self.set_in_play(bugs)?,
            ParentSays::SetParam { name, value } => self.set_param(name, value),
            ParentSays::SetRate { rate_per_s } => self.set_rate(rate_per_s),
            ParentSays::SetMix { incidents } => self.set_mix(&incidents)?,
            ParentSays::SetWithout { slots } => self.set_without(slots)?,
            ParentSays::Scale { instances } => self.scale(instances)?,
            ParentSays::Restart => self.restart(),
        }
        Ok(())
    }

    /// Brings these incidents into play, with their variants, and no others.
    ///
    /// # Errors
    ///
    /// When one of them is not known, or two claim one place of the chain.
    pub fn set_in_play(&mut self, in_play: Bugs) -> anyhow::Result<()> {
        if self.rollout.set_in_play(in_play, self.now_ms).is_some() {
            self.share();
        }
        self.switch()
    }

    /// Switches these slots off, and all others on.
    ///
    /// # Errors
    ///
    /// When the chain cannot be made.
    pub fn set_without(&mut self, slots: Vec<String>) -> anyhow::Result<()> {
        self.without = slots;
        self.switch()
    }

    fn switch(&mut self) -> anyhow::Result<()> {
        for i in 0..self.instances.len() {
            let (chain, version) = self.chain(i)?;
            if self.instances[i].switch(&chain, &version) && i == 0 {
                self.show(&chain);
            }
        }
        Ok(())
    }

    fn show(&self, chain: &Chain) {
        self.out.emit(self.now_ms, &LaneSays::Chain(shown(chain)));
    }

    /// The chain of an instance, and the name of the version that this is.
    fn chain(&self, instance: usize) -> Result<(Chain, String), NoChain> {
        let in_play = self.rollout.in_play(instance);
        let own = &self.begin.incident;
        let version = in_play.get(own).cloned().unwrap_or_else(|| "base".to_owned());
        let mut chain = self.catalogue.chain(base_chain(), &in_play)?;
        for slot in &self.without {
            chain.without(slot);
        }
        Ok((chain, version))
    }

    /// Gives a parameter a new value.
    pub fn set_param(&mut self, name: String, value: f64) {
        let own = self.rollout.of_instance(&name, value);
        self.instances.iter_mut().for_each(|instance| instance.set_param(&name, own));
        let is_of_mix = self.catalogue.mix_depends_on(&self.world, &name);
        self.params.insert(name, value);
        // Its requests have been prepared before.
        if let (true, Ok(mix)) = (is_of_mix, self.catalogue.mix(&self.world, &self.params)) {
            let weights: Vec<f64> = mix.iter().map(|(weight, _)| *weight).collect();
            self.schedule.set_weights(&weights);
        }
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
        let (weights, mix) = apart(self.catalogue.mix(incidents, &self.params))?;
        incidents.clone_into(&mut self.world);
        self.schedule.set_weights(&weights);
        self.mix = mix;
        self.tls = self.catalogue.speaks_tls(incidents);
        self.instances.iter_mut().for_each(|instance| instance.tls = self.tls);
        Ok(())
    }

    /// Ends all processes, and starts new ones at once.
    pub fn restart(&mut self) {
        let now_ms = self.now_ms;
        self.instances.iter_mut().for_each(|instance| instance.restart(now_ms));
    }

    /// Lets so many instances serve.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn scale(&mut self, wanted: usize) -> anyhow::Result<()> {
        let wanted = self.rollout.scale(wanted);
        let (now_ms, before) = (self.now_ms, self.instances.len());
        while self.instances.len() > wanted {
            if let Some(mut gone) = self.instances.pop() {
                self.removed.add(gone.remove(now_ms)?);
            }
        }
        while self.instances.len() < wanted {
            let (owners, watch) = (self.catalogue.owners(), self.watch.clone());
            let index = self.instances.len();
            let (out, timeout) = ((&self.out, now_ms), self.client_timeout);
            let mut instance = VirtualInstance::new(index, owners, self.heap, watch, timeout, out)?;
            instance.tls = self.tls;
            self.instances.push(instance);
        }
        if before != 0 && before != wanted {
            self.out.emit(now_ms, &LaneSays::Scale { instances: wanted });
            for name in self.rollout.divided() {
                let value =
                    self.params.get(name).map(|value| self.rollout.of_instance(name, *value));
                let Some(value) = value else { continue };
                self.instances.iter_mut().for_each(|instance| instance.set_param(name, value));
            }
        }
        self.share();
        Ok(())
    }

    /// Splits the requests by what the instances run.
    fn share(&mut self) {
        self.splitter.set(self.rollout.weights());
    }

    /// Lets time pass up to and including `to_ms`.
    ///
    /// # Errors
    ///
    /// When a runtime cannot be made.
    pub fn advance(&mut self, to_ms: u64) -> anyhow::Result<()> {
        loop {
            if self.out.failed() {
                return Ok(());
            }
            self.start_due()?;
            let again_ms = self.instances.iter().filter_map(VirtualInstance::again_ms).min();
            let next_ms = self.tick_ms.min(again_ms.unwrap_or(u64::MAX));
            let goal_ms = next_ms.min(to_ms).min(self.now_ms + self.look_ms());
            // A sample comes after all arrivals of its moment.
            self.arrivals_until(goal_ms);
            for i in 0..self.instances.len() {
                self.run(i, goal_ms)?;
            }
            self.now_ms = goal_ms;
            if goal_ms < next_ms.min(to_ms) {
                self.hold_to_cap()?;
                continue;
            }
            if next_ms > to_ms {
                return Ok(());
            }
            if self.tick_ms == next_ms {
                self.tick_ms += TICK_MS;
                self.tick()?;
            }
        }
    }

    /// Kills what has reached the cap.
    fn hold_to_cap(&mut self) -> anyhow::Result<()> {
        for i in 0..self.instances.len() {
            let bytes = self.instances[i].heap_bytes();
            if self.instances[i].serves() && bytes >= self.cap_bytes {
                let (resident_bytes, cap_bytes) = (bytes, self.cap_bytes);
                let cause = ExitCause::OutOfMemory { resident_bytes, cap_bytes };
                self.instances[i].went_down(self.now_ms, cause, None)?;
            }
        }
        Ok(())
    }

    /// Returns the time until the next memory check: half of the time in which the fastest growth so far would
    /// reach the limit.
    fn look_ms(&self) -> u64 {
        let fastest = self.growth.iter().copied().max().unwrap_or_default();
        let most =
            self.instances.iter().filter(|i| i.serves()).map(VirtualInstance::heap_bytes).max();
        let left = self.cap_bytes.saturating_sub(most.unwrap_or_default());
        if fastest == 0 {
            return TICK_MS;
        }
        (TICK_MS * left / fastest / 2).clamp(CLOSEST_MS, TICK_MS)
    }

    /// Starts the processes that are due to start.
    fn start_due(&mut self) -> anyhow::Result<()> {
        for i in 0..self.instances.len() {
            let due = self.instances[i].again_ms().filter(|at_ms| *at_ms <= self.now_ms);
            if due.is_some() {
                self.start(i, self.now_ms)?;
            }
        }
        Ok(())
    }

    fn start(&mut self, i: usize, at_ms: u64) -> anyhow::Result<()> {
        let (chain, version) = self.chain(i)?;
        let host = Host { cpus: CPUS, seed: self.begin.seed, instance: i, work: Work::Simulated };
        let (params, rollout) = (&self.params, &self.rollout);
        let prepare = |env: &Env| {
            for (name, value) in params {
                env.set_param(name, rollout.of_instance(name, *value));
            }
        };
        let start = Start { host, chain: &chain, version: &version, prepare: &prepare };
        self.instances[i].start(at_ms, &start)?;
        if i == 0 {
            self.show(&chain);
        }
        Ok(())
    }

    /// Lets one instance's time pass, its crashes and restarts on the way included.
    fn run(&mut self, i: usize, to_ms: u64) -> anyhow::Result<()> {
        loop {
            if let Some(at_ms) = self.instances[i].again_ms().filter(|at_ms| *at_ms < to_ms) {
                self.instances[i].run(at_ms);
                self.start(i, at_ms)?;
            }
            let Some((at_ms, code)) = self.instances[i].run(to_ms) else { return Ok(()) };
            self.instances[i].went_down(at_ms, ExitCause::Crashed, Some(code))?;
        }
    }

    /// Hands each instance its share of the requests that are due by then.
    fn arrivals_until(&mut self, to_ms: u64) {
        // The first is drawn once the first phase has set rate and mix.
        self.next = self.next.or_else(|| self.schedule.next());
        while let Some(arrival) = self.next.filter(|arrival| due_ms(arrival) <= to_ms) {
            let target = self.splitter.pick().min(self.instances.len() - 1);
            // The mix may have shrunk since this arrival was drawn.
            if let Some(request) = self.mix.get(arrival.kind).or(self.mix.last()) {
                let (at_ms, key) = (due_ms(&arrival), request.key(arrival.draw));
                let request = Arc::clone(request);
                self.instances[target].expect(Due { at_ms, request, key });
            }
            self.next = self.schedule.next();
        }
    }
}

/// A chain, for people.
pub fn shown(chain: &Chain) -> ChainShown {
    let names = |layers: Vec<crate::incident::chain::Standing>| {
        layers.into_iter().map(|layer| (layer.slot.to_owned(), layer.owner)).collect()
    };
    ChainShown { routes: names(chain.around_routes()), store: names(chain.around_store()) }
}

/// Returns the due time of an arrival: the first whole millisecond, since a paused clock has no finer resolution.
fn due_ms(arrival: &Arrival) -> u64 {
    u64::try_from(arrival.at.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

type Mix = Vec<(f64, Arc<Prepared>)>;

/// Weights and requests.
fn apart(mix: Result<Mix, RequestError>) -> anyhow::Result<(Vec<f64>, Vec<Arc<Prepared>>)> {
    Ok(mix?.into_iter().unzip())
}
