//! The words of Rust source, told apart for colours.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tree_sitter_highlight::{HighlightConfiguration, HighlightEvent, Highlighter};

/// What a stretch of source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Class {
    /// Anything else.
    #[default]
    Plain,
    /// A comment.
    Comment,
    /// `fn`, `let`, `await`.
    Keyword,
    /// A string.
    Text,
    /// A number, or another constant.
    Constant,
    /// A type.
    Type,
    /// The name of a function, a method or a macro.
    Function,
    /// `#[…]`.
    Attribute,
}

/// The names by which the grammar's query calls them.
const NAMES: [(&str, Class); 9] = [
    ("comment", Class::Comment),
    ("keyword", Class::Keyword),
    ("string", Class::Text),
    ("escape", Class::Text),
    ("constant", Class::Constant),
    ("type", Class::Type),
    ("constructor", Class::Type),
    ("function", Class::Function),
    ("attribute", Class::Attribute),
];

/// The stretches of one line: bytes of it, and what they are.
pub type Stretches = Vec<(Range<usize>, Class)>;

/// Tells the words of a source text apart, line by line. Text that is no Rust is all plain. What was read
/// once is kept: the texts are those that are built into the program.
pub fn lines(text: &'static str) -> Arc<Vec<Stretches>> {
    static KNOWN: LazyLock<Mutex<HashMap<usize, Arc<Vec<Stretches>>>>> =
        LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // A text that is built in has one place.
    Arc::clone(known.entry(text.as_ptr() as usize).or_insert_with(|| Arc::new(read(text))))
}

static RUST: LazyLock<Option<HighlightConfiguration>> = LazyLock::new(|| {
    let (language, query) = (tree_sitter_rust::LANGUAGE.into(), tree_sitter_rust::HIGHLIGHTS_QUERY);
    let mut rust = HighlightConfiguration::new(language, "rust", query, "", "").ok()?;
    rust.configure(&NAMES.map(|(name, _)| name));
    Some(rust)
});

fn read(text: &str) -> Vec<Stretches> {
    let mut classes = vec![Class::Plain; text.len()];
    let mut highlighter = Highlighter::new();
    let events = RUST
        .as_ref()
        .and_then(|rust| highlighter.highlight(rust, text.as_bytes(), None, None, |_| None).ok());
    let mut inside = Vec::new();
    for event in events.into_iter().flatten() {
        match event {
            Ok(HighlightEvent::HighlightStart(what)) => inside.push(NAMES[what.0].1),
            Ok(HighlightEvent::HighlightEnd) => {
                inside.pop();
            }
            Ok(HighlightEvent::Source { start, end, .. }) => {
                classes[start..end].fill(inside.last().copied().unwrap_or_default());
            }
            Err(_) => break,
        }
    }
    let mut start = 0;
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut stretches: Stretches = Vec::new();
        for (at, _) in line.char_indices() {
            let class = classes[start + at];
            match stretches.last_mut() {
                Some((range, last)) if *last == class => range.end = at,
                _ => {
                    if let Some((range, _)) = stretches.last_mut() {
                        range.end = at;
                    }
                    stretches.push((at..at, class));
                }
            }
        }
        for i in 0..stretches.len() {
            let end = stretches.get(i + 1).map_or(line.len(), |(next, _)| next.start);
            stretches[i].0.end = end;
        }
        lines.push(stretches);
        start += line.len() + 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_and_nothing_is_lost() {
        let text = "// a – comment\nfn main() {\n    let a = \"ü\";\n}\n";
        let lines = lines(text);
        for (line, stretches) in text.split('\n').zip(lines.iter()) {
            let joined: String = stretches.iter().map(|(range, _)| &line[range.clone()]).collect();
            assert_eq!(joined, line);
        }
        let class = |line: usize, word: &str| {
            let at = text.split('\n').nth(line).and_then(|text| text.find(word)).expect("a word");
            lines[line].iter().find(|(range, _)| range.contains(&at)).expect("a stretch").1
        };
        assert_eq!(class(0, "comment"), Class::Comment);
        assert_eq!(class(1, "fn"), Class::Keyword);
        assert_eq!(class(1, "main"), Class::Function);
        assert_eq!(class(2, "ü"), Class::Text);
    }
}
