//! Facts that a person on call has gathered: the same for a screen and for a program.

use serde::{Deserialize, Serialize};

use super::seconds::Second;
use super::task::Look;
use crate::figures::{mib, millis, number};

/// A fact, and the time at which it was gathered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Seconds since the run began.
    pub at_s: f64,
    /// Content.
    #[serde(flatten)]
    pub kind: FactKind,
}

/// Kinds of facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum FactKind {
    /// The page.
    Page {
        /// Its text.
        text: String,
    },
    /// The last minute by the second.
    Charts {
        /// Oldest first.
        seconds: Vec<Second>,
    },
    /// The last ten seconds by kind of request.
    Kinds {
        /// One entry a kind.
        kinds: Vec<KindRow>,
    },
    /// Changes to the service.
    Changes {
        /// Oldest first.
        changes: Vec<ChangeRow>,
    },
    /// Instances.
    Instances {
        /// One entry an instance.
        instances: Vec<InstanceRow>,
        /// Restarts so far.
        restarts: u32,
    },
    /// Lines of the log.
    Log {
        /// Oldest first.
        lines: Vec<String>,
    },
    /// Exported metrics.
    Metrics {
        /// By name.
        metrics: Vec<MetricRow>,
    },
    /// The middleware stack, from the outside in.
    Chain {
        /// Around the routes.
        routes: Vec<String>,
        /// Around each call to the database.
        database: Vec<String>,
        /// Switched off.
        off: Vec<String>,
    },
    /// Parameters.
    Configuration {
        /// By name.
        parameters: Vec<ParameterRow>,
    },
    /// A thread dump.
    Threads {
        /// Tasks alive.
        tasks: u64,
        /// Places where tasks wait.
        waiting: Vec<WaitRow>,
    },
    /// An action has taken effect.
    Done {
        /// The action.
        text: String,
    },
    /// The cause, or its line, was named. Whether it is right is shown in the end.
    Named {
        /// The name.
        text: String,
    },
    /// A hint.
    Hint {
        /// Its text.
        text: String,
    },
    /// The code of the cause that was named, whether it is the cause or not.
    Code {
        /// The lines that can be named, with their numbers.
        lines: Vec<CodeRow>,
    },
}

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see Second")]
pub struct KindRow {
    /// Name of the kind.
    pub kind: String,
    pub sent_per_s: f64,
    pub ok_percent: Option<f64>,
    pub rejected_percent: Option<f64>,
    pub bad_percent: Option<f64>,
    pub p99_ms: Option<f64>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Its number, from 1.
    pub change: usize,
    /// Seconds since the run began.
    pub at_s: f64,
    /// Description.
    pub text: String,
    /// True if it has been rolled back.
    pub is_rolled_back: bool,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see InstanceSample")]
pub struct InstanceRow {
    pub version: String,
    pub share_percent: f64,
    pub serves: bool,
    pub tasks: u64,
    pub memory_bytes: u64,
    /// Requests in the last tenth of a second.
    pub sent: u64,
    pub ok: u64,
    pub bad: u64,
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// Its unit; empty for a count.
    pub unit: String,
    /// Its value now.
    pub now: f64,
    /// Its value about ten seconds ago; none if it was not there.
    pub before: Option<f64>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterRow {
    /// Its name.
    pub name: String,
    /// Its unit; empty for a plain number.
    pub unit: String,
    /// Its value.
    pub value: f64,
    /// Least value allowed.
    pub min: f64,
    /// Greatest value allowed.
    pub max: f64,
}

/// A place where tasks wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitRow {
    /// The thing that they wait for, by the label in the code.
    pub what: String,
    /// Tasks.
    pub tasks: u64,
}

/// A line of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRow {
    /// Its number among the lines that are shown, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{} %", number(share)))
}

fn ms(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), millis)
}

impl FactKind {
    /// The look that it is the result of; none: it came by itself, or by an action.
    pub fn look(&self) -> Option<Look> {
        Some(match self {
            Self::Charts { .. } => Look::Charts,
            Self::Kinds { .. } => Look::Kinds,
            Self::Changes { .. } => Look::Changes,
            Self::Instances { .. } => Look::Instances,
            Self::Log { .. } => Look::Log,
            Self::Metrics { .. } => Look::Metrics,
            Self::Chain { .. } => Look::Chain,
            Self::Configuration { .. } => Look::Configuration,
            Self::Threads { .. } => Look::Threads,
            Self::Page { .. }
            | Self::Done { .. }
            | Self::Named { .. }
            | Self::Hint { .. }
            | Self::Code { .. } => return None,
        })
    }

    /// Title of the fact.
    pub fn title(&self) -> String {
        match self {
            Self::Page { .. } => "page".to_owned(),
            Self::Charts { .. } => "the last seconds".to_owned(),
            Self::Kinds { .. } => "requests by kind, last second".to_owned(),
            Self::Changes { .. } => "changes".to_owned(),
            Self::Instances { .. } => "instances".to_owned(),
            Self::Log { .. } => "log".to_owned(),
            Self::Metrics { .. } => "metrics: now, and 10 s ago".to_owned(),
            Self::Chain { .. } => "middleware stack, from the outside in".to_owned(),
            Self::Configuration { .. } => "configuration".to_owned(),
            Self::Threads { .. } => "thread dump".to_owned(),
            Self::Done { text } => format!("done: {text}"),
            Self::Named { text } => text.clone(),
            Self::Hint { .. } => "hint".to_owned(),
            Self::Code { .. } => "its code is here: name the line".to_owned(),
        }
    }

    /// The fact as lines of text.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Page { text } | Self::Hint { text } => vec![text.clone()],
            // Its title says it all.
            Self::Done { .. } | Self::Named { .. } => Vec::new(),
            Self::Charts { seconds } => {
                let newest = &seconds[seconds.len().saturating_sub(8)..];
                newest.iter().map(second).collect()
            }
            Self::Kinds { kinds } if kinds.is_empty() => {
                vec!["All requests are of one kind.".to_owned()]
            }
            Self::Kinds { kinds } => kinds.iter().map(kind).collect(),
            Self::Changes { changes } => changes.iter().map(change).collect(),
            Self::Instances { instances, restarts } => {
                let rows = instances.iter().enumerate();
                let mut lines: Vec<String> = rows.map(|(i, row)| instance(i, row)).collect();
                lines.push(format!("restarts so far: {restarts}"));
                lines
            }
            Self::Log { lines } if lines.is_empty() => vec!["The log has no lines.".to_owned()],
            Self::Log { lines } => lines.clone(),
            Self::Metrics { metrics } => metrics.iter().map(metric).collect(),
            Self::Chain { routes, database, off } => {
                let mut lines = vec![format!("routes: {}", joined(routes, " → "))];
                lines.push(format!("database calls: {}", joined(database, " → ")));
                if !off.is_empty() {
                    lines.push(format!("off: {}", off.join(", ")));
                }
                lines
            }
            Self::Configuration { parameters } if parameters.is_empty() => {
                vec!["This service has no parameters to set.".to_owned()]
            }
            Self::Configuration { parameters } => parameters.iter().map(parameter).collect(),
            Self::Threads { tasks, waiting } => {
                let mut lines = vec![counted(*tasks, "task")];
                let row = |row: &WaitRow| {
                    format!("{:>6} wait for {}", crate::figures::count(row.tasks), row.what)
                };
                lines.extend(waiting.iter().map(row));
                if waiting.is_empty() {
                    lines.push("none of them waits at a marked place".to_owned());
                }
                lines
            }
            Self::Code { lines } => {
                lines.iter().map(|row| format!("{:>3}  {}", row.line, row.text)).collect()
            }
        }
    }
}

/// A count with its noun: `1 task`, `2 tasks`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", crate::figures::count(count))
}

fn joined(names: &[String], between: &str) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(between) }
}

fn second(second: &Second) -> String {
    let memory = second.memory_bytes.map_or("–".to_owned(), mib);
    let tasks = second.tasks.map_or("no process".to_owned(), |tasks| counted(tasks, "task"));
    let mut outcomes = vec![format!("{} ok", second.ok)];
    let counts = [
        (second.rejected, "refused"),
        (second.failed, "failed"),
        (second.timed_out, "timed out"),
        (second.wrong, "wrong"),
    ];
    outcomes.extend(counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    format!(
        "{}  {}; p99 {}, {tasks}, {memory}",
        crate::figures::clock(f64::from(second.at_s)),
        outcomes.join(", "),
        ms(second.p99_ms)
    )
}

fn kind(row: &KindRow) -> String {
    format!(
        "{}: {}/s, ok {}, refused {}, bad {}, p99 {}",
        row.kind,
        number(row.sent_per_s),
        percent(row.ok_percent),
        percent(row.rejected_percent),
        percent(row.bad_percent),
        ms(row.p99_ms)
    )
}

fn change(row: &ChangeRow) -> String {
    let undone = if row.is_rolled_back { " (rolled back)" } else { "" };
    format!("{}. {}  {}{undone}", row.change, crate::figures::clock(row.at_s), row.text)
}

fn instance(index: usize, row: &InstanceRow) -> String {
    if !row.serves {
        return format!("{}: {}, does not serve", index + 1, row.version);
    }
    format!(
        "{}: {}, {} % of the requests, {}, {}; in the last 0.1 s {} arrived, {} were answered well, {} badly",
        index + 1,
        row.version,
        number(row.share_percent),
        counted(row.tasks, "task"),
        mib(row.memory_bytes),
        row.sent,
        row.ok,
        row.bad
    )
}

fn metric(row: &MetricRow) -> String {
    let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
    let before = row.before.map_or("–".to_owned(), number);
    format!("{} {}{unit}  (10 s ago: {before})", row.name, number(row.now))
}

fn parameter(row: &ParameterRow) -> String {
    let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
    format!(
        "{} = {}{unit}  (allowed: {} to {})",
        row.name,
        number(row.value),
        number(row.min),
        number(row.max)
    )
}
