//! One lane of a run, aggregated from its events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::event::{
    ChainShown, EventKind, ExitCause, InstanceSample, KindTick, LoadTick, LogTail, MOST_KINDS,
    Metric, Ready, Sample, ServerSample, TICK, WaitSite,
};
use crate::incident::formula::Values;
use crate::incident::measure::{
    KindFigure, KindMeasure, Level, Measure, WindowMeasure, selector, with_suffix,
};
use crate::incident::show::{MOST_LEVELS, Sentence};
use crate::incident::{Bugs, Manifest};
use crate::prose;
use crate::timeline::{Levels, level, slope};
use crate::window::Window;

use serde::{Deserialize, Serialize};

use super::series::{Point, Series};

/// Ticks that the rates and percentiles on screen look back over: one second.
const RECENT: usize = 10;

/// Seconds without a sample after which the last one does not stand for now.
const STALE_S: f64 = 1.0;

/// Seconds after which instances that were asked for and are not there will not come.
const REFUSED_S: f64 = 2.0;

/// Seconds that the slope on screen looks back over.
const SLOPE_S: f64 = 4.0;

/// Levels here are not of a kind of request.
const NO_KINDS: BTreeMap<String, KindTick> = BTreeMap::new();

/// State of a lane's process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ProcessState {
    /// Started, not yet serving.
    Starting,
    /// Serving since a time, in seconds.
    Serving {
        /// Its port on loopback, and its process; none on the virtual clock.
        process: Option<(u16, u32)>,
        /// Since when.
        since_s: f64,
    },
    /// Ended because it was asked to: a restart begins, or the run has ended.
    Stopped {
        /// Since when it had served, in seconds.
        since_s: f64,
    },
    /// Ended.
    Down {
        /// Short description.
        short: String,
        /// Time of the restart in seconds.
        again_s: f64,
    },
}

/// One lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LaneState {
    /// The variant that the release brings.
    pub variant: String,
    /// Bugs that are on.
    pub bugs: Bugs,
    /// The version that was released to it last.
    pub version: String,
    /// Time of the newest switch of a bug, in seconds.
    pub switched_s: f64,
    /// State of its process.
    pub state: ProcessState,
    /// Restarts by the supervisor.
    pub restarts: u32,
    /// Its history.
    pub series: Series,
    /// Metrics by name.
    pub metrics: BTreeMap<String, Metric>,
    /// The newest report of its server.
    pub server: Option<ServerSample>,
    /// The newest resident memory.
    pub resident_bytes: Option<u64>,
    /// Requests in flight.
    pub in_flight: u64,
    /// The last second.
    pub last_second: LastSecond,
    /// True once it has rejected a request.
    pub has_rejected: bool,
    /// The last second by kind of request, where kinds have names.
    pub kinds: BTreeMap<String, LastSecond>,
    /// Growth of the tasks over the last seconds.
    pub tasks_per_s: Option<f64>,
    /// Port for tokio-console.
    pub console_port: Option<u16>,
    /// The memory cap of its first instance, where that is not the manifest's.
    pub own_cap_bytes: Option<u64>,
    /// Time of the newest sample, in seconds.
    pub sampled_s: f64,
    /// Share of its processors that it uses, in percent.
    pub cpu_percent: Option<f64>,
    /// The middleware stack.
    pub chain: ChainShown,
    /// The slots of its chain that are off.
    pub without: Vec<String>,
    /// Each of its instances, where it has several.
    pub instances: Vec<InstanceSample>,
    /// Requested number of instances and the time of the request in seconds, until it is reached.
    pub wanted: Option<(usize, f64)>,
    /// The history of each of them.
    pub each: Vec<Series>,
    /// The end of its log.
    pub log: LogTail,
    /// Levels that charts show beside the usual ones.
    levels: Arc<[Measure]>,
    /// Metrics whose growth a second its sentences tell.
    growing: Arc<[String]>,
    /// Their values over the last second.
    grown: VecDeque<Vec<f64>>,
    ticks: VecDeque<LoadTick>,
}

/// The last second of a lane, or of one kind of its requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LastSecond {
    /// The requests.
    pub window: Window,
    /// Seconds that have been measured of it.
    pub seconds: f64,
}

impl LastSecond {
    /// A measure over it.
    pub fn value(&self, measure: WindowMeasure) -> Option<f64> {
        self.window.value(measure, self.seconds)
    }

    /// Requests a second of these.
    pub fn per_s(&self, count: u64) -> f64 {
        if self.seconds > 0.0 { count as f64 / self.seconds } else { 0.0 }
    }

    /// Failed handshakes a second, and the reason of most of them.
    pub fn handshakes(&self) -> Option<(&str, f64)> {
        let handshakes = &self.window.handshakes;
        let (reason, _) = handshakes.iter().max_by_key(|(_, count)| **count)?;
        Some((reason, self.per_s(handshakes.values().sum())))
    }
}

impl LaneState {
    /// A lane that has not begun; charts will show these levels of it, and sentences how much these
    /// metrics grow.
    pub fn new(variant: &str, levels: Arc<[Measure]>, growing: Arc<[String]>) -> Self {
        Self {
            variant: variant.to_owned(),
            bugs: Bugs::new(),
            version: String::new(),
            switched_s: 0.0,
            state: ProcessState::Starting,
            restarts: 0,
            series: Series::default(),
            metrics: BTreeMap::new(),
            server: None,
            resident_bytes: None,
            in_flight: 0,
            last_second: LastSecond::default(),
            has_rejected: false,
            kinds: BTreeMap::new(),
            tasks_per_s: None,
            console_port: None,
            own_cap_bytes: None,
            sampled_s: 0.0,
            cpu_percent: None,
            chain: ChainShown::default(),
            without: Vec::new(),
            instances: Vec::new(),
            wanted: None,
            each: Vec::new(),
            log: LogTail::default(),
            levels,
            growing,
            grown: VecDeque::new(),
            ticks: VecDeque::new(),
        }
    }

    /// Takes in one of its events. Returns a line for the log, where it is worth one.
    pub fn take(&mut self, at_s: f64, what: &EventKind) -> Option<String> {
        match what {
            EventKind::Starting { attempt, instance } => {
                if *instance > 0 {
                    return None;
                }
                self.state = ProcessState::Starting;
                self.restarts = attempt.saturating_sub(1);
                self.console_port = None;
                None
            }
            EventKind::Ready(Ready { instance: 1.., .. }) => None,
            EventKind::Ready(Ready { port, pid, console_port, cap_bytes, .. }) => {
                self.state = ProcessState::Serving { process: port.zip(*pid), since_s: at_s };
                self.console_port = *console_port;
                self.own_cap_bytes = *cap_bytes;
                (self.restarts > 0).then(|| "serving again, with a clean process".to_owned())
            }
            EventKind::Metric(metric) => {
                self.metrics.insert(metric.name.clone(), metric.clone());
                None
            }
            EventKind::Sample(sample) => {
                self.sample(at_s, sample);
                None
            }
            EventKind::Bug { incident, variant } => {
                self.switched_s = at_s;
                match variant {
                    Some(variant) => self.bugs.insert(incident.clone(), variant.clone()),
                    None => self.bugs.remove(incident),
                };
                prose::line(what)
            }
            EventKind::Slots { without } => {
                self.without.clone_from(without);
                prose::line(what)
            }
            EventKind::LogTail(tail) => {
                self.log.clone_from(tail);
                None
            }
            EventKind::Chain(chain) => {
                let known = std::mem::replace(&mut self.chain, chain.clone());
                let order = |chain: &ChainShown| -> Vec<String> {
                    chain.routes.iter().map(|(slot, _)| slot.clone()).collect()
                };
                let now = order(chain);
                (!known.routes.is_empty() && now != order(&known))
                    .then(|| format!("chain: {}", now.join(" → ")))
            }
            EventKind::Release(release) => {
                self.switched_s = at_s;
                if release.version != "before" {
                    self.version.clone_from(&release.version);
                }
                prose::line(what)
            }
            EventKind::Log { .. } | EventKind::Scale { .. } => prose::line(what),
            // The others go on.
            EventKind::Exit { instance: 1.., .. } | EventKind::Restart { instance: 1.., .. } => {
                self.restarts += u32::from(matches!(what, EventKind::Restart { .. }));
                prose::line(what)
            }
            EventKind::Exit { cause, code, .. } => {
                self.exit(at_s, cause, *code);
                Some(prose::exit(cause, *code))
            }
            EventKind::Restart { after_ms, .. } => {
                let wait_s = *after_ms as f64 / 1000.0;
                if let ProcessState::Down { again_s, .. } = &mut self.state {
                    *again_s = at_s + wait_s;
                }
                Some(format!("starts again in {wait_s} s"))
            }
            _ => None,
        }
    }

    fn exit(&mut self, at_s: f64, cause: &ExitCause, code: Option<i32>) {
        let short = match (cause, code) {
            // What was measured last still stands.
            (ExitCause::Stopped, _) => {
                let since_s = match self.state {
                    ProcessState::Serving { since_s, .. } => since_s,
                    _ => at_s,
                };
                self.state = ProcessState::Stopped { since_s };
                return;
            }
            (ExitCause::OutOfMemory { .. }, _) => "KILLED at the cap".to_owned(),
            (ExitCause::HeapLimit { .. }, _) => "OUT OF MEMORY at its own limit".to_owned(),
            (ExitCause::Crashed, Some(code)) => format!("CRASHED, code {code}"),
            (ExitCause::Crashed, None) => "CRASHED".to_owned(),
            (ExitCause::Killed, _) => "KILLED by the system".to_owned(),
            (ExitCause::Refused { .. }, _) => "did not serve".to_owned(),
        };
        self.state = ProcessState::Down { short, again_s: at_s };
        (self.server, self.resident_bytes) = (None, None);
    }

    fn sample(&mut self, at_s: f64, sample: &Sample) {
        self.sampled_s = at_s;
        self.server.clone_from(&sample.server);
        self.resident_bytes = sample.resident_bytes;
        self.cpu_percent = sample.cpu_percent;
        self.instances.clone_from(&sample.instances);
        let instances = self.instances.len().max(1);
        // A refusal is shown for a while only.
        let open =
            |(wanted, asked_s): &(usize, f64)| *wanted != instances && at_s - asked_s < REFUSED_S;
        self.wanted = self.wanted.filter(open);
        self.each.resize_with(sample.instances.len(), Series::default);
        for (series, instance) in self.each.iter_mut().zip(&sample.instances) {
            series.push(Point {
                at_s,
                tasks: instance.serves.then_some(instance.tasks as f64),
                memory_bytes: instance.serves.then_some(instance.resident_bytes as f64),
                ok: instance.ok as f32,
                bad: instance.bad as f32,
                ..Point::default()
            });
        }
        self.in_flight = sample.load.in_flight;
        self.has_rejected |= sample.load.outcomes.rejected > 0;
        if self.ticks.len() == RECENT {
            self.ticks.pop_front();
        }
        self.ticks.push_back(sample.load.clone());
        let seconds = self.ticks.len() as f64 * TICK.as_secs_f64();
        self.last_second = LastSecond { window: Window::of(&self.ticks), seconds };
        let known = std::mem::take(&mut self.kinds);
        let kinds = self.ticks.iter().flat_map(|t| t.kinds.keys()).chain(known.keys());
        let kinds: BTreeSet<&String> = kinds.collect();
        let kinds = kinds.into_iter().map(|kind| {
            let ticks = self.ticks.iter().filter_map(|tick| tick.kinds.get(kind));
            (kind.clone(), LastSecond { window: Window::of_kind(ticks), seconds })
        });
        self.kinds = kinds.take(MOST_KINDS).collect();
        let mut levels = [None; MOST_LEVELS];
        for (at, measure) in levels.iter_mut().zip(self.levels.iter()) {
            *at = self.value(measure).map(|value| value as f32);
        }
        if self.grown.len() > RECENT {
            self.grown.pop_front();
        }
        let now = self.growing.iter().map(|name| self.metric(name).unwrap_or_default());
        let now = now.collect();
        self.grown.push_back(now);
        let outcomes = sample.load.outcomes;
        self.series.push(Point {
            ok: outcomes.ok as f32,
            rejected: outcomes.rejected as f32,
            bad: outcomes.bad() as f32,
            levels,
            at_s,
            tasks: self.server.as_ref().map(|server| server.tasks as f64),
            memory_bytes: self.resident_bytes.map(|bytes| bytes as f64),
            p50_ms: self.last_second.value(WindowMeasure::P50Ms),
            p99_ms: self.last_second.value(WindowMeasure::P99Ms),
        });
        let tasks = |point: &Point| Some((point.at_s, point.tasks?));
        // A slope over two processes would be nobody's.
        let began_s = match self.state {
            ProcessState::Serving { since_s, .. } => since_s.max(at_s - SLOPE_S),
            _ => at_s,
        };
        let points: Vec<(f64, f64)> = self.series.since(began_s).filter_map(tasks).collect();
        self.tasks_per_s = slope(&points).filter(|_| points.len() >= RECENT);
    }

    /// Forgets what was measured so long before `now_s` that it does not stand for now.
    pub fn expire(&mut self, now_s: f64) {
        if self.is_stale(now_s) {
            (self.server, self.resident_bytes) = (None, None);
            self.last_second = LastSecond::default();
            self.tasks_per_s = None;
            self.ticks.clear();
        }
    }

    /// Returns true if a sample is overdue.
    pub fn is_stale(&self, now_s: f64) -> bool {
        let serves = matches!(self.state, ProcessState::Serving { .. } | ProcessState::Down { .. });
        serves && now_s - self.sampled_s > STALE_S
    }

    /// The place where most tasks wait now.
    pub fn culprit(&self) -> Option<&WaitSite> {
        self.server.as_ref()?.wait_sites.iter().max_by_key(|site| site.waiting)
    }

    /// The requests of an instance over the last second, a second: those that were answered well, and those that went
    /// wrong.
    pub fn instance_per_s(&self, instance: usize) -> (u64, u64) {
        let from_s = self.sampled_s - (RECENT as f64 - 0.5) * TICK.as_secs_f64();
        let points = self.each.get(instance).into_iter().flat_map(|each| each.since(from_s));
        let (ticks, ok, bad) = points.fold((0.0, 0.0, 0.0), |(ticks, ok, bad), point| {
            (ticks + 1.0, ok + f64::from(point.ok), bad + f64::from(point.bad))
        });
        let per_s = |sum: f64| (sum / (f64::max(ticks, 1.0) * TICK.as_secs_f64())).round() as u64;
        (per_s(ok), per_s(bad))
    }

    /// Returns true if most requests of the last second failed, or no process serves.
    pub fn suffers(&self) -> bool {
        let outcomes = self.last_second.window.outcomes;
        let serves =
            matches!(self.state, ProcessState::Serving { .. } | ProcessState::Stopped { .. });
        !serves || outcomes.bad() > outcomes.ok
    }

    /// Shares of the requests that ended in the last second, in percent: all bad ones, and the wrong answers among
    /// them.
    pub fn bad_percent(&self) -> (f64, f64) {
        let outcomes = self.last_second.window.outcomes;
        let percent = |part: u64| part as f64 * 100.0 / outcomes.all().max(1) as f64;
        (percent(outcomes.bad()), percent(outcomes.wrong))
    }

    /// The value of a metric now.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.server.as_ref()?.metrics.get(name).copied()
    }

    /// The value of a measure now; of what only a period of time has, over the last second.
    pub fn value(&self, measure: &Measure) -> Option<f64> {
        match measure {
            Measure::Level(Level::InFlight) => Some(self.in_flight as f64),
            Measure::Restarts => Some(f64::from(self.restarts)),
            Measure::Exits => None,
            Measure::OverWindow(period) => self.last_second.value(*period),
            Measure::OfKind(KindMeasure {
                figure: KindFigure::OverWindow(period), kind, ..
            }) => {
                let seconds = self.last_second.seconds;
                let none_sent = || LastSecond { seconds, ..LastSecond::default() };
                self.kinds.get(kind).cloned().unwrap_or_else(none_sent).value(*period)
            }
            Measure::OfKind(KindMeasure { figure: KindFigure::InFlight, kind, .. }) => {
                let kinds = self.ticks.back().map(|tick| &tick.kinds);
                Some(kinds.and_then(|kinds| kinds.get(kind)).map_or(0, |t| t.in_flight) as f64)
            }
            Measure::Level(_) | Measure::Registered(_) => {
                let levels = Levels {
                    server: self.server.as_ref(),
                    resident_bytes: self.resident_bytes,
                    cpu_percent: self.cpu_percent,
                    in_flight: self.in_flight,
                    kinds: &NO_KINDS,
                    instances: &self.instances,
                };
                level(levels, measure)
            }
        }
    }

    /// Returns the sentence about its current state: the first of its variant whose condition holds. None without
    /// a process, because old figures do not describe it.
    pub fn sentence(&self, manifest: &Manifest, values: &Values) -> Option<String> {
        if !matches!(self.state, ProcessState::Serving { .. } | ProcessState::Stopped { .. }) {
            return None;
        }
        let sentences = &manifest.sentences;
        // What is off runs the fixed code.
        let runs = self.bugs.get(&manifest.id).map_or("fixed", String::as_str);
        let mut mine = sentences.iter().filter(|sentence| sentence.variant == runs).peekable();
        mine.peek()?;
        let mut values = self.values(values);
        // What code has not registered yet has counted nothing.
        let registered = |name: &&str| matches!(Measure::parse(name), Measure::Registered(_));
        for name in sentences.iter().flat_map(Sentence::names).filter(registered) {
            if !values.contains_key(name) {
                values.insert(name.to_owned(), 0.0);
            }
        }
        let holds = |sentence: &&Sentence| {
            sentence.when.as_ref().is_none_or(|when| when.eval(&values).is_ok_and(|v| v > 0.0))
        };
        mine.find(holds).and_then(|sentence| sentence.says.fill(&values).ok())
    }

    /// Rate and parameters, and everything that it measures now, by name.
    pub fn values(&self, values: &Values) -> Values {
        let mut values = values.clone();
        for name in Measure::built_in() {
            if let Some(value) = self.value(&Measure::parse(name)) {
                values.insert(name.to_owned(), value);
            }
        }
        for kind in self.kinds.keys() {
            for figure in KindFigure::ALL {
                let name = format!("{}{}", figure.name(), selector("kind", kind));
                if let Some(value) = self.value(&Measure::parse(&name)) {
                    values.insert(name, value);
                }
            }
        }
        let metrics = self.server.iter().flat_map(|server| &server.metrics);
        values.extend(metrics.map(|(name, value)| (name.clone(), *value)));
        for (i, metric) in self.growing.iter().enumerate() {
            let ends = self.grown.front().zip(self.grown.back());
            let seconds = self.grown.len().saturating_sub(1) as f64 * 0.1;
            let grown = ends.filter(|_| seconds > 0.0).map(|(a, b)| (b[i] - a[i]) / seconds);
            values.insert(with_suffix(metric, "_per_s"), grown.unwrap_or_default());
        }
        values
    }
}
