//! One lane in one tick, as it was measured.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};

use super::is_zero;
use super::load::{LoadTick, Outcomes};

/// Measurements of one lane in one tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The newest report of the child; none while it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSample>,
    /// Memory of the lane, which the cap is about; none while it is down. Live: resident memory of
    /// its process. Virtual: heap bytes that its simulated process holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Share of its processors that it used, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Outcomes of the requests in this tick.
    pub load: LoadTick,
    /// Each instance by itself, where the lane has several; the rest is their sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceSample>,
}

/// Measurements of a server process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSample {
    /// Tasks alive on the server's runtime, without those that serve a connection.
    pub tasks: u64,
    /// Connections that are open, a task each. On the virtual clock: requests whose client waits.
    pub connections: u64,
    /// Heap bytes in use, counted by the allocator.
    pub heap_bytes: u64,
    /// The registered metrics by name. One with labels is the sum or the highest of all of them, by
    /// [`Metric::highest`](super::Metric::highest); a histogram is there as its count and its sum, by `NAME_count` and `NAME_sum`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "short_numbers")]
    pub metrics: BTreeMap<String, f64>,
    /// In a recording: metrics that the sample before had, and this one has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Places in the source where tasks wait now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wait_sites: Vec<WaitSite>,
    /// Series of metrics: each name counts once for each set of labels that it has had.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub series: u64,
    /// Processor time that the server's code has taken so far, where processors are simulated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub worked_us: u64,
}

/// The most instances that a lane has.
pub const MAX_INSTANCES: usize = 8;

/// Beyond every count and size that a run can have.
pub const MOST_COUNTED: u64 = 1 << 50;

/// Metrics with a name that a lane may have: code has far fewer.
pub const MOST_NAMED: usize = 1000;

/// Kinds of requests, and reasons, that a lane may have: more come from no manifest.
pub const MOST_KINDS: usize = 64;

impl Sample {
    /// Returns true if the counts are possible in a run, with a wide margin.
    pub fn is_plausible(&self) -> bool {
        let Outcomes { ok, wrong, rejected, failed, timed_out, unfinished } = self.load.outcomes;
        let load = [
            self.load.sent,
            self.load.in_flight,
            ok,
            wrong,
            rejected,
            failed,
            timed_out,
            unfinished,
        ];
        let counts = load.into_iter().chain(self.load.handshakes.values().copied());
        let few = self.instances.len() <= MAX_INSTANCES
            && self.load.kinds.len() <= MOST_KINDS
            && self.load.handshakes.len() <= MOST_KINDS;
        few && counts.chain(self.resident_bytes).all(|count| count < MOST_COUNTED)
            && self.server.as_ref().is_none_or(ServerSample::is_plausible)
    }
}

impl ServerSample {
    /// Returns true if the counts are possible for a server, with a wide margin.
    pub fn is_plausible(&self) -> bool {
        let counts = [self.tasks, self.connections, self.heap_bytes, self.series, self.worked_us];
        counts.into_iter().all(|count| count < MOST_COUNTED)
    }

    /// Returns true if the number of names is bounded.
    pub fn names_few(&self) -> bool {
        self.metrics.len() <= MOST_NAMED && self.wait_sites.len() <= MOST_NAMED
    }

    /// Adds another instance's; of these metrics the highest value stands, see [`Metric::highest`].
    ///
    /// [`Metric::highest`]: super::Metric::highest
    pub fn add(&mut self, other: Self, highest: &BTreeSet<String>) {
        self.tasks = self.tasks.saturating_add(other.tasks);
        self.connections = self.connections.saturating_add(other.connections);
        self.heap_bytes = self.heap_bytes.saturating_add(other.heap_bytes);
        self.series = self.series.saturating_add(other.series);
        self.worked_us = self.worked_us.saturating_add(other.worked_us);
        for (name, value) in other.metrics {
            let metric = name.split_once('{').map_or(name.as_str(), |(metric, _)| metric);
            let is_level = highest.contains(metric);
            self.metrics
                .entry(name)
                .and_modify(|old| *old = if is_level { old.max(value) } else { *old + value })
                .or_insert(value);
        }
        for site in other.wait_sites {
            let same = |known: &&mut WaitSite| {
                (&known.file, known.line, &known.label) == (&site.file, site.line, &site.label)
            };
            match self.wait_sites.iter_mut().find(same) {
                Some(known) => known.waiting = known.waiting.saturating_add(site.waiting),
                None => self.wait_sites.push(site),
            }
        }
    }
}

/// A place in the source at which tasks wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitSite {
    /// Path of the source file, from the package's root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Label of the wait site.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Tasks waiting there now.
    pub waiting: u64,
}

/// Measurements of one of several instances in one tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceSample {
    /// The version that it runs: a variant.
    pub version: String,
    /// Its share of the lane's requests, in percent.
    pub share_percent: f64,
    /// True if it serves.
    pub serves: bool,
    /// Tasks alive in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tasks: u64,
    /// Its memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resident_bytes: u64,
    /// Requests that it was sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Those that were answered well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ok: u64,
    /// Those that failed, timed out or were answered wrongly.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bad: u64,
}

impl Sample {
    /// Makes it stand for a later sample too: with the requests of both, and the higher levels.
    pub(crate) fn and_then(&mut self, later: Self) {
        let in_flight = self.load.in_flight.max(later.load.in_flight);
        self.load.and_then(later.load);
        self.load.in_flight = in_flight;
        self.load.round_latencies();
        self.resident_bytes = self.resident_bytes.max(later.resident_bytes);
        self.cpu_percent = match (self.cpu_percent, later.cpu_percent) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.instances = later.instances;
        self.server = match (self.server.take(), later.server) {
            (Some(one), Some(other)) => Some(one.highest(other)),
            // A process that ended or began in between is told of by other events.
            (one, other) => other.or(one),
        };
    }
}

impl ServerSample {
    /// The higher of each level.
    fn highest(mut self, later: Self) -> Self {
        for (name, value) in later.metrics {
            self.metrics.entry(name).and_modify(|old| *old = old.max(value)).or_insert(value);
        }
        Self {
            tasks: self.tasks.max(later.tasks),
            connections: self.connections.max(later.connections),
            heap_bytes: self.heap_bytes.max(later.heap_bytes),
            metrics: self.metrics,
            gone: Vec::new(),
            wait_sites: later.wait_sites,
            series: self.series.max(later.series),
            worked_us: self.worked_us.max(later.worked_us),
        }
    }
}

/// Writes a whole number without a fraction: most metrics are counts.
fn short_numbers<S: Serializer>(
    values: &BTreeMap<String, f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    /// Up to here every whole number has a `f64` of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Short {
        Whole(i64),
        Fraction(f64),
    }
    serializer.collect_map(values.iter().map(|(name, value)| {
        let whole = value.fract() == 0.0 && value.abs() < EXACT;
        (name, if whole { Short::Whole(*value as i64) } else { Short::Fraction(*value) })
    }))
}
