//! Events of a run as plain data: the only interface between a lane's child process, its parent, the screen and
//! the JSON report.
//!
//! A live child sends [`ServerSays`], a virtual one [`LaneSays`], each a line of JSON; the parent makes
//! [`Event`]s of them and adds its own. A child cannot send the parent's events: they do not deserialize as
//! its messages. Units are in the names of the fields.

mod load;
mod message;
mod sample;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use load::counted;
pub use load::{HandshakeFailed, KindTick, LoadTick, Outcome, Outcomes};
pub use message::{ChildStart, Clock, LaneSays, ParentSays, ServerSays};
pub use sample::{
    InstanceSample, MAX_INSTANCES, MOST_COUNTED, MOST_KINDS, MOST_NAMED, Sample, ServerSample,
    WaitSite,
};

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
    /// Content of the event.
    #[serde(flatten)]
    pub what: EventKind,
}

// What the book includes stands between anchors.
// ANCHOR: what
/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are samples")]
pub enum EventKind {
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
    /// Measurements of one lane in one tick.
    Sample(Sample),
    /// Measurements of the load generator in one tick.
    Driver {
        /// Microseconds late, and how many requests were that late.
        #[serde(with = "counted")]
        lag_us: Vec<(u64, u32)>,
        /// Requests that it could not send, for want of connections on its own side: they count for no lane.
        #[serde(default, skip_serializing_if = "is_zero")]
        not_sent: u64,
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
        /// Number of instances.
        instances: usize,
    },
    /// A bug was switched on (in one of its variants) or off.
    Bug {
        /// The incident's id.
        incident: String,
        /// The variant now in force; none: the fixed variant.
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
    /// The middleware stack of a lane.
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
        /// Source location at which the tasks were spawned.
        task: String,
        /// Number of repetitions.
        times: u64,
    },
    /// The clock of the machine jumped, forward or, below 0, back: somebody set it, or the machine slept.
    ClockJumped {
        /// Milliseconds.
        by_ms: i64,
    },
    /// A virtual run has come to the moment at which it is held: every sample up to then has been sent.
    Held,
    /// Events that a full queue could not take.
    Dropped {
        /// Number of events.
        events: u64,
    },
}
// ANCHOR_END: what

/// An instance of a lane serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its TCP port on 127.0.0.1; none on the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its process; none on the virtual clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Port for tokio-console, if the process is instrumented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_port: Option<u16>,
    /// Which of the lane's instances, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub instance: usize,
    /// Its memory cap, where that is another than the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_bytes: Option<u64>,
    /// Certificate that its clients trust, in DER; empty without TLS, and in the events of a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root: Vec<u8>,
}

/// A version that went to some instances of a lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The version: a variant.
    pub version: String,
    /// Number of instances that have it now.
    pub instances: usize,
    /// Their share of the lane's requests, in percent.
    pub share_percent: f64,
    /// Why, for people.
    pub says: String,
}

/// A middleware stack, from the outside in.
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
    /// It was killed, and not by its supervisor: the system had no memory left for it, or somebody did it by hand.
    Killed,
    /// It broke the protocol on its standard output, or did not start in time.
    Refused {
        /// Description of the error.
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
            Self::Killed => "killed",
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
    /// Description for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The incident whose folder holds the registering code; empty for the service's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incident: String,
    /// True if the metric only increases.
    #[serde(default)]
    pub counter: bool,
    /// True if the highest value stands for several series or instances, as for a ratio, a duration or
    /// a state; false if their sum does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub highest: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(instance: &usize) -> bool {
    *instance == 0
}
