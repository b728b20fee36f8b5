//! Expressions: numbers, names, `+ - * / ^`, parentheses, and a few functions.
//!
//! Our own, since the crates for it bring a regular-expression engine along, which was a quarter of what
//! a page of the book has to load.

use std::collections::BTreeSet;

use super::measure;

/// An arithmetic expression.
#[derive(Debug, Clone)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A name that stands for one.
    Name(String),
    /// A function of one number.
    Of(One, Box<Expression>),
    /// An operator or a function of two.
    OfTwo(Two, Box<[Expression; 2]>),
}

/// Computes from one number, and from two.
type One = fn(f64) -> f64;
type Two = fn(f64, f64) -> f64;

/// The functions of one number.
const OF_ONE: [(&str, One); 6] = [
    ("abs", f64::abs),
    ("sqrt", f64::sqrt),
    ("exp", f64::exp),
    ("ln", f64::ln),
    ("floor", f64::floor),
    ("ceil", f64::ceil),
];

/// The functions of two numbers.
const OF_TWO: [(&str, Two); 2] = [("min", f64::min), ("max", f64::max)];

/// The operators, by how strongly they bind, the weakest first.
const OPERATORS: [&[(char, Two)]; 2] =
    [&[('+', |a, b| a + b), ('-', |a, b| a - b)], &[('*', |a, b| a * b), ('/', |a, b| a / b)]];

impl Expression {
    /// Reads an expression. Returns it with the names that it uses, or what is wrong with it.
    pub fn parse(text: &str) -> Result<(Self, Vec<String>), String> {
        let mut reader = Reader { text, at: 0, names: BTreeSet::new() };
        let expression = reader.level(0)?;
        match reader.peek() {
            None => Ok((expression, reader.names.into_iter().collect())),
            Some(c) => {
                Err(format!("expected an operator, found `{c}` at character {}", reader.place()))
            }
        }
    }

    /// Computes it; fails with the name that has no value.
    pub fn eval<'a>(&'a self, value: &impl Fn(&str) -> Option<f64>) -> Result<f64, &'a str> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Name(name) => value(name).ok_or(name),
            Self::Of(function, of) => Ok(function(of.eval(value)?)),
            Self::OfTwo(function, of) => Ok(function(of[0].eval(value)?, of[1].eval(value)?)),
        }
    }
}

/// Reads from left to right. How deep it goes is bounded by the length that a formula may have.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    names: BTreeSet<String>,
}

impl Reader<'_> {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// Returns its position in the text.
    fn place(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    fn expected<T>(&mut self, what: &str) -> Result<T, String> {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("`{c}`"));
        Err(format!("expected {what}, found {found} at character {}", self.place()))
    }

    /// Operands joined by the operators of one level, from left to right.
    fn level(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = OPERATORS.get(level) else { return self.signed() };
        let mut left = self.level(level + 1)?;
        loop {
            let Some(c) = self.peek() else { return Ok(left) };
            let Some((_, apply)) = operators.iter().find(|(sign, _)| *sign == c) else {
                return Ok(left);
            };
            self.at += c.len_utf8();
            let right = self.level(level + 1)?;
            left = Expression::OfTwo(*apply, Box::new([left, right]));
        }
    }

    fn signed(&mut self) -> Result<Expression, String> {
        if self.take('-') {
            return Ok(Expression::Of(|a| -a, Box::new(self.signed()?)));
        }
        let base = self.operand()?;
        if self.take('^') {
            let exponent = self.signed()?;
            return Ok(Expression::OfTwo(f64::powf, Box::new([base, exponent])));
        }
        Ok(base)
    }

    /// The name with the selector that follows it; none if none follows.
    fn selected(&mut self, word: &str) -> Result<Option<String>, String> {
        let rest = &self.text[self.at..];
        if !rest.starts_with('{') {
            return Ok(None);
        }
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        let Some((label, value)) = measure::parse_selector(&rest[..end]) else {
            return self.expected("a selector such as `{kind=\"checkout\"}`");
        };
        self.at += end;
        Ok(Some(format!("{word}{}", measure::selector(label, value))))
    }

    fn operand(&mut self) -> Result<Expression, String> {
        if self.take('(') {
            let inner = self.level(0)?;
            return if self.take(')') { Ok(inner) } else { self.expected("`)`") };
        }
        let Some(first) = self.peek() else { return self.expected("a number or a name") };
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if first.is_ascii_digit() || first == '.' {
            let Ok(number) = word.parse() else {
                return Err(format!("invalid number `{word}` at character {}", self.place()));
            };
            self.at += end;
            return Ok(Expression::Number(number));
        }
        if !first.is_ascii_alphabetic() && first != '_' {
            return self.expected("a number or a name");
        }
        self.at += end;
        if let Some(name) = self.selected(word)? {
            self.names.insert(name.clone());
            return Ok(Expression::Name(name));
        }
        if !self.take('(') {
            self.names.insert(word.to_owned());
            return Ok(Expression::Name(word.to_owned()));
        }
        let one = self.level(0)?;
        let read = if let Some((_, apply)) = OF_ONE.iter().find(|(name, _)| *name == word) {
            Expression::Of(*apply, Box::new(one))
        } else if let Some((_, apply)) = OF_TWO.iter().find(|(name, _)| *name == word) {
            if !self.take(',') {
                return self.expected("`,` and a second number");
            }
            Expression::OfTwo(*apply, Box::new([one, self.level(0)?]))
        } else {
            let known = OF_TWO.iter().map(|(name, _)| *name).chain(OF_ONE.map(|(name, _)| name));
            let known: Vec<&str> = known.collect();
            return Err(format!("there is no function `{word}`; there are: {}", known.join(", ")));
        };
        if self.take(')') { Ok(read) } else { self.expected("`)`") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(text: &str) -> f64 {
        let (expression, _) = Expression::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        expression.eval(&|name| (name == "x").then_some(3.0)).expect("only x is used")
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, value) in [
            ("1 + 2 * x", 7.0),
            ("10 - 4 - 3", 3.0),
            ("24 / 4 / 2", 3.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-x ^ 2", -9.0),
            ("2 ^ -1", 0.5),
            ("-(x - 5)", 2.0),
            ("min(x, 2) + max(0, -x)", 2.0),
            ("floor(7 / 2) * ceil(0.2) + abs(-1)", 4.0),
            ("sqrt(16) + exp(0) + ln(1)", 5.0),
            (".5 * 1e3", 500.0),
        ] {
            assert!((computed(text) - value).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn a_selector_belongs_to_its_name() {
        let (expression, names) =
            Expression::parse("a{kind='x y'} - 2 * a{kind=\"z\"}").expect("it parses");
        assert_eq!(names, ["a{kind=\"x y\"}", "a{kind=\"z\"}"]);
        let value = |name: &str| Some(if name.contains('z') { 3.0 } else { 10.0 });
        assert_eq!(expression.eval(&value), Ok(4.0));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, says) in [
            ("", "expected a number or a name, found the end at character 1"),
            ("1 +", "expected a number or a name, found the end at character 4"),
            ("1 2", "expected an operator, found `2` at character 3"),
            ("(1", "expected `)`, found the end at character 3"),
            ("max(1)", "expected `,` and a second number, found `)` at character 6"),
            ("sin(1)", "there is no function `sin`"),
            ("1.2.3", "invalid number `1.2.3` at character 1"),
            ("a % b", "expected an operator, found `%` at character 3"),
            ("a{b}", "expected a selector such as `{kind=\"checkout\"}`, found `{` at character 2"),
        ] {
            let why = Expression::parse(text).expect_err(text);
            assert!(why.starts_with(says), "{text}: {why}");
        }
    }
}
