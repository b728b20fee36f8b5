//! Messages between a lane's process and its parent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ChainShown, EventKind, ExitCause, LogTail, Metric, Ready, Release, Sample, ServerSample,
    is_first,
};

/// Messages of a live child: one server of a lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerSays {
    /// It serves.
    Ready(Ready),
    /// Its code registered a metric that its samples will carry from now on.
    Metric(Metric),
    /// Server-side part of a sample; the parent merges it into [`EventKind::Sample`].
    Server(ServerSample),
    /// A note for the event log.
    Log {
        /// The line, without its end.
        line: String,
    },
    /// The end of its service's log.
    LogTail(LogTail),
    /// The middleware stack.
    Chain(ChainShown),
}

/// Messages of a virtual lane: server, clients and supervision in one.
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
    pub fn what(self) -> Option<EventKind> {
        Some(match self {
            Self::Starting { attempt, instance } => EventKind::Starting { attempt, instance },
            Self::Ready(ready) => EventKind::Ready(ready),
            Self::Metric(metric) => EventKind::Metric(metric),
            Self::Sample(sample) => EventKind::Sample(sample),
            Self::Release(release) => EventKind::Release(release),
            Self::Scale { instances } => EventKind::Scale { instances },
            Self::Log { line } => EventKind::Log { line },
            Self::LogTail(tail) => EventKind::LogTail(tail),
            Self::Chain(chain) => EventKind::Chain(chain),
            Self::Exit { cause, code, instance } => EventKind::Exit { cause, code, instance },
            Self::Restart { count, after_ms, instance } => {
                EventKind::Restart { count, after_ms, instance }
            }
            Self::Blocked { task, times } => EventKind::Blocked { task, times },
            Self::Reached => return None,
        })
    }
}

/// First message from a parent to a child, one JSON object on a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildStart {
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
    /// True if the process is instrumented for tokio-console.
    #[serde(default)]
    pub console: bool,
    /// True to detect tasks that block the thread of a virtual lane.
    #[serde(default)]
    pub watched: bool,
    /// Heap bytes at which a live child aborts.
    #[serde(default)]
    pub heap_limit_bytes: Option<u64>,
    /// True if the process has no server and only steers the release of a live lane.
    #[serde(default)]
    pub steers: bool,
    /// The incident's manifest, for a program that has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<serde_json::Value>,
}

// ANCHOR: parent_says
/// Commands from a parent to a child, one JSON object per line on standard input.
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
    /// Sets the number of instances.
    Scale {
        /// Number of instances, 1 to 8.
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
