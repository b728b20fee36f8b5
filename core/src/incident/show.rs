//! Charts, the two large figures, and the sentences of an incident, for screen, picture and report.

use std::fmt::Write;

use serde::{Deserialize, Deserializer};

use super::formula::{Formula, FormulaError, Values};
use super::measure::{Measure, strip_suffix};
use crate::figures::number;

/// A chart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Chart {
    /// Content of the chart.
    pub shows: Shows,
    /// Its title; where absent, what it shows.
    pub title: Option<String>,
    /// A metric or a number that a level is full at.
    pub capacity: Option<String>,
}

/// Content of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// Tasks, with what theory says.
    Tasks,
    /// Memory below its cap.
    Memory,
    /// The 99th percentile and the median, on a log scale.
    Latency,
    /// Outcomes of the requests per second, stacked.
    Outcomes,
    /// The names of the layers that a request passes, in order.
    Chain,
    /// The newest lines of the service's log, and the newest that should not be there.
    Log,
    /// Up or down.
    Up,
    /// A metric whose values 0, 1, 2 … have these names.
    State(Measure, Vec<String>),
    /// Slots, as many as the capacity: those in use, and those of them that are lost; and how many
    /// wait for one.
    Slots {
        /// In use, lost ones included.
        used: Measure,
        /// Lost.
        lost: Measure,
        /// Waiting requests.
        waiting: Measure,
    },
    /// A level.
    Level(Measure),
}

/// A chart as it stands in a manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    shows: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    capacity: Option<String>,
    #[serde(default)]
    states: Vec<String>,
    #[serde(default)]
    slots: Option<Slots>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slots {
    used: Measure,
    lost: Measure,
    waiting: Measure,
}

impl TryFrom<Fields> for Chart {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let Fields { shows, title, capacity, states, slots } = fields;
        let shows = match (shows.as_str(), slots) {
            ("slots", Some(Slots { used, lost, waiting })) if capacity.is_some() => {
                Shows::Slots { used, lost, waiting }
            }
            ("slots", _) => {
                return Err("`slots` wants a `capacity`, and `slots = { used, lost, waiting }` \
                            with a metric each"
                    .to_owned());
            }
            (name, None) if !states.is_empty() => {
                let metric = Measure::parse(name);
                if !matches!(metric, Measure::Registered(_)) || states.len() < 2 {
                    return Err("`states` names the values of a metric of the incident: two or \
                                more of them"
                        .to_owned());
                }
                Shows::State(metric, states)
            }
            (_, Some(_)) => return Err("`slots` belongs to a chart that shows slots".to_owned()),
            ("tasks", None) => Shows::Tasks,
            ("memory", None) => Shows::Memory,
            ("latency", None) => Shows::Latency,
            ("outcomes", None) => Shows::Outcomes,
            ("chain", None) => Shows::Chain,
            ("log", None) => Shows::Log,
            ("up", None) => Shows::Up,
            (name, None) => Shows::Level(Measure::parse(name)),
        };
        Ok(Self { shows, title, capacity })
    }
}

/// The levels that charts are drawn from, at most.
pub const MOST_LEVELS: usize = 8;

impl Chart {
    /// A chart of this.
    pub fn of(shows: Shows) -> Self {
        Self { shows, title: None, capacity: None }
    }

    /// The charts of an incident that names none.
    pub fn usual() -> Vec<Self> {
        [Shows::Tasks, Shows::Memory, Shows::Latency].map(Self::of).into()
    }

    /// The levels that it is drawn from, beside those that every lane has.
    pub fn levels(&self) -> Vec<&Measure> {
        match &self.shows {
            Shows::State(measure, _) | Shows::Level(measure) => vec![measure],
            Shows::Slots { used, lost, waiting } => vec![used, lost, waiting],
            _ => Vec::new(),
        }
    }

    /// Its title.
    pub fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| match &self.shows {
            Shows::Tasks => "tasks".to_owned(),
            Shows::Memory => "memory".to_owned(),
            Shows::Latency => "latency p99".to_owned(),
            Shows::Outcomes => "requests a second".to_owned(),
            Shows::Chain => "chain".to_owned(),
            Shows::Log => "the log".to_owned(),
            Shows::Up => "up".to_owned(),
            Shows::Slots { .. } => "slots".to_owned(),
            Shows::State(measure, _) | Shows::Level(measure) => measure.name().replace('_', " "),
        })
    }
}

/// The two big figures of a lane.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The one on the left.
    pub left: Figure,
    /// The one on the right.
    pub right: Figure,
}

impl Headline {
    /// The headline of an incident that sets none: tasks and p99.
    pub fn usual() -> Self {
        let figure =
            |metric, bad_from| Figure { metric: Measure::parse(metric), name: None, bad_from };
        let p99 = Figure { name: Some("p99".to_owned()), ..figure("p99_ms", Some(1000.0)) };
        Self { left: figure("tasks", None), right: p99 }
    }
}

/// A big figure.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The measure.
    pub metric: Measure,
    /// Its name; where absent, the metric's.
    #[serde(default)]
    pub name: Option<String>,
    /// From this value on it is bad.
    #[serde(default)]
    pub bad_from: Option<f64>,
}

/// A sentence about a lane as it is now.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// The variant that the lane runs.
    pub variant: String,
    /// Above 0 where it is true; where absent, it always is.
    #[serde(default)]
    pub when: Option<Formula>,
    /// Its text, with figures of this run: `{pool_lost}`, `{rate_per_s - 10}`.
    pub says: Text,
}

impl Sentence {
    /// The names in its formulas.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let formulas = self.says.formulas().chain(&self.when);
        formulas.flat_map(Formula::names).map(String::as_str)
    }
}

/// The metric of which a name is the growth a second: `log_lines_dropped_per_s`.
pub fn growth_of(name: &str) -> Option<String> {
    let is_measure = !matches!(Measure::parse(name), Measure::Registered(_));
    strip_suffix(name, "_per_s").filter(|_| !is_measure && name != "rate_per_s")
}

/// A text with formulas in braces.
#[derive(Debug, Clone)]
pub struct Text(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Plain(String),
    Value(Formula),
}

/// Position of the brace that closes a formula, which may have selectors in braces.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
        None
    })
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// When a brace has no end, or what is in it is no formula.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('{') {
            let end = closing_brace(after);
            let (formula, after) = end
                .map(|end| (&after[..end], &after[end + 1..]))
                .ok_or_else(|| format!("`{{{after}`: no `}}` at its end"))?;
            parts.push(Part::Plain(plain.to_owned()));
            parts.push(Part::Value(Formula::parse(formula).map_err(|e| e.to_string())?));
            rest = after;
        }
        parts.push(Part::Plain(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text with its figures.
    ///
    /// # Errors
    ///
    /// When a figure cannot be computed.
    pub fn fill(&self, values: &Values) -> Result<String, FormulaError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                // Writing to a String cannot fail.
                Part::Value(formula) => {
                    let _ = write!(text, "{}", number(formula.eval(values)?));
                }
            }
        }
        Ok(text)
    }

    /// The text with a number's place in place of each figure: `about 00 %`.
    pub fn shape(&self) -> String {
        let shape = |part: &Part| match part {
            Part::Plain(plain) => plain.clone(),
            Part::Value(_) => "00".to_owned(),
        };
        self.0.iter().map(shape).collect()
    }

    /// The formulas in it.
    pub fn formulas(&self) -> impl Iterator<Item = &Formula> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(formula) => Some(formula),
            Part::Plain(_) => None,
        })
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_slots_belong_to_charts_that_show_them() {
        let chart = |text: &str| toml::from_str::<Chart>(text);
        let state = chart("shows = \"door\"\nstates = [\"shut\", \"open\"]").expect("a state");
        assert!(matches!(state.shows, Shows::State(_, names) if names.len() == 2));
        for wrong in [
            "shows = \"tasks\"\nstates = [\"shut\", \"open\"]",
            "shows = \"door\"\nstates = [\"shut\"]",
            "shows = \"slots\"",
            "shows = \"tasks\"\nslots = { used = \"a\", lost = \"b\", waiting = \"c\" }",
        ] {
            assert!(chart(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_is_filled_with_figures_of_the_run() {
        let text = Text::parse("{pool_lost} of {2 * 4} are lost").expect("it reads");
        let values = [("pool_lost".to_owned(), 3.0)].into();
        assert_eq!(text.fill(&values).as_deref(), Ok("3 of 8 are lost"));
        assert!(text.fill(&Values::new()).is_err());
        assert!(Text::parse("{oops").is_err() && Text::parse("{1 +}").is_err());
        let text = Text::parse("{ok{kind='a'}} of {ok{kind='a'} + 1}, all").expect("it reads");
        let values = [("ok{kind=\"a\"}".to_owned(), 3.0)].into();
        assert_eq!(text.fill(&values).as_deref(), Ok("3 of 4, all"));
    }
}
