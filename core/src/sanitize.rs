//! Text from files or from child processes, made safe to show: no cursor movement, no title, no change of
//! direction.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A text in which control characters and marks of direction are visible, and do nothing. Ends of
/// lines stay.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            // Unicode has pictures of the first controls, in their order.
            '\0'..='\x1f' if is_hidden(c) => {
                shown.extend(char::from_u32(0x2400 + u32::from(c)));
            }
            '\x7f' => shown.push('\u{2421}'),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// The next line without its end, or, of one that is longer, this many bytes; and whether it had its end. None at the
/// end of the input.
///
/// # Errors
///
/// When the input cannot be read.
pub fn next_line(input: &mut impl BufRead, longest: u64) -> io::Result<Option<(Vec<u8>, bool)>> {
    let mut line = Vec::new();
    input.by_ref().take(longest).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let whole = line.last() == Some(&b'\n');
    if whole {
        line.pop();
    } else if line.len() as u64 == longest {
        // The rest of it is of no use.
        input.skip_until(b'\n')?;
    }
    Ok(Some((line, whole)))
}

/// Characters of a log line that are kept.
const LONGEST: usize = 2000;

/// A line that a child wrote, sanitize, and no longer than anybody reads: a recording refuses lines
/// without an end in sight.
pub fn log_line(text: &str) -> String {
    let mut line: String = sanitize(text).chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push_str(" … (cut)");
    }
    line
}

fn is_hidden(c: char) -> bool {
    let direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || (c.is_control() && c != '\n')
}

/// Reads a line of JSON, with all of its texts visible.
///
/// # Errors
///
/// When it is none of `T`.
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    // Without an escape and beyond ASCII there is nothing that could hide; most lines are such.
    if json.is_ascii() && !json.contains('\\') {
        return serde_json::from_str(json);
    }
    let mut value: Value = serde_json::from_str(json)?;
    if !show(&mut value) {
        return serde_json::from_str(json);
    }
    serde_json::from_value(value)
}

/// Makes all texts of a value visible; tells whether that changed any.
fn show(value: &mut Value) -> bool {
    match value {
        Value::String(text) => match sanitize(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(shown) => {
                *text = shown;
                true
            }
        },
        Value::Array(values) => values.iter_mut().fold(false, |any, value| show(value) | any),
        Value::Object(fields) => {
            let mut any = fields.values_mut().fold(false, |any, value| show(value) | any);
            if fields.keys().any(|name| name.chars().any(is_hidden)) {
                let all = std::mem::take(fields);
                fields.extend(all.into_iter().map(|(name, v)| (sanitize(&name).into_owned(), v)));
                any = true;
            }
            any
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_directions_are_seen_and_do_nothing() {
        assert!(matches!(sanitize("plain: ✖ é\nnext"), Cow::Borrowed(_)));
        assert_eq!(sanitize("\x1b]0;mine\x07"), "␛]0;mine␇");
        assert_eq!(sanitize("a\u{202e}b\u{9b}c\x7f"), "a\\u{202e}b\\u{9b}c␡");
    }

    #[test]
    fn a_log_line_has_an_end() {
        assert_eq!(log_line("short"), "short");
        let cut = log_line(&"x".repeat(1 << 20));
        assert!(cut.len() < 2100 && cut.ends_with("(cut)"));
    }

    #[test]
    fn a_line_is_read_with_its_texts_visible_names_too() {
        let read: Value =
            read(r#"{"a\u001b":["\u001b[2J", {"b": "\u202ex"}], "n": 1}"#).expect("JSON");
        assert_eq!(read, serde_json::json!({"a␛": ["␛[2J", {"b": "\\u{202e}x"}], "n": 1}));
    }

    #[test]
    fn of_a_line_without_end_a_part_is_read() {
        let mut input: &[u8] = b"one\naaaaaaaa\n\nlast";
        let mut next = || {
            let line = next_line(&mut input, 4).expect("it is memory");
            line.map(|(line, whole)| (String::from_utf8_lossy(&line).into_owned(), whole))
        };
        assert_eq!(next(), Some(("one".to_owned(), true)));
        assert_eq!(next(), Some(("aaaa".to_owned(), false)));
        assert_eq!(next(), Some((String::new(), true)));
        assert_eq!(next(), Some(("last".to_owned(), false)));
        assert_eq!(next(), None);
    }
}
