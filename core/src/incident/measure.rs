//! The names of what can be measured: a level that each sample has, a figure that only a period of
//! time has, and the metrics that code registers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A measure of a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// A value at each sample.
    Level(Level),
    /// A figure over a period of time.
    OverWindow(WindowMeasure),
    /// Number of restarts of the lane.
    Restarts,
    /// Exits of its processes.
    Exits,
    /// A metric that the code registers, by its name.
    Registered(String),
}

/// Measures that each sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Tasks alive in the server.
    Tasks,
    /// Open connections.
    Connections,
    /// Memory that the cap is about, in bytes.
    MemoryBytes,
    /// Heap in use, in bytes.
    HeapBytes,
    /// Requests without an outcome.
    InFlight,
    /// Series of metrics.
    Series,
    /// Share of its processors that the lane uses, in percent.
    CpuPercent,
    /// Tasks that wait at marked places of the source.
    Waiting,
    /// Instances that serve.
    Instances,
}

/// Measures over a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "as in crate::event::LoadTick, as a share or a rate; percentiles")]
pub enum WindowMeasure {
    OkPercent,
    WrongPercent,
    RejectedPercent,
    FailedPercent,
    HandshakeFailedPercent,
    TimedOutPercent,
    OkPerS,
    BadPerS,
    P50Ms,
    P90Ms,
    P99Ms,
    MaxMs,
    NaiveP99Ms,
}

impl WindowMeasure {
    /// Returns true for a share of requests or a percentile, false for a count.
    pub fn is_a_share(self) -> bool {
        !matches!(self, Self::OkPerS | Self::BadPerS)
    }
}

const LEVELS: [(&str, Level); 9] = [
    ("tasks", Level::Tasks),
    ("connections", Level::Connections),
    ("memory_bytes", Level::MemoryBytes),
    ("heap_bytes", Level::HeapBytes),
    ("in_flight", Level::InFlight),
    ("series", Level::Series),
    ("cpu_percent", Level::CpuPercent),
    ("waiting", Level::Waiting),
    ("instances", Level::Instances),
];

const OVER_WINDOW: [(&str, WindowMeasure); 13] = [
    ("ok_percent", WindowMeasure::OkPercent),
    ("wrong_percent", WindowMeasure::WrongPercent),
    ("rejected_percent", WindowMeasure::RejectedPercent),
    ("failed_percent", WindowMeasure::FailedPercent),
    ("handshake_failed_percent", WindowMeasure::HandshakeFailedPercent),
    ("timed_out_percent", WindowMeasure::TimedOutPercent),
    ("ok_per_s", WindowMeasure::OkPerS),
    ("bad_per_s", WindowMeasure::BadPerS),
    ("p50_ms", WindowMeasure::P50Ms),
    ("p90_ms", WindowMeasure::P90Ms),
    ("p99_ms", WindowMeasure::P99Ms),
    ("max_ms", WindowMeasure::MaxMs),
    ("naive_p99_ms", WindowMeasure::NaiveP99Ms),
];

impl Measure {
    /// Parses a measure. A name that is not built in refers to a registered metric.
    pub fn parse(name: &str) -> Self {
        let level = LEVELS.iter().find(|(known, _)| *known == name);
        let period = OVER_WINDOW.iter().find(|(known, _)| *known == name);
        match (level, period, name) {
            (Some((_, level)), ..) => Self::Level(*level),
            (_, Some((_, period)), _) => Self::OverWindow(*period),
            (.., "restarts") => Self::Restarts,
            (.., "exits") => Self::Exits,
            _ => Self::Registered(name.to_owned()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let of = |known: &'static str| known;
        match self {
            Self::Level(level) => {
                LEVELS.iter().find(|(_, l)| l == level).map_or("", |(name, _)| of(name))
            }
            Self::OverWindow(period) => {
                OVER_WINDOW.iter().find(|(_, s)| s == period).map_or("", |(name, _)| of(name))
            }
            Self::Restarts => "restarts",
            Self::Exits => "exits",
            Self::Registered(name) => name,
        }
    }

    /// All names that are built in.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        let levels = LEVELS.iter().map(|(name, _)| *name);
        levels.chain(OVER_WINDOW.iter().map(|(name, _)| *name)).chain(["restarts", "exits"])
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::parse(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_name_stands_for_something_that_has_this_name() {
        for name in Measure::built_in() {
            let measure = Measure::parse(name);
            assert!(!matches!(measure, Measure::Registered(_)), "{name}");
            assert_eq!(measure.name(), name);
        }
        assert_eq!(Measure::parse("pool_lost").name(), "pool_lost");
    }
}
