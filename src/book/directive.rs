//! Directives of a chapter, in double braces; [`FORMS`] lists all of them. A backslash before the braces escapes
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::values::duration;

/// All that a chapter may ask for.
pub const FORMS: &str = "\
{{#drill run NAME = INCIDENT VARIANTS for=20s rate=200 seed=1 set.PARAMETER=100}}
    a run, by a name that the rest of the chapter uses; all from `for` on may be left out
{{#drill chart NAME tasks, latency p99}}
    charts of the run, by their titles in the manifest
{{#drill live NAME tasks, memory}}
    the same, with sliders, and the figures of all lanes
{{#drill table NAME}}
    the figures of all lanes
{{#drill code NAME VARIANT}}
    the code of a variant, its marks, and the tasks that waited in the run
{{#drill ask INCIDENT QUESTION}}
    a question of the incident's walk, with the figures of a walk that was played
{{#drill exercise INCIDENT}}
    what the incident's exercise asks, the code that it begins with, and the command
{{#drill drag NAME PARAMETER}}
    a number in a sentence that the reader can change; `rate_per_s` is one, too
{{#= NAME FIGURE}}
    a figure of the run, and what the sentence says of it
{{#drill answers}}
    a row of a table for each incident: its cause and its fix
{{#drill forms}}
    this list";

/// A piece of a chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stays.
    Text(&'a str),
    /// A directive, and the line at which it starts, from 1.
    Asks {
        /// The line.
        line: usize,
        /// Text between the braces.
        asks: &'a str,
    },
}

/// Starts of a directive.
const BEGINNINGS: [&str; 2] = ["{{#drill ", "{{#= "];

/// The pieces of a chapter, in order.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("{{#") {
        let start = at + found;
        let end = text[start..].find("}}").map(|length| start + length);
        let asks = BEGINNINGS.iter().any(|begins| text[start..].starts_with(begins));
        let (true, Some(end)) = (asks, end) else {
            at = start + 3;
            continue;
        };
        if text[..start].ends_with('\\') {
            // The braces without the backslash.
            pieces.push(Piece::Text(&text[from..start - 1]));
            (from, at) = (start, end);
            continue;
        }
        pieces.push(Piece::Text(&text[from..start]));
        let line = text[..start].matches('\n').count() + 1;
        pieces.push(Piece::Asks { line, asks: text[start + 3..end].trim() });
        (from, at) = (end + 2, end + 2);
    }
    pieces.push(Piece::Text(&text[from..]));
    pieces
}

/// Directives.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    /// A run, by a name that the rest of the chapter uses.
    Run(String, BookRun),
    /// Charts of a run, by their titles.
    Chart(String, Vec<String>),
    /// The same, which the reader can change.
    Live(String, Vec<String>),
    /// The figures of all lanes.
    Table(String),
    /// The code of a variant, with the tasks that waited in the run.
    Code(String, String),
    /// A question of an incident's walk.
    Ask(String, String),
    /// An incident's exercise.
    Exercise(String),
    /// A number of a run that can be changed in the sentence.
    Drag(String, String),
    /// For each incident, its cause and its fix.
    Answers,
    /// This list, and that of figures.
    Forms,
    /// A figure of a run, as [`firedrill_core::page::figure`] reads it.
    Figure(String, String),
}

/// A run, as a chapter wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct BookRun {
    /// The incident.
    pub incident: String,
    /// The variants.
    pub variants: Vec<String>,
    /// Duration; none: the manifest's duration.
    pub duration: Option<Duration>,
    /// Requests a second; none: the manifest's.
    pub rate_per_s: Option<f64>,
    /// The seed.
    pub seed: u64,
    /// Parameters.
    pub params: BTreeMap<String, f64>,
}

/// List of the directives, in a line.
const KINDS: &str = "expected `run`, `chart`, `live`, `table`, `code`, `ask`, `exercise`, `drag`, `answers` or `forms`";

impl Asks {
    /// Reads what stands between the braces.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = |text: &str| -> (String, String) {
            let text = text.trim();
            let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            (first.to_owned(), rest.trim().to_owned())
        };
        let needs = |text: String, what: &str| {
            if text.is_empty() { Err(format!("expected {what}")) } else { Ok(text) }
        };
        let (kind, rest) = word(text.trim_start_matches("drill").trim_start());
        let (name, more) = word(&rest);
        if kind == "=" {
            return Ok(Self::Figure(needs(name, "the name of a run")?, needs(more, "a figure")?));
        }
        match kind.as_str() {
            "answers" => return Ok(Self::Answers),
            "forms" => return Ok(Self::Forms),
            _ => {}
        }
        let titles = |text: String| -> Result<Vec<String>, String> {
            let text = needs(text, "the titles of charts, such as `tasks, latency p99`")?;
            Ok(text.split(',').map(|title| title.trim().to_owned()).collect())
        };
        let name = needs(name, "the name of a run, or an incident")?;
        match kind.as_str() {
            "run" => Ok(Self::Run(name, BookRun::parse(&more)?)),
            "chart" => Ok(Self::Chart(name, titles(more)?)),
            "live" => Ok(Self::Live(name, titles(more)?)),
            "table" if more.is_empty() => Ok(Self::Table(name)),
            "exercise" if more.is_empty() => Ok(Self::Exercise(name)),
            "code" => Ok(Self::Code(name, needs(more, "a variant")?)),
            "ask" => Ok(Self::Ask(name, needs(more, "the id of a question")?)),
            "drag" => Ok(Self::Drag(name, needs(more, "`rate_per_s` or a parameter")?)),
            _ => Err(KINDS.to_owned()),
        }
    }
}

impl BookRun {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "expected `NAME = INCIDENT VARIANTS`, then `for=20s`, `rate=N`, `seed=N` or `set.PARAMETER=N`";
        let mut words = text.split_whitespace();
        let (Some("="), Some(incident), Some(variants)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(FORM.to_owned());
        };
        let mut wanted = Self {
            incident: incident.to_owned(),
            variants: variants.split(',').map(str::to_owned).collect(),
            duration: None,
            rate_per_s: None,
            seed: 1,
            params: BTreeMap::new(),
        };
        for word in words {
            let (name, value) = word.split_once('=').ok_or(FORM)?;
            let number =
                || value.parse().map_err(|_| format!("`{word}`: invalid number `{value}`"));
            match (name, name.strip_prefix("set.")) {
                ("for", _) => {
                    let duration = duration(value).map_err(|why| format!("`{word}`: {why}"))?;
                    wanted.duration = Some(duration);
                }
                ("rate", _) => wanted.rate_per_s = Some(number()?),
                ("seed", _) => {
                    let whole = value.parse().map_err(|_| {
                        format!("`{word}`: expected a whole number from 0, found `{value}`")
                    });
                    wanted.seed = whole?;
                }
                (_, Some(name)) => {
                    wanted.params.insert(name.to_owned(), number()?);
                }
                _ => return Err(format!("`{word}`: {FORM}")),
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_is_text_and_what_it_asks_for_with_its_line() {
        let text = "one\n{{#= a broken tasks}} two {{#include x}}\n\\{{#= b c}} {{#drill table a}}";
        let asks = |line, asks| Piece::Asks { line, asks };
        let expected = [
            Piece::Text("one\n"),
            asks(2, "= a broken tasks"),
            Piece::Text(" two {{#include x}}\n"),
            Piece::Text("{{#= b c}} "),
            asks(3, "drill table a"),
            Piece::Text(""),
        ];
        assert_eq!(pieces(text), expected);
        assert_eq!(pieces("{{#= never ends"), [Piece::Text("{{#= never ends")]);
    }

    #[test]
    fn what_is_asked_for_is_read_or_refused_with_a_reason() {
        let run = "drill run a = pool-leak broken,fixed for=20s rate=300 seed=2 set.x=5";
        let Ok(Asks::Run(name, wanted)) = Asks::parse(run) else { panic!("{run}") };
        assert_eq!((name.as_str(), wanted.incident.as_str(), wanted.seed), ("a", "pool-leak", 2));
        assert_eq!(wanted.duration, Some(Duration::from_secs(20)));
        assert_eq!((wanted.rate_per_s, wanted.params["x"]), (Some(300.0), 5.0));
        for (text, says) in [
            ("drill dance a", "expected `run`"),
            ("drill table", "expected the name of a run"),
            ("drill chart a", "expected the titles"),
            ("= a", "expected a figure"),
            ("drill run a pool-leak broken", "expected `NAME = INCIDENT VARIANTS`"),
            ("drill run a = pool-leak broken rate=x", "invalid number `x`"),
            ("drill run a = pool-leak broken for=x", "for=x"),
            ("drill run a = pool-leak broken of=x", "`of=x`: expected"),
        ] {
            let why = Asks::parse(text).expect_err(text);
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
