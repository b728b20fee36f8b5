//! A question as a plain form: committed to before the answer is there. Without script the answer folds out.
//! Everything that judging needs was computed by core; the page only looks it up.

use firedrill_core::page::words::words;
use firedrill_core::session::walk::page::AnswerForm;
use firedrill_core::session::walk::{AnswerKey, Listing, Ruling};
use maud::{Markup, html};

use super::played::Played;

/// The form.
pub fn form(incident: &str, id: &str, played: &Played) -> Markup {
    let name = format!("{incident}/{id}");
    let Played { says, asking, hints, key, figures, why } = played;
    html! {
        form.fd-question data-question=(name) {
            p { (words(says)) }
            fieldset {
                legend { (asking.prompt) }
                @match (&asking.form, key) {
                    (AnswerForm::Choice(choices), AnswerKey::Choice(rulings)) => {
                        @for (i, (text, ruling)) in choices.iter().zip(rulings).enumerate() {
                            label { (option(i, ruling)) " " (words(text)) }
                        }
                    }
                    (AnswerForm::Number { unit, tolerance }, AnswerKey::Number(from, to)) => label {
                        input type="number" name="answer" step="any" inputmode="decimal" aria-label=(asking.prompt)
                            data-from=(bound(*from)) data-to=(bound(*to));
                        " " (unit) " (" (tolerance) ")"
                    },
                    (AnswerForm::Line(listing), AnswerKey::Line(rulings)) => (lines(listing, rulings)),
                    _ => {},
                }
            }
            @for hint in hints { details { summary { "a hint" } p { (words(hint)) } } }
            button type="submit" hidden { "commit" }
            " "
            button type="reset" hidden { "try again" }
            details.fd-answer open tabindex="-1" {
                summary { "the answer" }
                p.fd-word aria-live="polite" {}
                @match (&asking.form, key) {
                    (AnswerForm::Choice(choices), AnswerKey::Choice(rulings)) => {
                        @for (text, ruling) in choices.iter().zip(rulings).filter(|(_, ruling)| ruling.right) {
                            p.fd-solution { strong { (words(text)) } ": " (words(&ruling.says)) }
                        }
                    }
                    (AnswerForm::Line(listing), AnswerKey::Line(rulings)) => {
                        @if let Some((i, text)) = code(listing).find(|(i, _)| rulings[*i].right) {
                            p { strong { "line " (i + 1) } ": " code { (text.trim()) } }
                        }
                    }
                    _ => {
                        @let told: Vec<String> =
                            figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
                        p { strong { (told.join(", ")) } }
                    },
                }
                p { (words(why)) }
            }
        }
    }
}

/// The button of one answer, with the ruling on it.
fn option(value: usize, ruling: &Ruling) -> Markup {
    html! {
        input type="radio" name="answer" value=(value) data-right=(ruling.right)
            data-says=(ruling.says.replace('`', ""));
    }
}

/// The lines of code that are shown, each with its number from 0.
fn code(listing: &Listing) -> impl Iterator<Item = (usize, &str)> {
    let lines = listing.text.lines().enumerate();
    lines.filter(|(i, line)| !listing.hidden[*i] && !line.trim().is_empty())
}

fn lines(listing: &Listing, rulings: &[Ruling]) -> Markup {
    html! {
        p { code { (listing.title) } }
        div.fd-lines { @for (i, text) in code(listing) {
            @let is_code = text.contains(char::is_alphanumeric);
            @let says = format!("line {}. {}", i + 1, rulings[i].says);
            @let ruling = Ruling { right: is_code && rulings[i].right, says };
            label data-line=(i + 1) { (option(i, &ruling)) " " span { (text) } }
        } }
    }
}

/// A bound of the right numbers. The page gives both to the browser, which says whether an answer is within.
fn bound(value: f64) -> String {
    format!("{value:.6}")
}
