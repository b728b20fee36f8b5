//! Theory of a measure over time, with rate and parameters as they were at each moment: one function for charts,
//! verdict and report.

use serde::{Deserialize, Serialize};

use super::formula::{Formula, Values};
use super::measure::Measure;
use super::traffic::Load;

/// Theory of a measure from the moment at which the bug met a clean process.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "TheoryFields")]
pub struct Theory {
    /// The measure.
    pub metric: Measure,
    /// The variant it holds for.
    pub variant: String,
    /// The law of growth.
    pub law: Law,
}

/// Laws of a theory.
#[derive(Debug, Clone)]
pub enum Law {
    /// It is this, where `t` is the time in seconds.
    Value(Formula),
    /// It is a backlog: it grows by so much a second and never falls below nothing; only what is
    /// above the headroom shows.
    Backlog {
        /// Growth a second.
        per_s: Formula,
        /// Backlog that does not show.
        headroom: Option<Formula>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TheoryFields {
    metric: Measure,
    variant: String,
    #[serde(default)]
    formula: Option<Formula>,
    #[serde(default)]
    per_s: Option<Formula>,
    #[serde(default)]
    headroom: Option<Formula>,
}

impl TryFrom<TheoryFields> for Theory {
    type Error = String;

    fn try_from(raw: TheoryFields) -> Result<Self, String> {
        let TheoryFields { metric, variant, formula, per_s, headroom } = raw;
        if !matches!(metric, Measure::Level(_) | Measure::Registered(_)) {
            return Err(format!(
                "`{metric}` is not a level: a theory gives a value for each moment"
            ));
        }
        let law = match (formula, per_s, headroom) {
            (Some(formula), None, None) => Law::Value(formula),
            (None, Some(per_s), headroom) => Law::Backlog { per_s, headroom },
            _ => {
                return Err("expected `formula`, or `per_s` with an optional `headroom`".to_owned());
            }
        };
        Ok(Self { metric, variant, law })
    }
}

/// Rate and parameters over time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ParamHistory(Vec<(f64, Values)>);

impl ParamHistory {
    /// A history that begins with these values.
    pub fn new(values: Values) -> Self {
        Self(vec![(0.0, values)])
    }

    /// A name has another value from a time on, in seconds.
    pub fn set(&mut self, at_s: f64, name: &str, value: f64) {
        let mut values = self.0.last().map(|(_, values)| values.clone()).unwrap_or_default();
        // A file may name as many parameters as it likes.
        let is_new = !values.contains_key(name);
        if values.get(name) == Some(&value) || (is_new && values.len() >= MOST_NAMES) {
            return;
        }
        values.insert(name.to_owned(), value);
        // A recording may turn a parameter as often as it likes: what is kept is bounded.
        let full = self.0.len() >= MOST_CHANGES;
        match self.0.last_mut() {
            Some((last_s, there)) if *last_s >= at_s || full => *there = values,
            _ => self.0.push((at_s, values)),
        }
    }

    /// A parameter has another value from a time on, and so may the shares of the kinds of requests.
    pub fn set_param(&mut self, at_s: f64, (name, value): (&str, f64), load: &Load) {
        self.set(at_s, name, value);
        if load.depends_on(name) {
            for (share, percent) in load.shares(self.now()) {
                self.set(at_s, &share, percent);
            }
        }
    }

    /// The values at a time.
    pub fn at(&self, at_s: f64) -> &Values {
        static NONE: Values = Values::new();
        let later = self.0.partition_point(|(from_s, _)| *from_s <= at_s);
        self.0.get(later.saturating_sub(1)).map_or(&NONE, |(_, values)| values)
    }

    /// Times at which something changed, from the first value on.
    pub fn times(&self) -> Vec<f64> {
        self.0.iter().map(|(at_s, _)| *at_s).collect()
    }

    /// The values now.
    pub fn now(&self) -> &Values {
        self.at(f64::MAX)
    }

    /// The first time between two times at which one of these names got another value.
    pub fn first_change_of(&self, names: &[&str], from_s: f64, to_s: f64) -> Option<f64> {
        let before = self.at(from_s);
        let changed =
            |values: &Values| names.iter().any(|name| values.get(*name) != before.get(*name));
        let later = self.0.iter().filter(|(at_s, _)| *at_s > from_s && *at_s < to_s);
        later.filter(|(_, values)| changed(values)).map(|(at_s, _)| *at_s).next()
    }

    /// Times at which something changed between two times.
    fn changes(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = f64> {
        let within = move |at_s: &f64| *at_s > from_s && *at_s < to_s;
        self.0.iter().map(|(at_s, _)| *at_s).filter(within)
    }
}

/// Changes that a history keeps.
const MOST_CHANGES: usize = 10_000;

/// Names that have values, at most.
const MOST_NAMES: usize = 200;

impl Theory {
    /// The formulas in it.
    pub fn formulas(&self) -> impl Iterator<Item = &Formula> {
        let (first, second) = match &self.law {
            Law::Value(formula) => (formula, None),
            Law::Backlog { per_s, headroom } => (per_s, headroom.as_ref()),
        };
        std::iter::once(first).chain(second)
    }

    /// Its values at these times, in order, in seconds of the run, for a process that met the bug at
    /// `since_s`; none before that, or where it cannot be computed.
    pub fn values(
        &self,
        param_history: &ParamHistory,
        since_s: f64,
        times_s: &[f64],
    ) -> Vec<Option<f64>> {
        let (mut backlog, mut now_s) = (0.0_f64, since_s);
        let value = |at_s: f64, backlog: f64| match &self.law {
            Law::Value(formula) => {
                let mut values = param_history.at(at_s).clone();
                values.insert("t".to_owned(), at_s - since_s);
                formula.eval(&values).ok()
            }
            Law::Backlog { headroom, .. } => {
                let headroom =
                    headroom.as_ref().map_or(Ok(0.0), |h| h.eval(param_history.at(at_s)));
                Some((backlog - headroom.ok()?).max(0.0))
            }
        };
        times_s
            .iter()
            .map(|at_s| {
                if *at_s < since_s {
                    return None;
                }
                if let Law::Backlog { per_s, .. } = &self.law {
                    let changes: Vec<f64> = param_history.changes(now_s, *at_s).collect();
                    for until_s in changes.into_iter().chain([*at_s]) {
                        let growth = per_s.eval(param_history.at(now_s)).ok()?;
                        backlog = (backlog + growth * (until_s - now_s)).max(0.0);
                        now_s = until_s;
                    }
                }
                value(*at_s, backlog)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theory(law: Law) -> Theory {
        Theory { metric: Measure::parse("tasks"), variant: "broken".to_owned(), law }
    }

    fn formula(text: &str) -> Formula {
        Formula::parse(text).expect("it reads")
    }

    #[test]
    fn a_backlog_follows_the_rate_as_it_was() {
        let per_s = formula("rate_per_s - 10");
        let backlog = theory(Law::Backlog { per_s, headroom: Some(formula("100")) });
        let mut param_history = ParamHistory::new([("rate_per_s".to_owned(), 30.0)].into());
        param_history.set(5.0, "rate_per_s", 110.0);
        param_history.set(6.0, "rate_per_s", 0.0);
        let values = backlog.values(&param_history, 1.0, &[0.0, 2.0, 5.0, 6.0, 7.0, 100.0]);
        // 20 a second for 4 s, 100 a second for one, then 10 a second less, down to nothing.
        let expected = [None, Some(0.0), Some(0.0), Some(80.0), Some(70.0), Some(0.0)];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_value_is_computed_with_the_values_of_its_moment() {
        let law = theory(Law::Value(formula("rate_per_s * t")));
        let mut param_history = ParamHistory::new([("rate_per_s".to_owned(), 2.0)].into());
        param_history.set(3.0, "rate_per_s", 4.0);
        assert_eq!(law.values(&param_history, 1.0, &[2.0, 3.0]), [Some(2.0), Some(8.0)]);
    }
}
