//! A question as a plain form: committed to before the answer is there. Without script the answer folds out.

use firedrill_core::glossary;
use maud::{Markup, html};

use super::played::{Answer, Asked, bound};

/// The form.
pub fn form(incident: &str, id: &str, asked: &Asked) -> Markup {
    let name = format!("{incident}/{id}");
    let (kind, accepts) = match &asked.kind {
        Answer::Choice(_) => ("choice", None),
        Answer::Line { .. } => ("line", None),
        Answer::Number { accepts: (low, high), .. } => {
            ("number", Some(format!("{} {}", bound(*low), bound(*high))))
        }
    };
    html! {
        form.fd-question data-question=(name) data-kind=(kind) data-accepts=[accepts] {
            p { (words(&asked.says)) }
            fieldset {
                legend { (asked.prompt) }
                @match &asked.kind {
                    Answer::Choice(choices) => @for (i, (text, says, right)) in choices.iter().enumerate() {
                        label {
                            input type="radio" name="answer" value=(i) data-right=(right) data-says=(says.replace('`', ""));
                            " " (words(text))
                        }
                    },
                    Answer::Number { unit, .. } => label {
                        input type="number" name="answer" step="any" inputmode="decimal" aria-label=(asked.prompt);
                        " " (unit)
                    },
                    Answer::Line { file, lines } => {
                        p { code { (file) } }
                        div.fd-lines { @for (number, text, right) in lines.iter().filter(|l| !l.1.trim().is_empty()) {
                            label data-line=(number) {
                                input type="radio" name="answer" value=(number) data-right=(right)
                                    data-says={ "line " (number) };
                                " " span { (text) }
                            }
                        } }
                    },
                }
            }
            @for hint in &asked.hints { details { summary { "a hint" } p { (words(hint)) } } }
            button type="submit" hidden { "commit" }
            " "
            button type="reset" hidden { "anew" }
            details.fd-answer open tabindex="-1" {
                summary { "the answer" }
                p.fd-word aria-live="polite" {}
                @match &asked.kind {
                    Answer::Choice(choices) => @for (text, says, _) in choices.iter().filter(|c| c.2) {
                        p.fd-solution { strong { (words(text)) } ": " (words(says)) }
                    },
                    Answer::Number { told, .. } => p { strong { (told) } },
                    Answer::Line { lines, .. } => @if let Some((number, text, _)) = lines.iter().find(|l| l.2) {
                        p { strong { "line " (number) } ": " code { (text.trim()) } }
                    },
                }
                p { (words(&asked.why)) }
            }
        }
    }
}

/// A text whose words that the glossary explains say so, and whose code looks like it.
fn words(text: &str) -> Markup {
    let mut from = 0;
    let mut parts = Vec::new();
    for (range, term) in glossary::marked(text) {
        parts.push((&text[from..range.start], None));
        parts.push((&text[range.clone()], Some(term.says.as_str())));
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
