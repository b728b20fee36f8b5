//! A text for people on a page.

use maud::{Markup, html};

use crate::glossary;

/// A text whose words that the glossary explains say so, and whose code looks like it.
pub fn words(text: &str) -> Markup {
    let mut from = 0;
    let mut parts = Vec::new();
    for (range, term) in glossary::marked(text) {
        parts.push((&text[from..range.start], None));
        parts.push((&text[range.clone()], Some(term.says)));
        from = range.end;
    }
    parts.push((&text[from..], None));
    html! {
        @for (part, says) in parts {
            @match says {
                Some(says) => abbr title=(says) { (part) },
                None => @for (i, piece) in part.split('`').enumerate() {
                    @if i % 2 == 1 { code { (piece) } } @else { (piece) }
                },
            }
        }
    }
}
