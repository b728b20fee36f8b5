//! The expressions of theories and expectations, such as `rate_per_s - 1000 / log_write_ms`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::expression::Expression;
use super::measure::{self, parse_selector};
use crate::figures::number;

/// A number or an expression over the run's rate, its parameters and, in a theory, the time `t`.
#[derive(Debug, Clone)]
pub struct Formula {
    text: String,
    names: Vec<String>,
    expression: Box<Expression>,
}

/// Longer expressions are refused: nobody reads them, and reading them could take forever.
const LONGEST: usize = 400;

/// The values that an expression may use, by name.
pub type Values = BTreeMap<String, f64>;

/// An expression that cannot be read or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("formula `{text}`: {why}")]
pub struct FormulaError {
    text: String,
    why: String,
}

impl Formula {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        if text.len() > LONGEST {
            let text = text.chars().take(40).collect::<String>() + "…";
            return Err(FormulaError { text, why: format!("longer than {LONGEST} characters") });
        }
        let (expression, names) =
            Expression::parse(text).map_err(|why| FormulaError { text: text.to_owned(), why })?;
        Ok(Self { text: text.to_owned(), names, expression: Box::new(expression) })
    }

    /// A formula that is a number.
    pub fn number(number: f64) -> Self {
        let expression = Box::new(Expression::Number(number));
        Self { text: number.to_string(), names: Vec::new(), expression }
    }

    /// The names it uses, in the alphabet's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Its text, as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its text with the values in place of the names, as people write it; a name without a value stays.
    pub fn with_numbers(&self, values: &Values) -> String {
        let mut text = String::new();
        let mut rest = self.text.as_str();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        while let Some(first) = rest.chars().next() {
            let end = if first.is_ascii_alphabetic() {
                rest.find(|c| !is_name(c)).unwrap_or(rest.len())
            } else {
                // Numbers are not names, even with letters in them.
                let end = rest.find(|c: char| !is_name(c) && c != '.').unwrap_or(rest.len());
                end.max(first.len_utf8())
            };
            let (token, after) = rest.split_at(end);
            // A selector belongs to the name before it.
            let selected = after.starts_with('{').then(|| after.find('}')).flatten();
            let (selector, after) = after.split_at(selected.map_or(0, |end| end + 1));
            let name = match parse_selector(selector) {
                Some((label, value)) => {
                    Cow::Owned(format!("{token}{}", measure::selector(label, value)))
                }
                None => Cow::Borrowed(token),
            };
            match (token, values.get(&*name)) {
                (_, Some(value)) => text.push_str(&number(*value)),
                ("*", _) => text.push('×'),
                ("-", _) => text.push('−'),
                _ => text.push_str(&name),
            }
            rest = after;
        }
        text
    }

    /// Computes it.
    ///
    /// # Errors
    ///
    /// When a name has no value, or the result is not a finite number.
    pub fn eval(&self, values: &Values) -> Result<f64, FormulaError> {
        let fail = |why: String| FormulaError { text: self.text.clone(), why };
        let value = |name: &str| values.get(name).copied();
        let result =
            self.expression.eval(&value).map_err(|name| fail(format!("`{name}` has no value")))?;
        if result.is_finite() { Ok(result) } else { Err(fail("is not a finite number".to_owned())) }
    }
}

/// By their texts.
impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number or a formula in a string")]
        enum NumberOrText {
            Number(f64),
            Text(String),
        }
        let text = match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        };
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        [("rate_per_s", 200.0), ("log_write_ms", 100.0), ("t", 10.0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    #[test]
    fn names_give_way_to_their_values() {
        let formula = Formula::parse("rate_per_s - 1000 / (2 * max(a, 0.5))").expect("it reads");
        let values: Values = [("rate_per_s".to_owned(), 200.0), ("a".to_owned(), 3654.0)].into();
        assert_eq!(formula.with_numbers(&values), "200 − 1000 / (2 × max(3,654, 0.5))");
        let formula = Formula::parse("a{kind='x'} + b{kind='y'} * 2").expect("it reads");
        let values = [("a{kind=\"x\"}".to_owned(), 7.0)].into();
        assert_eq!(formula.with_numbers(&values), "7 + b{kind=\"y\"} × 2");
    }

    #[test]
    fn computes_the_theory_of_the_first_incident() {
        let formula = Formula::parse("(rate_per_s - 1000 / log_write_ms) * t").expect("reads");
        assert_eq!(formula.names(), ["log_write_ms", "rate_per_s", "t"]);
        assert_eq!(formula.eval(&values()), Ok(1900.0));
        let delayed = Formula::parse("max(0, (rate_per_s - 10) * t - 1000)").expect("reads");
        assert_eq!(delayed.eval(&values()), Ok(900.0));
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(Formula::parse("1 +").is_err());
        let unknown = Formula::parse("speed * t").expect("reads").eval(&values());
        assert_eq!(
            unknown.expect_err("no such value").to_string(),
            "formula `speed * t`: `speed` has no value"
        );
        let infinite = Formula::parse("1 / (t - 10)").expect("reads").eval(&values());
        assert!(infinite.is_err());
    }
}
