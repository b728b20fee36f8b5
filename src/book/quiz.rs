//! A question as a plain form: committed to before the answer is there. Without script the answer folds out.

use firedrill_core::glossary;
use maud::{Markup, PreEscaped, html};

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
                            input type="radio" name="answer" value=(i) data-right=(right) data-says=(says);
                            " " (text)
                        }
                    },
                    Answer::Number { unit, .. } => label {
                        input type="number" name="answer" step="any" inputmode="decimal" aria-label=(asked.prompt);
                        " " (unit)
                    },
                    Answer::Line { file, lines } => {
                        p { code { (file) } }
                        div.fd-lines { @for (number, text, right) in lines.iter().filter(|l| !l.1.trim().is_empty()) {
                            label {
                                input type="radio" name="answer" value=(number) data-right=(right)
                                    data-says={ "line " (number) };
                                " " span { (text) }
                            }
                        } }
                    },
                }
            }
            @for hint in &asked.hints { details { summary { "a hint" } p { (hint) } } }
            button type="submit" hidden { "commit" }
            " "
            button type="reset" hidden { "anew" }
            details.fd-answer open tabindex="-1" {
                summary { "the answer" }
                p.fd-word aria-live="polite" {}
                @match &asked.kind {
                    Answer::Choice(choices) => @for (text, says, _) in choices.iter().filter(|c| c.2) {
                        p { strong { (text) } ": " (says) }
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

/// A text whose words that the glossary explains say so.
fn words(text: &str) -> Markup {
    let mut from = 0;
    html! {
        @for (range, term) in glossary::marked(text) {
            @let before = &text[from..range.start];
            @let word = &text[range.clone()];
            (PreEscaped({ from = range.end; "" }))
            (before) abbr title=(term.says) { (word) }
        }
        (&text[from..])
    }
}
