//! One lane over its instances: what is in play, the release, their sum.

use std::collections::{BTreeMap, BTreeSet};

use firedrill_core::event::{
    ChildStart, Clock, EventKind, InstanceSample, LoadTick, MOST_NAMED, ParentSays, Sample,
    ServerSample,
};
use firedrill_core::incident::Bugs;
use firedrill_core::incident::fleet::Order;
use firedrill_core::incident::manifest::MAX_INSTANCES;
use firedrill_core::lane::rollout::{Measured, Ordered, Rollout};
use firedrill_core::sanitize;
use tokio::time::Instant;

use super::child::Message;
use super::event_sink::EventSink;
use super::instance::LiveInstance;
use super::memory::Resident;
use super::steering::Steering;
use super::{Messages, Spec};
use crate::load::driver::Listening;

/// One lane.
pub(super) struct Lane {
    index: usize,
    /// The variant that the release brings.
    pub(super) variant: String,
    spec: Spec,
    messages: Messages,
    without: Vec<String>,
    params: BTreeMap<String, f64>,
    console: bool,
    pub(super) instances: Vec<LiveInstance>,
    /// Metrics that have been announced: several instances register the same.
    announced: BTreeSet<String>,
    /// Those of which the highest value of the instances stands for the lane.
    highest: BTreeSet<String>,
    steering: Option<Steering>,
    rollout: Rollout,
    /// The zero of the rollout's clock.
    began: Instant,
}

impl Lane {
    pub(super) fn new(index: usize, spec: &Spec, messages: &Messages, in_play: Bugs) -> Self {
        let variant = spec.case.entry.variant(&spec.case.plan.variants[index]);
        let is_steered = variant.is_some_and(|variant| variant.steer.is_some());
        let mut lane = Self {
            index,
            variant: spec.case.plan.variants[index].clone(),
            messages: messages.clone(),
            without: Vec::new(),
            params: spec.case.params(),
            console: spec.venue.console,
            instances: Vec::new(),
            announced: BTreeSet::new(),
            highest: BTreeSet::new(),
            steering: None,
            rollout: Rollout::new(
                &spec.case.plan.incident,
                &spec.case.plan.variants[index],
                is_steered,
                in_play,
            )
            .sharing_store(spec.case.entry.manifest.shared_store),
            began: Instant::now(),
            spec: spec.clone(),
        };
        lane.add_instances(spec.case.entry.manifest.instances);
        lane
    }

    fn add_instances(&mut self, wanted: usize) {
        let wanted = self.rollout.scale(wanted);
        while self.instances.len() < wanted {
            let at = (self.index, self.instances.len());
            let (program, _) = self.spec.venue.served_by(&self.spec.case, &self.variant);
            self.instances.push(LiveInstance::new(at, program.to_owned(), &self.messages));
        }
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Returns the first message to an instance.
    fn begin(&self, instance: usize) -> ChildStart {
        let manifest = &self.spec.case.entry.manifest;
        let cap_bytes = self.cap_bytes(instance);
        ChildStart {
            clock: Clock::Live,
            incident: manifest.id.clone(),
            variant: self.variant.clone(),
            rate_per_s: self.spec.case.plan.rate_per_s,
            seed: self.spec.case.plan.seed,
            instance,
            in_play: self.rollout.in_play(instance),
            without: self.without.clone(),
            params: self.params_of_instance(),
            console: self.console && instance == 0,
            watched: false,
            // The second line of defence stands above the supervisor's cap.
            heap_limit_bytes: Some(cap_bytes + cap_bytes / 4),
            steers: false,
            manifests: self.spec.venue.served_by(&self.spec.case, &self.variant).1,
        }
    }

    /// The parameters as an instance gets them.
    fn params_of_instance(&self) -> BTreeMap<String, f64> {
        let own =
            |(name, value): (&String, &f64)| (name.clone(), self.rollout.of_instance(name, *value));
        self.params.iter().map(own).collect()
    }

    /// The memory cap of an instance.
    fn cap_bytes(&self, instance: usize) -> u64 {
        self.spec.cap_bytes(instance, self.console)
    }

    /// The memory caps of all instances together, if tokio-console's instruments were on or as they are.
    pub(super) fn caps_bytes(&self, console: bool) -> u64 {
        let cap = |instance| self.spec.cap_bytes(instance, self.console || console);
        (0..self.instances.len()).map(cap).sum()
    }

    /// Returns the address of each instance.
    pub(super) fn listening(&self, tls: bool) -> Vec<Option<Listening>> {
        self.instances.iter().map(|instance| instance.listening(tls)).collect()
    }

    /// Returns the weights of the instances.
    pub(super) fn weights(&self) -> Vec<f64> {
        let mut weights = self.rollout.weights();
        // One that has just been added gets requests once it serves.
        let is_new = |instance: &LiveInstance| !instance.has_served();
        if !self.instances.iter().all(is_new) {
            let new =
                self.instances.iter().zip(&mut weights).filter(|(instance, _)| is_new(instance));
            new.for_each(|(_, weight)| *weight = 0.0);
        }
        weights
    }

    /// Why an instance's last process did not get to serve.
    pub(super) fn refused(&self) -> Option<&str> {
        self.instances.iter().find_map(LiveInstance::refused)
    }

    /// Returns true if every instance serves.
    pub(super) fn serves(&self) -> bool {
        self.instances.iter().all(LiveInstance::serves)
    }

    /// Returns true if one of its processes may still run.
    pub(super) fn alive(&self) -> bool {
        self.instances.iter().any(LiveInstance::alive)
    }

    /// Returns the end of the standard error of an instance that does not serve, as the end of a message.
    pub(super) fn last_words(&self) -> String {
        let silent = self.instances.iter().find(|instance| !instance.serves());
        silent.or(self.instances.first()).map(LiveInstance::last_words).unwrap_or_default()
    }

    fn start_instance(&mut self, instance: usize, event_sink: &mut EventSink) {
        let begin = self.begin(instance);
        let cap_bytes = self.cap_bytes(instance);
        let own = self.spec.case.entry.manifest.memory.cap_bytes() != cap_bytes;
        self.instances[instance].start(&begin, own.then_some(cap_bytes), event_sink);
    }

    /// Starts all instances.
    pub(super) fn start(&mut self, event_sink: &mut EventSink) {
        for i in 0..self.instances.len() {
            self.start_instance(i, event_sink);
        }
    }

    /// Ends the processes, and starts new ones at once.
    pub(super) fn restart(&mut self, console: bool, event_sink: &mut EventSink) {
        self.console |= console;
        for i in 0..self.instances.len() {
            if !self.instances[i].restart() {
                self.start_instance(i, event_sink);
            }
        }
    }

    /// Ends the processes for good, politely.
    pub(super) fn stop(&mut self) {
        self.steering = None;
        self.instances.iter_mut().for_each(LiveInstance::stop);
    }

    /// Brings these incidents into play, and no others.
    pub(super) fn set_in_play(&mut self, in_play: Bugs, event_sink: &mut EventSink) {
        let now_ms = self.now_ms();
        if let Some(begins) = self.rollout.set_in_play(in_play, now_ms) {
            self.steering = None;
            if begins {
                let begin = ChildStart { steers: true, console: false, ..self.begin(0) };
                match Steering::start(&self.spec, self.index, &begin) {
                    Ok(steering) => self.steering = Some(steering),
                    Err(error) => {
                        let line = format!("the release is not steered: {error}");
                        event_sink.emit(Some(self.index), EventKind::Log { line });
                    }
                }
            }
        }
        self.switch();
    }

    /// Switches these slots off, and all others on.
    pub(super) fn set_without(&mut self, slots: Vec<String>) {
        self.without.clone_from(&slots);
        for instance in &mut self.instances {
            instance.command(ParentSays::SetWithout { slots: slots.clone() });
        }
    }

    fn switch(&mut self) {
        for i in 0..self.instances.len() {
            let bugs = self.rollout.in_play(i);
            self.instances[i].command(ParentSays::SetBugs { bugs });
        }
    }

    /// Gives a parameter a new value.
    pub(super) fn set_param(&mut self, name: &str, value: f64) {
        self.params.insert(name.to_owned(), value);
        let value = self.rollout.of_instance(name, value);
        for instance in &mut self.instances {
            instance.command(ParentSays::SetParam { name: name.to_owned(), value });
        }
    }

    /// Lets so many instances serve.
    pub(super) fn scale(&mut self, wanted: usize, event_sink: &mut EventSink) {
        let before = self.instances.len();
        self.add_instances(wanted);
        let wanted = self.rollout.weights().len();
        // Dropping an instance kills its process.
        self.instances.truncate(wanted);
        for i in before..self.instances.len() {
            self.start_instance(i, event_sink);
        }
        if before != wanted {
            event_sink.emit(Some(self.index), EventKind::Scale { instances: wanted });
            for name in self.rollout.divided() {
                let value =
                    self.params.get(name).map(|value| self.rollout.of_instance(name, *value));
                let Some(value) = value else { continue };
                for instance in &mut self.instances {
                    instance.command(ParentSays::SetParam { name: name.to_owned(), value });
                }
            }
        }
    }

    /// Carries out an order of the code that steers the release.
    fn obey(&mut self, order: Order, event_sink: &mut EventSink) {
        let now_ms = self.now_ms();
        match self.rollout.obey(order, now_ms) {
            Ordered::Scale(instances) => self.scale(instances, event_sink),
            Ordered::Release(release) => {
                event_sink.emit(Some(self.index), EventKind::Release(release));
                self.switch();
            }
        }
    }

    /// Takes in what a process of it says, or what became of it.
    pub(super) fn hear(
        &mut self,
        instance: usize,
        generation: u32,
        message: Message,
        event_sink: &mut EventSink,
    ) {
        if let Message::Line(line) = &message
            && let Ok(firedrill_core::event::ServerSays::Metric(metric)) = sanitize::read(line)
        {
            // What code names without end is told by its samples, which are refused for it.
            if self.announced.len() >= MOST_NAMED || !self.announced.insert(metric.name.clone()) {
                return;
            }
            if metric.highest {
                self.highest.insert(metric.name);
            }
        }
        if let Some(instance) = self.instances.get_mut(instance) {
            instance.hear(generation, message, event_sink);
        }
    }

    /// Starts what is due to start again, and measures; `load` tells
    /// what became of an instance's requests.
    pub(super) fn tick(
        &mut self,
        resident: &[Option<Resident>],
        load: impl Fn(usize) -> LoadTick,
        event_sink: &mut EventSink,
    ) {
        // Those of instances that were removed may still end.
        let ticks: Vec<LoadTick> = (0..MAX_INSTANCES).map(load).collect();
        for (i, tick) in ticks.iter().enumerate().take(self.instances.len()) {
            self.rollout.count(i, tick);
        }
        let sample = self.sample(resident, &ticks);
        event_sink.emit(Some(self.index), EventKind::Sample(sample));
        for i in 0..self.instances.len() {
            if self.instances[i].wants_start() {
                self.start_instance(i, event_sink);
            }
            self.instances[i].tick(event_sink);
        }
        self.steer(resident, event_sink);
    }

    /// The processes of its instances, each with its place and its cap.
    pub(super) fn held(&self) -> impl Iterator<Item = (usize, u32, u64)> {
        let instances = self.instances.iter().enumerate();
        instances.filter_map(|(i, instance)| Some((i, instance.pid()?, self.cap_bytes(i))))
    }

    /// An instance's process has reached its cap, and is killed.
    pub(super) fn reached_cap(&mut self, instance: usize, pid: u32, resident_bytes: u64) {
        let cap_bytes = self.cap_bytes(instance);
        if let Some(instance) = self.instances.get_mut(instance).filter(|i| i.pid() == Some(pid)) {
            instance.kill_for_memory(resident_bytes, cap_bytes);
        }
    }

    /// Lets the code of the variant see the instances, and carries out what it orders.
    fn steer(&mut self, resident: &[Option<Resident>], event_sink: &mut EventSink) {
        let mut metrics = BTreeMap::<String, f64>::new();
        for server in self.instances.iter().filter_map(LiveInstance::report) {
            for (name, value) in &server.metrics {
                *metrics.entry(name.clone()).or_default() += value;
            }
        }
        let measured = |(i, instance): (usize, &LiveInstance)| {
            let resident = resident.get(i).copied().flatten();
            let report = instance.report();
            let sites = report.iter().flat_map(|server| &server.wait_sites);
            Measured {
                serves: instance.serves(),
                tasks: report.map_or(0, |server| server.tasks),
                waiting: sites.map(|site| site.waiting).sum(),
                cpu_percent: resident.map_or(0.0, |resident| resident.cpu_percent),
            }
        };
        let measured: Vec<Measured> = self.instances.iter().enumerate().map(measured).collect();
        let fleet = self.rollout.fleet(self.now_ms(), &measured);
        let (Some(steering), Some(mut fleet)) = (&mut self.steering, fleet) else { return };
        (fleet.metrics, fleet.params) = (metrics, self.params.clone());
        let order = steering.order(fleet.orders);
        steering.show(&fleet);
        if let Some(order) = order {
            self.obey(order, event_sink);
        }
    }

    /// Returns the measurements of this tick.
    pub(super) fn sample(&self, resident: &[Option<Resident>], ticks: &[LoadTick]) -> Sample {
        let (mut server, mut load) = (None::<ServerSample>, LoadTick::default());
        let mut shown = Vec::new();
        let (mut bytes, mut cpu) = (0, 0.0);
        let weights = self.weights();
        for (i, instance) in self.instances.iter().enumerate() {
            let own = instance.report();
            let tick = &ticks[i];
            let resident = resident.get(i).copied().flatten().filter(|_| own.is_some());
            bytes += resident.map_or(0, |r| r.bytes);
            cpu += resident.map_or(0.0, |r| r.cpu_percent);
            shown.push(InstanceSample {
                version: self.rollout.version(i).to_owned(),
                share_percent: weights[i],
                serves: instance.serves(),
                tasks: own.map_or(0, |server| server.tasks),
                resident_bytes: resident.map_or(0, |r| r.bytes),
                sent: tick.sent,
                ok: tick.outcomes.ok,
                bad: tick.outcomes.bad(),
            });
            load.add(tick.clone());
            if let Some(own) = own {
                server.get_or_insert_with(ServerSample::default).add(own.clone(), &self.highest);
            }
        }
        ticks.iter().skip(self.instances.len()).for_each(|removed| load.add(removed.clone()));
        let serves = server.is_some();
        let all = self.instances.len();
        Sample {
            server,
            resident_bytes: (serves && bytes > 0).then_some(bytes),
            cpu_percent: serves.then_some(cpu / all as f64),
            load,
            instances: if all > 1 { shown } else { Vec::new() },
        }
    }
}
