//! What an incident's screen, picture and report show: charts, the two big figures, a sentence for
//! each lane.

use std::fmt::Write;

use serde::{Deserialize, Deserializer};

use super::formula::{Formula, FormulaError, Values};
use super::measure::Measure;
use crate::prose::figures::number;

/// A chart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// What it shows.
    pub shows: Shows,
    /// Its title; where absent, what it shows.
    #[serde(default, rename = "of")]
    pub title: Option<String>,
    /// A metric or a number that a level is full at.
    #[serde(default)]
    pub capacity: Option<String>,
}

/// What a chart shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// Tasks, with what theory says.
    Tasks,
    /// Memory below its cap.
    Memory,
    /// The 99th percentile and the median, on a log scale.
    Latency,
    /// What became of the requests each second, stacked.
    Outcomes,
    /// Up or down.
    State,
    /// A level.
    Level(Measure),
}

impl<'de> Deserialize<'de> for Shows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(match name.as_str() {
            "tasks" => Self::Tasks,
            "memory" => Self::Memory,
            "latency" => Self::Latency,
            "outcomes" => Self::Outcomes,
            "state" => Self::State,
            name => Self::Level(Measure::parse(name)),
        })
    }
}

impl Chart {
    /// A chart of this.
    pub fn of(shows: Shows) -> Self {
        Self { shows, title: None, capacity: None }
    }

    /// The charts of an incident that names none.
    pub fn usual() -> Vec<Self> {
        [Shows::Tasks, Shows::Memory, Shows::Latency].map(Self::of).into()
    }

    /// Its title.
    pub fn title(&self) -> String {
        self.title.clone().unwrap_or_else(|| match &self.shows {
            Shows::Tasks => "tasks".to_owned(),
            Shows::Memory => "memory".to_owned(),
            Shows::Latency => "latency p99".to_owned(),
            Shows::Outcomes => "requests a second".to_owned(),
            Shows::State => "up".to_owned(),
            Shows::Level(measure) => measure.name().replace('_', " "),
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

/// A big figure.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What it is of.
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

/// A text with formulas in braces.
#[derive(Debug, Clone)]
pub struct Text(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Plain(String),
    Value(Formula),
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
            let (formula, after) =
                after.split_once('}').ok_or_else(|| format!("`{{{after}`: no `}}` at its end"))?;
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
    fn a_text_is_filled_with_figures_of_the_run() {
        let text = Text::parse("{pool_lost} of {2 * 4} are lost").expect("it reads");
        let values = [("pool_lost".to_owned(), 3.0)].into();
        assert_eq!(text.fill(&values).as_deref(), Ok("3 of 8 are lost"));
        assert!(text.fill(&Values::new()).is_err());
        assert!(Text::parse("{oops").is_err() && Text::parse("{1 +}").is_err());
    }
}
