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
    /// A figure of one kind of request alone.
    OfKind(KindMeasure),
    /// Number of restarts of the lane.
    Restarts,
    /// Exits of its processes.
    Exits,
    /// A metric that the code registers, by its name, and of one label alone where the name has a selector:
    /// `places_taken{tenant="a"}`.
    Registered(String),
}

/// A figure of one kind of request: `ok_percent{kind="checkout"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindMeasure {
    /// The figure.
    pub figure: KindFigure,
    /// The kind's name.
    pub kind: String,
    /// Name of the measure, with its selector.
    name: String,
}

/// Figures that are measured for each kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KindFigure {
    /// Requests without an outcome.
    InFlight,
    /// A figure over a period of time.
    OverWindow(WindowMeasure),
}

/// Splits a name from its selector: `ok_percent{kind="a"}` into `ok_percent` and `{kind="a"}`.
fn split_selector(name: &str) -> (&str, &str) {
    name.split_at(name.find('{').unwrap_or(name.len()))
}

/// The name without its selector.
pub fn without_selector(name: &str) -> &str {
    split_selector(name).0
}

/// The name with a suffix, which stands before its selector: `sent_per_s{kind="a"}`.
pub fn with_suffix(name: &str, suffix: &str) -> String {
    let (plain, selector) = split_selector(name);
    format!("{plain}{suffix}{selector}")
}

/// The name without a suffix, which stands before its selector; none where it does not have it.
pub fn strip_suffix(name: &str, suffix: &str) -> Option<String> {
    let (plain, selector) = split_selector(name);
    Some(format!("{}{selector}", plain.strip_suffix(suffix)?))
}

/// Parses the selector of a name, `{label="value"}`, in either kind of quotes. Returns the label and its value.
pub fn parse_selector(selector: &str) -> Option<(&str, &str)> {
    let inner = selector.strip_prefix('{')?.strip_suffix('}')?;
    let (label, value) = inner.split_once('=')?;
    let quoted = |quote| value.trim().strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted('"').or_else(|| quoted('\''))?;
    let is_label = !label.trim().is_empty() && !label.contains(['"', '\'', '{', ',']);
    (is_label && !value.contains(['"', '{', '}'])).then(|| (label.trim(), value))
}

/// The selector of a label's value, as names have it.
pub fn selector(label: &str, value: &str) -> String {
    format!("{{{label}=\"{value}\"}}")
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
            _ => Self::parse_selected(name),
        }
    }

    /// Parses a name with a selector, or of a registered metric.
    fn parse_selected(name: &str) -> Self {
        let (plain, selected) = split_selector(name);
        let Some((label, value)) = parse_selector(selected) else {
            return Self::Registered(name.to_owned());
        };
        let name = format!("{plain}{}", selector(label, value));
        let figure = KindFigure::ALL.into_iter().find(|figure| figure.name() == plain);
        match figure.filter(|_| label == "kind") {
            Some(figure) => Self::OfKind(KindMeasure { figure, kind: value.to_owned(), name }),
            None => Self::Registered(name),
        }
    }

    /// The figure over a period of time, and the kind of request that it is of; none for another measure.
    pub fn over_window(&self) -> Option<(WindowMeasure, Option<&str>)> {
        match self {
            Self::OverWindow(figure) => Some((*figure, None)),
            Self::OfKind(KindMeasure { figure: KindFigure::OverWindow(figure), kind, .. }) => {
                Some((*figure, Some(kind)))
            }
            _ => None,
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
            Self::OfKind(KindMeasure { name, .. }) | Self::Registered(name) => name,
        }
    }

    /// All names that are built in.
    pub fn built_in() -> impl Iterator<Item = &'static str> {
        let levels = LEVELS.iter().map(|(name, _)| *name);
        levels.chain(OVER_WINDOW.iter().map(|(name, _)| *name)).chain(["restarts", "exits"])
    }
}

impl KindFigure {
    /// All of them. Failed handshakes are not counted by kind.
    pub const ALL: [Self; 13] = [
        Self::InFlight,
        Self::OverWindow(WindowMeasure::OkPercent),
        Self::OverWindow(WindowMeasure::WrongPercent),
        Self::OverWindow(WindowMeasure::RejectedPercent),
        Self::OverWindow(WindowMeasure::FailedPercent),
        Self::OverWindow(WindowMeasure::TimedOutPercent),
        Self::OverWindow(WindowMeasure::OkPerS),
        Self::OverWindow(WindowMeasure::BadPerS),
        Self::OverWindow(WindowMeasure::P50Ms),
        Self::OverWindow(WindowMeasure::P90Ms),
        Self::OverWindow(WindowMeasure::P99Ms),
        Self::OverWindow(WindowMeasure::MaxMs),
        Self::OverWindow(WindowMeasure::NaiveP99Ms),
    ];

    /// Its name, without a selector.
    pub fn name(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::OverWindow(figure) => {
                OVER_WINDOW.iter().find(|(_, known)| *known == figure).map_or("", |(name, _)| name)
            }
        }
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

    #[test]
    fn selects_a_kind_of_request_or_a_label() {
        for quoted in ["ok_percent{kind='checkout'}", "ok_percent{kind=\"checkout\"}"] {
            let measure = Measure::parse(quoted);
            assert_eq!(measure.name(), "ok_percent{kind=\"checkout\"}");
            assert_eq!(measure.over_window(), Some((WindowMeasure::OkPercent, Some("checkout"))));
        }
        let in_flight = Measure::parse("in_flight{kind='checkout'}");
        assert!(matches!(in_flight, Measure::OfKind(of) if of.figure == KindFigure::InFlight));
        let labelled = Measure::parse("places_taken{tenant='a'}");
        assert_eq!(labelled, Measure::Registered("places_taken{tenant=\"a\"}".to_owned()));
        for invalid in ["tasks{kind='a'}", "ok_percent{kind=a}", "ok_percent{tenant='a'}"] {
            assert!(matches!(Measure::parse(invalid), Measure::Registered(_)), "{invalid}");
        }
        assert_eq!(with_suffix("a{b=\"c\"}", "_then"), "a_then{b=\"c\"}");
        assert_eq!(strip_suffix("a_then{b=\"c\"}", "_then").as_deref(), Some("a{b=\"c\"}"));
        assert_eq!(strip_suffix("a{b=\"c\"}", "_then"), None);
    }
}
