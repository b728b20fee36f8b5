//! What happens in a run, as plain data: the one interface between a lane's child, its parent,
//! the screen and the JSON report.
//!
//! A child writes [`What`] lines on its standard output, the parent stamps each with the time and
//! the lane ([`Event`]). Units stand in the names of the fields.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::figures::mib;

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

/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The parent is starting a lane's child.
    Starting {
        /// Which start this is, counted from 1.
        attempt: u32,
    },
    /// A lane serves.
    Ready {
        /// Its TCP port on 127.0.0.1; none on the virtual clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// Its process; none on the virtual clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        /// Where tokio-console may connect, when its instruments are on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        console_port: Option<u16>,
    },
    /// Code in the child registered a metric that the samples will carry from now on.
    Metric(Metric),
    /// What a child measured of itself in one tick; the parent folds it into [`What::Sample`].
    Server(ServerSample),
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
    /// A bug was switched on (in one of its variants) or off.
    Bug {
        /// The incident's id.
        incident: String,
        /// The variant now in force; none: the fixed form.
        variant: Option<String>,
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
    /// A line that the child wrote on its standard error, or a note of the program's own.
    Log {
        /// The line, without its end.
        line: String,
    },
    /// A lane's process ended.
    Exit {
        /// Why.
        cause: ExitCause,
        /// Its exit code, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
    },
    /// The supervisor will start the lane again.
    Restart {
        /// Which restart this is, counted from 1.
        count: u32,
        /// The back-off before it.
        after_ms: u64,
    },
    /// A virtual lane has reached the time that it was told to reach. Between child and parent
    /// only.
    Reached,
    /// Tasks of a virtual lane held up its thread: they wait for something that is not virtual. Only
    /// where this is watched.
    Blocked {
        /// Where the tasks were spawned.
        task: String,
        /// How often.
        times: u64,
    },
    /// The end of a recording: it was not cut.
    End,
    /// Events that a full queue could not take.
    Dropped {
        /// How many.
        events: u64,
    },
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
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Crashed => "crashed",
            Self::Refused { .. } => "refused",
            Self::Stopped => "stopped",
        }
    }

    /// How a process ended that had this exit code, in a line for people.
    pub fn line(&self, code: Option<i32>) -> String {
        match self {
            Self::OutOfMemory { resident_bytes, cap_bytes } => {
                format!(
                    "killed: {} in memory, the cap is {}",
                    mib(*resident_bytes),
                    mib(*cap_bytes)
                )
            }
            Self::Crashed => match code {
                Some(code) => format!("crashed with exit code {code}"),
                None => "crashed by a signal".to_owned(),
            },
            Self::Refused { why } => format!("did not serve: {why}"),
            Self::Stopped => "stopped, as asked".to_owned(),
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
    /// The registered metrics without labels, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "short_numbers")]
    pub metrics: BTreeMap<String, f64>,
    /// Places in the source where tasks wait now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wait_sites: Vec<WaitSite>,
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
    /// What became of the requests in this tick.
    pub load: LoadTick,
}

/// What became of one lane's requests in one tick. A count of 0 is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadTick {
    /// Requests started.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Answered with a status below 400.
    #[serde(skip_serializing_if = "is_zero")]
    pub ok: u64,
    /// Refused by the server: a status from 400 to 499.
    #[serde(skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// Answered with a status of 500 or more, or not answered: connection refused or dropped.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
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

/// What a parent tells a child, one JSON object a line on its standard input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The complete set of bugs from now on: incident id to variant.
    SetBugs {
        /// Bugs that are on.
        bugs: BTreeMap<String, String>,
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
    /// End the simulated process and start a new one.
    Restart,
    /// Let the virtual clock run.
    Advance {
        /// Up to and including this time, in milliseconds since the run began.
        to_ms: u64,
    },
}

/// The clock of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
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
