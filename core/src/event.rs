//! What happens in a run, as plain data: the one interface between a lane's child, its parent,
//! the screen and the JSON report.
//!
//! A live child says [`ServerSays`], a virtual one [`LaneSays`], each a line of JSON; the parent makes
//! [`Event`]s of them and adds its own. What a child may not say cannot be read as its words. Units
//! stand in the names of the fields.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

/// Time between two samples.
pub const TICK: Duration = Duration::from_millis(100);

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The lane it happened in; none for what concerns the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<usize>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

// What the book includes stands between anchors.
// ANCHOR: what
/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are samples")]
pub enum What {
    /// The parent is starting a process of a lane.
    Starting {
        /// Which start this is, counted from 1.
        attempt: u32,
        /// Which of the lane's instances, from 0.
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    /// An instance of a lane serves.
    Ready(Ready),
    /// Code in a child registered a metric that the samples will carry from now on.
    Metric(Metric),
    /// What one lane measured in one tick.
    Sample(Sample),
    /// How late the driver started the requests of one tick.
    Driver {
        /// Microseconds late, and how many requests were that late.
        #[serde(with = "counted")]
        lag_us: Vec<(u64, u32)>,
    },
    /// The next phase of the script began.
    Phase {
        /// Its place in the manifest.
        index: usize,
        /// Its text.
        says: String,
    },
    /// A version went to some instances of a lane, with a share of its traffic.
    Release(Release),
    /// A lane has another number of instances.
    Scale {
        /// How many.
        instances: usize,
    },
    /// A bug was switched on (in one of its variants) or off.
    Bug {
        /// The incident's id.
        incident: String,
        /// The variant now in force; none: the fixed form.
        variant: Option<String>,
    },
    /// Slots of a lane's chain were switched off or on.
    Slots {
        /// Those that are off.
        without: Vec<String>,
    },
    /// A parameter has a new value.
    Param {
        /// Its name.
        name: String,
        /// Its value, in the unit that the manifest gives.
        value: f64,
    },
    /// The load has a new rate.
    Rate {
        /// Requests a second, to each lane.
        rate_per_s: f64,
    },
    /// A line that a child wrote on its standard error, or a note of the program's own.
    Log {
        /// The line, without its end.
        line: String,
    },
    /// The end of the service's log, where the incident's charts show it.
    LogTail(LogTail),
    /// What stands in a lane's chain.
    Chain(ChainShown),
    /// A process of a lane ended.
    Exit {
        /// Why.
        cause: ExitCause,
        /// Its exit code, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        /// Which of the lane's instances, from 0.
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    /// The supervisor will start the instance again.
    Restart {
        /// Which restart this is, counted from 1.
        count: u32,
        /// The back-off before it.
        after_ms: u64,
        /// Which of the lane's instances, from 0.
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    /// Tasks of a virtual lane held up its thread: they wait for something that is not virtual. Only
    /// where this is watched.
    Blocked {
        /// Where the tasks were spawned.
        task: String,
        /// How often.
        times: u64,
    },
    /// A virtual run has come to the moment at which it is held: every sample up to then has been sent.
    Held,
    /// Events that a full queue could not take.
    Dropped {
        /// How many.
        events: u64,
    },
}
// ANCHOR_END: what

/// What a live child says: one server of a lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerSays {
    /// It serves.
    Ready(Ready),
    /// Its code registered a metric that its samples will carry from now on.
    Metric(Metric),
    /// What it measured of itself in one tick; the parent folds it into [`What::Sample`].
    Server(ServerSample),
    /// A note for the event log.
    Log {
        /// The line, without its end.
        line: String,
    },
    /// The end of its service's log.
    LogTail(LogTail),
    /// What stands in its chain.
    Chain(ChainShown),
}

/// What a virtual lane says: server, clients and supervision in one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "as in What")]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are samples")]
pub enum LaneSays {
    Starting {
        attempt: u32,
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    Ready(Ready),
    Metric(Metric),
    Sample(Sample),
    Release(Release),
    Scale {
        instances: usize,
    },
    Log {
        line: String,
    },
    LogTail(LogTail),
    Chain(ChainShown),
    Exit {
        cause: ExitCause,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    Restart {
        count: u32,
        after_ms: u64,
        #[serde(default, skip_serializing_if = "is_first")]
        instance: usize,
    },
    Blocked {
        task: String,
        times: u64,
    },
    /// It has reached the time that it was told to reach.
    Reached,
}

impl LaneSays {
    /// The event of a run that this is; none for what is between child and parent only.
    pub fn what(self) -> Option<What> {
        Some(match self {
            Self::Starting { attempt, instance } => What::Starting { attempt, instance },
            Self::Ready(ready) => What::Ready(ready),
            Self::Metric(metric) => What::Metric(metric),
            Self::Sample(sample) => What::Sample(sample),
            Self::Release(release) => What::Release(release),
            Self::Scale { instances } => What::Scale { instances },
            Self::Log { line } => What::Log { line },
            Self::LogTail(tail) => What::LogTail(tail),
            Self::Chain(chain) => What::Chain(chain),
            Self::Exit { cause, code, instance } => What::Exit { cause, code, instance },
            Self::Restart { count, after_ms, instance } => {
                What::Restart { count, after_ms, instance }
            }
            Self::Blocked { task, times } => What::Blocked { task, times },
            Self::Reached => return None,
        })
    }
}

/// An instance of a lane serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its TCP port on 127.0.0.1; none on the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its process; none on the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Where tokio-console may connect, when its instruments are on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_port: Option<u16>,
    /// Which of the lane's instances, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub instance: usize,
    /// Its memory cap, where that is another than the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_bytes: Option<u64>,
    /// What its clients trust, in DER; empty where it speaks no TLS, and in what a run tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root: Vec<u8>,
}

/// A version that went to some instances of a lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The version: a variant.
    pub version: String,
    /// How many instances have it now.
    pub instances: usize,
    /// Their share of the lane's requests, in percent.
    pub share_percent: f64,
    /// Why, for people.
    pub says: String,
}

/// What stands in a chain, from the outside in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainShown {
    /// Around the routes: slot, and whose layer.
    pub routes: Vec<(String, String)>,
    /// Around each call to the store.
    pub store: Vec<(String, String)>,
}

/// The end of a service's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// The newest lines, oldest first.
    pub lines: Vec<String>,
    /// The newest line that should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}

/// Why a lane's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCause {
    /// Killed by the supervisor at the memory cap.
    OutOfMemory {
        /// Its memory when it was killed, as in [`Sample::resident_bytes`].
        resident_bytes: u64,
        /// The cap.
        cap_bytes: u64,
    },
    /// It aborted at its own heap limit, before its supervisor saw it at the cap.
    HeapLimit {
        /// The limit.
        limit_bytes: u64,
    },
    /// It ended by itself with a code other than 0, or by a signal.
    Crashed,
    /// It broke the protocol on its standard output, or did not start in time.
    Refused {
        /// What was wrong, for people.
        why: String,
    },
    /// It was asked to end.
    Stopped,
}

impl ExitCause {
    /// The cause as one word, as an expectation and the report name it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::OutOfMemory { .. } | Self::HeapLimit { .. } => "out_of_memory",
            Self::Crashed => "crashed",
            Self::Refused { .. } => "refused",
            Self::Stopped => "stopped",
        }
    }
}

/// A metric that a lane's code registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, the key in [`ServerSample::metrics`].
    pub name: String,
    /// Its unit, empty for a plain count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What it tells, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The incident whose folder holds the registering code; empty for the service's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incident: String,
    /// Whether it only ever grows.
    #[serde(default)]
    pub counter: bool,
}

/// What a child measured of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSample {
    /// Tasks alive on the server's runtime, without those that serve a connection.
    pub tasks: u64,
    /// Connections that are open, a task each. On the virtual clock: requests whose client waits.
    pub connections: u64,
    /// Heap bytes in use, counted by the allocator.
    pub heap_bytes: u64,
    /// The registered metrics by name. One with labels is the sum over all of them; a histogram is
    /// there as its count and its sum, by `NAME_count` and `NAME_sum`.
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

impl ServerSample {
    /// Adds another instance's.
    pub fn add(&mut self, other: Self) {
        self.tasks = self.tasks.saturating_add(other.tasks);
        self.connections = self.connections.saturating_add(other.connections);
        self.heap_bytes = self.heap_bytes.saturating_add(other.heap_bytes);
        self.series = self.series.saturating_add(other.series);
        self.worked_us = self.worked_us.saturating_add(other.worked_us);
        for (name, value) in other.metrics {
            *self.metrics.entry(name).or_default() += value;
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
    /// What is waited for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Tasks waiting there now.
    pub waiting: u64,
}

/// What one lane measured in one tick.
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
    /// What became of the requests in this tick.
    pub load: LoadTick,
    /// Each instance by itself, where the lane has several; the rest is their sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceSample>,
}

/// What one of several instances measured in one tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceSample {
    /// The version that it runs: a variant.
    pub version: String,
    /// Its share of the lane's requests, in percent.
    pub share_percent: f64,
    /// Whether it serves.
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

/// What became of one lane's requests in one tick. A count of 0 is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadTick {
    /// Requests started.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Answered with a status below 400, and right where that is known.
    #[serde(skip_serializing_if = "is_zero")]
    pub ok: u64,
    /// Answered with another answer than its kind expects.
    #[serde(skip_serializing_if = "is_zero")]
    pub wrong: u64,
    /// Refused by the server: a status from 400 to 499.
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// Answered with a status of 500 or more, or not answered: connection refused or dropped.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Of those that failed: handshakes that came to nothing, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub handshakes: BTreeMap<String, u64>,
    /// No answer within the client's time-out.
    #[serde(skip_serializing_if = "is_zero")]
    pub timed_out: u64,
    /// Cut off by the end of the run.
    #[serde(skip_serializing_if = "is_zero")]
    pub unfinished: u64,
    /// Requests without an outcome at the end of the tick.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_flight: u64,
    /// Latency of the answered requests since they were due: microseconds, and how many.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "counted")]
    pub latency_us: Vec<(u64, u32)>,
    /// The same of the requests that were never answered: their time-out, or longer.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "counted")]
    pub unanswered_us: Vec<(u64, u32)>,
    /// The same by kind of request, where the incident names several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, KindTick>,
}

impl LoadTick {
    /// Adds another instance's.
    pub fn add(&mut self, other: Self) {
        let in_flight = self.in_flight.saturating_add(other.in_flight);
        self.and_then(other);
        self.in_flight = in_flight;
    }

    /// Adds a later tick's: what is in flight after it is in flight after both.
    fn and_then(&mut self, later: Self) {
        self.sent = self.sent.saturating_add(later.sent);
        self.ok = self.ok.saturating_add(later.ok);
        self.wrong = self.wrong.saturating_add(later.wrong);
        self.rejected = self.rejected.saturating_add(later.rejected);
        self.failed = self.failed.saturating_add(later.failed);
        self.timed_out = self.timed_out.saturating_add(later.timed_out);
        self.unfinished = self.unfinished.saturating_add(later.unfinished);
        for (reason, count) in later.handshakes {
            let sum = self.handshakes.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
        self.in_flight = later.in_flight;
        merge(&mut self.latency_us, later.latency_us);
        merge(&mut self.unanswered_us, later.unanswered_us);
        for (name, kind) in later.kinds {
            let sum = self.kinds.entry(name).or_default();
            sum.sent = sum.sent.saturating_add(kind.sent);
            sum.ok = sum.ok.saturating_add(kind.ok);
            sum.wrong = sum.wrong.saturating_add(kind.wrong);
            sum.rejected = sum.rejected.saturating_add(kind.rejected);
            sum.failed = sum.failed.saturating_add(kind.failed);
            sum.timed_out = sum.timed_out.saturating_add(kind.timed_out);
            merge(&mut sum.latency_us, kind.latency_us);
            merge(&mut sum.unanswered_us, kind.unanswered_us);
        }
    }

    /// Tells latencies apart only by their first two digits, which is what a chart shows: as many
    /// values as that leaves are enough for any number of requests.
    fn round_latencies(&mut self) {
        let kinds = self.kinds.values_mut();
        let of_kinds = kinds.flat_map(|kind| [&mut kind.latency_us, &mut kind.unanswered_us]);
        for values in of_kinds.chain([&mut self.latency_us, &mut self.unanswered_us]) {
            for (value, _) in values.iter_mut() {
                let unit = 10_u64.pow(value.checked_ilog10().unwrap_or_default().saturating_sub(1));
                *value = *value / unit * unit;
            }
            let rounded = std::mem::take(values);
            for (value, count) in rounded {
                match values.last_mut() {
                    Some((last, sum)) if *last == value => *sum = sum.saturating_add(count),
                    _ => values.push((value, count)),
                }
            }
        }
    }
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

/// Adds values with their counts, in order of the values.
fn merge(into: &mut Vec<(u64, u32)>, values: Vec<(u64, u32)>) {
    if into.is_empty() {
        *into = values;
        return;
    }
    into.extend(values);
    into.sort_unstable();
    into.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
}

/// What became of the requests of one kind in one tick.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in LoadTick")]
pub struct KindTick {
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub ok: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub wrong: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub timed_out: u64,
    #[serde(skip_serializing_if = "Vec::is_empty", with = "counted")]
    pub latency_us: Vec<(u64, u32)>,
    #[serde(skip_serializing_if = "Vec::is_empty", with = "counted")]
    pub unanswered_us: Vec<(u64, u32)>,
}

/// Values with their counts, as JSON: `[value, count]`, or `value` alone where it came once.
mod counted {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Counted {
        Once(u64),
        Often(u64, u32),
    }

    pub(super) fn serialize<S: Serializer>(
        values: &[(u64, u32)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|(value, count)| match count {
            1 => Counted::Once(*value),
            count => Counted::Often(*value, *count),
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u64, u32)>, D::Error> {
        let values = Vec::<Counted>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|counted| match counted {
                Counted::Once(value) => (value, 1),
                Counted::Often(value, count) => (value, count),
            })
            .collect())
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(instance: &usize) -> bool {
    *instance == 0
}

/// What a parent tells a child first, one JSON object on a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The clock, which says what kind of child it is.
    pub clock: Clock,
    /// The incident whose run it is.
    pub incident: String,
    /// The variant that the release brings to this lane.
    #[serde(default)]
    pub variant: String,
    /// Arrivals a second, for a virtual lane.
    #[serde(default)]
    pub rate_per_s: f64,
    /// Seed of the arrivals and of what the server draws at random.
    pub seed: u64,
    /// Which of its lane's instances a live child is.
    #[serde(default)]
    pub instance: usize,
    /// Incidents in play, with their variants.
    #[serde(default)]
    pub in_play: BTreeMap<String, String>,
    /// Slots that are off.
    #[serde(default)]
    pub without: Vec<String>,
    /// Values of parameters.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
    /// Whether tokio-console may look in.
    #[serde(default)]
    pub console: bool,
    /// Whether to watch for tasks that hold up the thread of a virtual lane.
    #[serde(default)]
    pub watched: bool,
    /// Heap bytes at which a live child aborts.
    #[serde(default)]
    pub heap_limit_bytes: Option<u64>,
    /// Whether it serves nobody, and steers the release of a live lane.
    #[serde(default)]
    pub steers: bool,
    /// The incident's manifest, for a program that has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<serde_json::Value>,
}

// ANCHOR: parent_says
/// What a parent tells a child, one JSON object a line on its standard input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum ParentSays {
    /// The incidents in play from now on, id to variant, the fixed one included.
    SetBugs {
        /// All of them.
        bugs: BTreeMap<String, String>,
    },
    /// The slots of the chain that are off from now on.
    SetWithout {
        /// All of them.
        slots: Vec<String>,
    },
    /// A new value of one parameter.
    SetParam {
        /// Its name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// A new rate. This command and those below are for a virtual lane, which is its own driver.
    SetRate {
        /// Arrivals a second.
        rate_per_s: f64,
    },
    /// The traffic of these incidents together, in equal shares.
    SetMix {
        /// Their ids.
        incidents: Vec<String>,
    },
    /// So many instances serve.
    Scale {
        /// How many: 1 to 8.
        instances: usize,
    },
    /// End the simulated process and start a new one.
    Restart,
    /// Let the virtual clock run.
    Advance {
        /// Up to and including this time, in milliseconds since the run began.
        to_ms: u64,
    },
}
// ANCHOR_END: parent_says

/// The clock of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Wall time, real processes, real sockets.
    #[default]
    Live,
    /// Tokio's paused clock: no sockets, no sleeping, the same to the last byte each time.
    Virtual,
}

impl Clock {
    /// As a word: `live`, `virtual`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Virtual => "virtual",
        }
    }
}
