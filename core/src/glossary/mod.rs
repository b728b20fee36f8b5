//! Words that a newcomer may not know: marked where a text has them, explained on demand.

mod terms;

use std::ops::Range;

use terms::TERMS;

/// A word, and what it means here.
#[derive(Debug)]
pub struct Term {
    /// The word.
    pub name: &'static str,
    /// Other forms under which a text may have it.
    also: &'static [&'static str],
    /// The definition.
    pub says: &'static str,
}

/// All words.
pub fn terms() -> &'static [Term] {
    TERMS
}

/// Finds terms of the glossary in a text: the first occurrence of each, in the order of the text.
pub fn marked(text: &str) -> Vec<(Range<usize>, &'static Term)> {
    let lower = text.to_ascii_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let first = |form: &&str| {
        let form = form.to_ascii_lowercase();
        let whole = |at: &usize| {
            let before = lower[..*at].chars().next_back();
            let after = lower[at + form.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        };
        let at = lower.match_indices(&form).map(|(at, _)| at).find(whole)?;
        Some(at..at + form.len())
    };
    let mut found: Vec<(Range<usize>, &Term)> = TERMS
        .iter()
        .filter_map(|term| {
            let forms = std::iter::once(&term.name).chain(term.also);
            Some((forms.filter_map(first).min_by_key(|range| range.start)?, term))
        })
        .collect();
    found.sort_by_key(|(range, _)| (range.start, range.end));
    // A word within another is part of that.
    let mut end = 0;
    found.retain(|(range, _)| {
        let apart = range.start >= end;
        end = end.max(range.end);
        apart
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_marked_where_they_come_first() {
        assert!(terms().len() > 20);
        let text = "Two tasks share a pool; the tasks wait. Little's law holds, a spool does not.";
        let words: Vec<&str> = marked(text).into_iter().map(|(range, _)| &text[range]).collect();
        assert_eq!(words, ["tasks", "pool", "Little's law"]);
    }
}
