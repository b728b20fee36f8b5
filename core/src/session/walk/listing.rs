//! The code that a question is about: what of it is shown, and the line that is asked for.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Walk, question};
use crate::incident::marks::marks;
use crate::incident::walk::{AnswerKind, Pointed, WalkStep};
use crate::session::Session;

/// The code of a question, as a front end shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The title over the code: the file's path once the answer is shown.
    pub title: String,
    /// The file.
    pub file: String,
    /// Its text.
    pub text: Cow<'static, str>,
    /// For each line, whether it is hidden: imports always, comments until the answer is shown.
    pub hidden: Vec<bool>,
    /// Tasks that wait at each line; all 0 until the answer is shown.
    pub waiting: Vec<u64>,
    /// The line that was asked for, from 0, once the answer is shown.
    pub answer: Option<usize>,
    /// True while the answer is open.
    pub is_open: bool,
}

impl Listing {
    /// The first line that an answer may point at: the first function.
    pub fn first(&self) -> usize {
        self.text.lines().position(|line| line.starts_with("pub fn")).unwrap_or_default()
    }

    /// The next line of code down or up from one that is shown; the same where there is none.
    pub fn neighbour(&self, line: usize, down: bool) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_code = |at: &usize| !self.hidden[*at] && !lines[*at].trim().is_empty();
        let next = if down {
            (line + 1..lines.len()).find(is_code)
        } else {
            (0..line.min(lines.len())).rev().find(is_code)
        };
        next.unwrap_or(line)
    }
}

/// The code of the question that a step asks, with what may be shown of it.
pub(super) fn shown(session: &Session, walk: &Walk, step: &WalkStep) -> Option<Listing> {
    let (file, text) = listing(session, step)?;
    let done = walk.done[walk.at].as_ref().filter(|_| walk.stage == super::Stage::Revealed);
    let is_open = done.is_none();
    // Comments, and their gaps in the line numbers, would give the answer away.
    let hidden = if is_open { hidden_while_open(text) } else { scaffolding(text) };
    // So would the counts.
    let lanes = session.shown().lanes.iter().filter(|_| !is_open);
    let sites = lanes.flat_map(|lane| &lane.server).flat_map(|server| &server.wait_sites);
    let mut waiting = vec![0; text.lines().count()];
    for site in sites.filter(|site| site.file == file) {
        if let Some(here) = waiting.get_mut((site.line as usize).wrapping_sub(1)) {
            *here += site.waiting;
        }
    }
    let answer = done.and_then(|done| done.line);
    let text = if is_open { without_labels(text).into() } else { text.into() };
    let title = match question(session.case.manifest(), step).map(|question| &question.kind) {
        Some(AnswerKind::Line { title, .. }) if is_open => title.clone(),
        _ => file.clone(),
    };
    Some(Listing { title, file, text, hidden, waiting, answer, is_open })
}

/// The code without the labels of its wait sites (`.parked("free connection")`): they name what a line waits for.
pub(in crate::session) fn without_labels(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(".parked(") {
        plain.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// The file and text of the code that a step's question is about.
pub(super) fn listing(session: &Session, step: &WalkStep) -> Option<(String, &'static str)> {
    let question = question(session.case.manifest(), step)?;
    let AnswerKind::Line { variant: of, .. } = &question.kind else { return None };
    let file = session.case.entry.file(of);
    let text = session.case.catalogue.source(&file)?;
    Some((file, text))
}

/// The lines of the statement that begins at one.
pub(in crate::session) fn statement(lines: &[&str], first: usize) -> RangeInclusive<usize> {
    let ends = |line: &&str| line.trim_end().ends_with([';', '{', '}', ',']);
    let more = lines.iter().skip(first).position(ends).unwrap_or(0);
    first..=first + more
}

/// The line that is asked for, from 0.
pub(super) fn answer_line(
    session: &Session,
    (lane, variant): (usize, &str),
    at: Pointed,
) -> Option<usize> {
    let file = session.case.entry.file(variant);
    match at {
        Pointed::Waits => {
            let site = session.main.head.lanes[lane].culprit().filter(|site| site.file == file)?;
            (site.line as usize).checked_sub(1)
        }
        Pointed::Marked(mark) => {
            let marked = marks(session.case.catalogue.source(&file)?);
            marked.into_iter().find(|marked| marked.mark == mark)?.line.checked_sub(1)
        }
    }
}

/// Returns true for a line of code that is a comment alone.
pub fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// For each line of a source text, true if it is hidden while the question is open.
pub fn hidden_while_open(text: &str) -> Vec<bool> {
    let lines = text.lines().zip(scaffolding(text));
    lines.map(|(line, folded)| folded || is_comment(line)).collect()
}

/// For each line, its number among those that are shown, from 1.
pub fn numbers(hidden: &[bool]) -> Vec<usize> {
    let count = |number: &mut usize, hidden: &bool| {
        *number += usize::from(!hidden);
        Some(*number)
    };
    hidden.iter().scan(0, count).collect()
}

/// For each line of a source text, whether it is scaffolding: imports, modules, the catalogue's entry, and the gaps
/// between them.
pub fn scaffolding(text: &str) -> Vec<bool> {
    let lines: Vec<&str> = text.lines().collect();
    let mut is = vec![false; lines.len()];
    let begins = ["use ", "pub use ", "pub(crate) use ", "mod ", "pub mod ", "pub static INCIDENT"];
    let mut inside: Option<&str> = None;
    for (i, line) in lines.iter().enumerate() {
        // A module that is written out in place is code.
        let here = line.ends_with('{') && line.contains("mod ");
        if inside.is_none() && !here && begins.iter().any(|word| line.starts_with(word)) {
            inside = Some(if line.starts_with("pub static") { "};" } else { ";" });
        }
        if let Some(end) = inside {
            is[i] = true;
            if line.ends_with(end) {
                inside = None;
            }
        }
    }
    // Its comment goes with the catalogue's entry, a gap with what is around it.
    for i in (0..lines.len()).rev() {
        let next = is.get(i + 1).copied().unwrap_or(true);
        if next && (lines[i].is_empty() || lines[i].starts_with("/// What the catalogue")) {
            is[i] = true;
        }
    }
    is
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_the_gaps_between_them_are_scaffolding() {
        let text = "//! Doc.\n\nuse a::{\n    b,\n};\n\nmod c;\n\nfn d() {}\n";
        assert_eq!(scaffolding(text), [false, true, true, true, true, true, true, false, false]);
    }

    #[test]
    fn numbers_of_open_code_have_no_gaps_where_comments_are() {
        let hidden = hidden_while_open("//! Doc.\nuse a;\n\nfn b() {\n    // why\n    c();\n}\n");
        assert_eq!(hidden, [true, true, false, false, true, false, false]);
        // The comment between the two lines of code leaves no gap.
        assert_eq!((numbers(&hidden)[3], numbers(&hidden)[5]), (2, 3));
    }

    #[test]
    fn open_code_does_not_name_what_a_line_waits_for() {
        let text = "a.send(b).parked(\"log channel\").await;\nc();\n";
        assert_eq!(without_labels(text), "a.send(b).await;\nc();\n");
    }

    #[test]
    fn the_cursor_skips_what_is_hidden_and_stays_at_the_ends() {
        let text = "//! Doc.\nuse a;\n\npub fn b() {\n    // why\n    c();\n}\n";
        let hidden = vec![true, true, true, false, true, false, false];
        let (file, waiting) = (String::new(), vec![0; 7]);
        let text = text.into();
        let title = String::new();
        let listing = Listing { title, file, text, hidden, waiting, answer: None, is_open: true };
        assert_eq!(listing.first(), 3);
        assert_eq!((listing.neighbour(3, true), listing.neighbour(5, false)), (5, 3));
        assert_eq!((listing.neighbour(3, false), listing.neighbour(6, true)), (3, 6));
    }
}
