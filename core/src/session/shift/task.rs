//! The tasks of a person on call: looks, which take time and change nothing, and actions on the running service.

use serde::{Deserialize, Serialize};

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Looks at something.
    Look {
        /// The thing to look at.
        what: Look,
    },
    /// Rolls a change back.
    RollBack {
        /// Its number in the list of changes, from 1; none: the newest release.
        #[serde(default)]
        change: Option<usize>,
    },
    /// Restarts all processes.
    Restart,
    /// Changes the number of instances.
    Scale {
        /// Number of instances, from 1 to 8.
        instances: usize,
    },
    /// Refuses a share of the requests before they reach the service.
    Shed {
        /// Share in percent, from 0 to 95.
        percent: f64,
    },
    /// Switches a middleware off, or on again.
    Middleware {
        /// Its name, as in the chain.
        name: String,
        /// True to switch it on.
        on: bool,
    },
    /// Sets a parameter of the service.
    Set {
        /// Its name, as in the configuration.
        name: String,
        /// The new value.
        value: f64,
    },
    /// Opens the circuit breaker in front of the database by hand, or closes it: while it is open, no command is sent.
    Breaker {
        /// True to open it.
        open: bool,
    },
    /// Lets time pass.
    Wait {
        /// Seconds, from 1 to 60.
        seconds: u32,
    },
}

/// Things to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// The last minute: requests, latency, tasks and memory by the second.
    Charts,
    /// The last seconds by kind of request.
    Kinds,
    /// The changes to the service.
    Changes,
    /// The instances, their versions and their requests.
    Instances,
    /// The log: processes, and the service's own lines.
    Log,
    /// The metrics that the service exports.
    Metrics,
    /// The middleware stack.
    Chain,
    /// The parameters that can be set.
    Configuration,
    /// The places where tasks wait, after a thread dump.
    Threads,
}

impl Look {
    /// All of them, cheapest first.
    pub const ALL: [Self; 9] = [
        Self::Charts,
        Self::Kinds,
        Self::Changes,
        Self::Instances,
        Self::Chain,
        Self::Configuration,
        Self::Log,
        Self::Metrics,
        Self::Threads,
    ];

    /// Seconds that it takes.
    pub fn cost_s(self) -> u32 {
        match self {
            Self::Charts => 1,
            Self::Kinds | Self::Changes | Self::Instances | Self::Chain | Self::Configuration => 2,
            Self::Log | Self::Metrics => 3,
            Self::Threads => 6,
        }
    }

    /// As words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Charts => "charts by the second",
            Self::Kinds => "requests by kind",
            Self::Changes => "recent changes",
            Self::Instances => "instances",
            Self::Log => "log",
            Self::Metrics => "metrics",
            Self::Chain => "middleware stack",
            Self::Configuration => "configuration",
            Self::Threads => "thread dump: where tasks wait",
        }
    }
}

impl Task {
    /// Seconds that it takes; an action takes effect at their end.
    pub fn cost_s(&self) -> u32 {
        match self {
            Self::Look { what } => what.cost_s(),
            Self::RollBack { .. } => 5,
            Self::Scale { .. } => 4,
            Self::Restart | Self::Middleware { .. } => 3,
            Self::Set { .. } => 2,
            Self::Shed { .. } | Self::Breaker { .. } => 1,
            Self::Wait { seconds } => *seconds,
        }
    }

    /// Returns true if it changes the service.
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Look { .. } | Self::Wait { .. })
    }

    /// As words, for the timeline.
    pub fn text(&self) -> String {
        match self {
            Self::Look { what } => format!("look: {}", what.text()),
            Self::RollBack { change: Some(change) } => format!("roll back change {change}"),
            Self::RollBack { change: None } => "roll back the newest release".to_owned(),
            Self::Restart => "restart".to_owned(),
            Self::Scale { instances: 1 } => "scale to 1 instance".to_owned(),
            Self::Scale { instances } => format!("scale to {instances} instances"),
            Self::Shed { percent } if *percent <= 0.0 => "shed no load".to_owned(),
            Self::Shed { percent } => format!("shed {percent} % of the load"),
            Self::Middleware { name, on } => {
                format!("switch the middleware `{name}` {}", if *on { "on" } else { "off" })
            }
            Self::Set { name, value } => format!("set {name} = {value}"),
            Self::Breaker { open } => {
                format!("{} the circuit breaker", if *open { "open" } else { "close" })
            }
            Self::Wait { .. } => "wait".to_owned(),
        }
    }
}
