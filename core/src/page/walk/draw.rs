//! The state of a walk as HTML: the lanes, and the page with its question.

use maud::{Markup, html};
use serde_json::json;

use super::{Kept, WalkPage};
use crate::figures::{clock, count, number};
use crate::page::Drawn;
use crate::page::chart::NARROW;
use crate::page::lanes::Shown;
use crate::page::tile::tile;
use crate::page::words::words;
use crate::prose::{capital, letter};
use crate::session::walk::page::{AnswerForm, Asking, Content, Outcome, Page, StepPage, Summary};
use crate::session::walk::{Answer, Listing, Stage, WalkInput, numbers};

/// Seconds to which the time axis of a walk is rounded up.
const AXIS_S: f64 = 10.0;

/// The present content.
pub(super) fn drawn(walk: &WalkPage) -> Drawn {
    let session = &walk.session;
    let page = session.page();
    let progress = page.as_ref().map(|page| format!("page {} of {}", page.number, page.of));
    let kept = Kept { inputs: &walk.inputs, progress: walk.progress };
    Drawn {
        title: session.title().to_owned(),
        progress: progress.unwrap_or_default(),
        lanes: lanes(walk, page.as_ref()).into_string(),
        page: page.map(|page| page_of(walk, &page).into_string()).unwrap_or_default(),
        running: walk.is_running(),
        kept: serde_json::to_string(&kept).unwrap_or_default(),
    }
}

/// The lanes: the time, the figures of each, and the charts that may be shown.
fn lanes(walk: &WalkPage, page: Option<&Page>) -> Markup {
    let session = &walk.session;
    let Some(step) = page.and_then(Page::step) else { return html! {} };
    let (manifest, shown) = (session.case.manifest(), session.shown());
    let disclosure = session.disclosure();
    let name = |lane| format!("{} · {}", letter(lane), session.name(lane));
    let names: Vec<String> = (0..shown.lanes.len()).map(name).collect();
    let told = walk.told();
    let end_s = ((shown.now_s / AXIS_S).floor() + 1.0) * AXIS_S;
    let theory = disclosure.theory;
    let drawn = Shown { end_s, theory, width: NARROW, ..Shown::whole(manifest, told, &names) };
    let known = manifest.charts.iter().zip(&disclosure.charts).filter(|(_, shown)| **shown);
    let is_watched =
        |title: &String| step.watch.is_empty() || step.watch.iter().any(|watched| watched == title);
    let (watched, others): (Vec<_>, Vec<_>) =
        known.map(|(chart, _)| chart).partition(|chart| is_watched(&chart.title()));
    let time = match step.stage {
        _ if step.is_starting => "the servers are starting".to_owned(),
        Stage::Running => format!("▶ {}× {}", number(walk.times), clock(shown.now_s)),
        Stage::Prompt | Stage::Revealed => format!("‖ paused at {}", clock(shown.now_s)),
    };
    html! {
        p.fd-time {
            (time) " · simulated time · " (number(shown.rate_per_s())) " requests a second to each lane"
        }
        div.fd-tiles {
            @for (lane, name) in shown.lanes.iter().zip(&names) {
                section.fd-tile { h3 { (name) } (tile(session, lane)) }
            }
        }
        div.fd-charts { @for chart in watched { (drawn.chart(chart)) } }
        @if !others.is_empty() {
            details.fd-more { summary { "more charts" } div.fd-charts { @for chart in others { (drawn.chart(chart)) } } }
        }
    }
}

/// A page of the walk.
fn page_of(walk: &WalkPage, page: &Page) -> Markup {
    html! {
        h2 tabindex="-1" data-focus=(page.number) { (page.title) }
        @match &page.content {
            Content::WalkStep(step) => (step_of(step, walk)),
            Content::Summary(summary) => (summary_of(summary)),
        }
        @if let Some(note) = &page.note { p.fd-remark role="status" { (note) } }
        nav.fd-buttons { (buttons(walk, page)) }
    }
}

fn step_of(step: &StepPage, walk: &WalkPage) -> Markup {
    let with_notes = walk.place.is_none_or(|place| place.leads);
    // Where the presenter turns the pages, a learner has no key to press.
    let has_keys = walk.place.is_none_or(|place| place.at.is_none());
    html! {
        p { (words(&step.says)) @if has_keys && !step.pace.is_empty() { " " (words(&step.pace)) } }
        @if let Some(asking) = &step.question {
            @if step.stage == Stage::Prompt { (form(asking)) } @else { (answered(asking, step.result.as_ref())) }
        }
        @if let Some(result) = &step.result { (outcome(result, step.question.as_ref())) }
        @if with_notes && !step.presenter.is_empty() {
            details.fd-presenter { summary { "note for a presenter" } p { (step.presenter) } }
        }
    }
}

/// A question that is open.
fn form(asking: &Asking) -> Markup {
    let kind = match asking.form {
        AnswerForm::Choice(_) => "Choice",
        AnswerForm::Number { .. } => "Number",
        AnswerForm::Line(_) => "Line",
    };
    // The page puts the answer in the place of the question mark.
    let answer = json!({ "Input": { "Answer": { kind: "?" } } }).to_string();
    html! {
        form.fd-question id="fd-form" data-answer=(answer) {
            fieldset {
                legend { (words(&asking.prompt)) }
                @match &asking.form {
                    AnswerForm::Choice(choices) => @for (i, text) in choices.iter().enumerate() {
                        label { input type="radio" name="answer" required value=(i) data-key=(i + 1); " " b { (i + 1) } " " (words(text)) }
                    },
                    AnswerForm::Number { unit, tolerance } => label {
                        input type="number" name="answer" required step="any" inputmode="decimal" aria-label=(asking.prompt);
                        " " (unit) " (" (tolerance) ")"
                    },
                    AnswerForm::Line(listing) => (lines(listing)),
                }
            }
            @if let Some((at, of, hint)) = &asking.hint {
                p.fd-hint role="status" { "hint " (at) " of " (of) ": " (words(hint)) }
            }
        }
    }
}

/// The lines of code that are shown, each with its number from 0.
fn code(listing: &Listing) -> impl Iterator<Item = (usize, &str)> {
    listing.text.lines().enumerate().filter(|(i, _)| !listing.hidden[*i])
}

/// Code in which a line is chosen. Its numbers count the lines that are shown: those of the file would have gaps.
fn lines(listing: &Listing) -> Markup {
    let numbers = numbers(&listing.hidden);
    html! {
        p { code { (listing.title) } }
        div.fd-lines { @for (i, text) in code(listing) {
            @if text.trim().is_empty() { br; } @else {
                label { input type="radio" name="answer" required value=(i); " " span { (format!("{:>3} {text}", numbers[i])) } }
            }
        } }
    }
}

/// A question that was answered or skipped.
fn answered(asking: &Asking, result: Option<&Outcome>) -> Markup {
    html! {
        p { strong { (words(&asking.prompt)) } }
        @match &asking.form {
            AnswerForm::Choice(choices) => ol.fd-options { @for (i, text) in choices.iter().enumerate() {
                @let chosen = asking.answer == Some(Answer::Choice(i));
                @let right = result.map(|result| result.right_option == Some(i));
                li aria-current=[chosen.then_some("true")] {
                    (words(text)) @if right == Some(true) || chosen { (mark(right)) }
                    @if let Some(result) = result.filter(|_| chosen || asking.answer.is_none() && right == Some(true)) {
                        p { (words(&result.says)) }
                    }
                }
            } },
            AnswerForm::Number { unit, .. } => @if let (Some(Answer::Number(number)), None) = (asking.answer, result) {
                p { "your answer: " (number) " " (unit) }
            },
            AnswerForm::Line(listing) => (listing_of(listing, asking.answer)),
        }
    }
}

/// Code with the tasks that wait at each line, once the answer is known.
fn listing_of(listing: &Listing, answer: Option<Answer>) -> Markup {
    let pointed = match answer {
        Some(Answer::Line(line)) => Some(line),
        _ => None,
    };
    html! {
        p { code { (listing.title) } }
        @if !listing.is_open {
            p.fd-quiet { "Now with its comments, and the line numbers of the file. " code { ".parked(…)" } " labels a wait for the charts; it changes nothing." }
        }
        pre.fd-code tabindex="0" { code { @for (i, text) in code(listing) {
            @let class = if listing.answer == Some(i) { "fd-waits" } else if pointed == Some(i) { "fd-pointed" } else { "" };
            @if listing.is_open { span class=(class) { (text) "\n" } } @else {
                @let waiting = match listing.waiting[i] { 0 => String::new(), n => format!("{}▶", count(n)) };
                span class=(class) { (format!("{waiting:>7} {:>4} {text}\n", i + 1)) }
            }
        } } }
    }
}

fn mark(right: Option<bool>) -> Markup {
    html! { @match right {
        Some(true) => { " " span.fd-good { "✔ right" } }
        Some(false) => { " " span.fd-bad { "✖ wrong" } }
        None => {}
    } }
}

fn outcome(result: &Outcome, asking: Option<&Asking>) -> Markup {
    let is_choice = asking.is_some_and(|asking| matches!(asking.form, AnswerForm::Choice(_)));
    html! {
        div.fd-result tabindex="-1" data-focus="result" {
            @if !result.figures.is_empty() { p {
                @for (name, value) in &result.figures { span.fd-quiet { (name) } " " strong { (value) } "  " }
                @if !is_choice { (mark(asking.and_then(|asking| asking.right))) }
            } }
            @if !is_choice && !result.says.is_empty() { p { (words(&result.says)) } }
            @if !result.why.is_empty() { p { (words(&result.why)) } }
        }
    }
}

/// The last page.
fn summary_of(summary: &Summary) -> Markup {
    html! {
        dl { @for (name, text) in &summary.parts { dt { (capital(name)) } dd { (words(text)) } } }
        @for (name, (code, says)) in [("In Go", &summary.go), ("In Rust", &summary.rust)] {
            h3 { (name) } pre.fd-code tabindex="0" { code { (code) } } p { (words(says)) }
        }
    }
}

/// The ways to go on from a page, each with its key: those that a class leaves open.
fn buttons(walk: &WalkPage, page: &Page) -> Markup {
    let step = page.step();
    let stage = step.map_or(Stage::Revealed, |step| step.stage);
    let asks = step.is_some_and(|step| step.question.is_some()) && stage == Stage::Prompt;
    let input = |name: &str| json!({ "Input": name }).to_string();
    let goes_on = step.is_some_and(|step| step.goes_on) && stage == Stage::Prompt;
    let is_held = walk.place.is_some_and(|place| place.at.is_some());
    let votes = walk.place.is_some_and(|place| place.votes);
    html! {
        @if stage == Stage::Running {
            button type="button" data-ask="\"Faster\"" data-key="s" { "go to the result" kbd { "s" } }
        } @else if asks {
            @if votes {
                button type="submit" form="fd-form" data-key="Enter" { "vote" kbd { "enter" } }
            } @else if !is_held {
                button type="submit" form="fd-form" data-key="Enter" { "commit" kbd { "enter" } }
            }
            button type="button" data-ask=(input("Hint")) data-key="h" { "hint" kbd { "h" } }
            @if walk.may(WalkInput::Skip) {
                button type="button" data-ask=(input("Skip")) data-key="s" { "skip" kbd { "s" } }
            }
        } @else if (page.number < page.of || goes_on) && walk.may(WalkInput::Next) {
            button type="button" data-ask=(input("Next")) data-key="Enter" {
                @if goes_on { "let time pass" } @else { "next page" } kbd { "enter" }
            }
        } @else if walk.place.is_some_and(|place| place.at.is_none()) && page.number < page.of {
            span.fd-quiet { "The presenter goes on from here." }
        }
        @if page.number > 1 && stage != Stage::Running && walk.may(WalkInput::Back) {
            button type="button" data-ask=(input("Back")) data-key="ArrowLeft" { "back" kbd { "←" } }
        }
    }
}
