//! The words of Rust source, told apart for colours.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};

/// Kinds of source tokens.
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

/// The words that belong to the language.
const KEYWORDS: [&str; 30] = [
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "self", "static", "struct", "super", "use", "while",
];

/// The stretches of one line: bytes of it, and what they are.
pub type Stretches = Vec<(Range<usize>, Class)>;

/// Texts that have been read, with their words.
type Known = HashMap<Box<str>, Arc<Vec<Stretches>>>;

/// Tells the words of a source text apart, line by line. Text that is not Rust is all plain. The result is kept:
/// the texts are those that are built into the program, and a learner's.
pub fn lines(text: &str) -> Arc<Vec<Stretches>> {
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lines) = known.get(text) {
        return Arc::clone(lines);
    }
    let lines = Arc::new(read(text));
    known.insert(text.into(), Arc::clone(&lines));
    lines
}

/// A token: where it begins and ends, in bytes, and what it is.
type Token = (Range<usize>, Class);

/// The tokens of a stream, in order; `starts` has the first byte of each line.
fn tokens(stream: TokenStream, text: &str, starts: &[usize], found: &mut Vec<Token>) {
    let at = |place: LineColumn| {
        let start = starts.get(place.line - 1).copied().unwrap_or(text.len());
        let line = &text[start..];
        start + line.char_indices().nth(place.column).map_or(line.len(), |(at, _)| at)
    };
    let mut rest = stream.into_iter().peekable();
    while let Some(tree) = rest.next() {
        let range = at(tree.span().start())..at(tree.span().end());
        let class = match &tree {
            TokenTree::Group(group) => {
                let ends = [group.span_open(), group.span_close()];
                let [open, close] = ends.map(|span| at(span.start())..at(span.end()));
                found.push((open, Class::Plain));
                tokens(group.stream(), text, starts, found);
                found.push((close, Class::Plain));
                continue;
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                let called = match rest.peek() {
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    Some(TokenTree::Punct(next)) => next.as_char() == '!',
                    _ => false,
                };
                match name.chars().next() {
                    _ if KEYWORDS.contains(&name.as_str()) => Class::Keyword,
                    Some('A'..='Z') if name.len() > 1 && name == name.to_uppercase() => {
                        Class::Constant
                    }
                    Some('A'..='Z') => Class::Type,
                    _ if called => Class::Function,
                    _ => Class::Plain,
                }
            }
            TokenTree::Literal(literal) => match literal.to_string().chars().next() {
                Some('0'..='9') => Class::Constant,
                _ => Class::Text,
            },
            TokenTree::Punct(sign) => match sign.as_char() {
                '#' => Class::Attribute,
                _ => Class::Plain,
            },
        };
        found.push((range, class));
    }
}

fn read(text: &str) -> Vec<Stretches> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    // What belongs to no token is a comment, or a gap.
    let mut classes = vec![Class::Comment; text.len()];
    let mut found = Vec::new();
    match text.parse::<TokenStream>() {
        Ok(stream) => tokens(stream, text, &starts, &mut found),
        Err(_) => classes.fill(Class::Plain),
    }
    for (range, class) in found {
        // The text of a comment that documents something comes as a token of its place.
        if !text[range.clone()].starts_with("//") {
            classes[range].fill(class);
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
