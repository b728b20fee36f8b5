//! The state of a shift as HTML: the charts of the service, the menu, and the facts so far.

use maud::{Markup, html};
use serde_json::json;

use super::local::LocalComparison;
use super::{Kept, Played, ShiftPage, debrief};
use crate::figures::{clock, number};
use crate::incident::show::{Chart, Shows};
use crate::page::Drawn;
use crate::page::chart::NARROW;
use crate::page::lanes::Shown;
use crate::page::words::words;
use crate::session::lane_words;
use crate::session::shift::ShiftStage;
use crate::session::shift::desk::Desk;
use crate::session::shift::fact::{Fact, FactKind, ParameterRow};
use crate::session::shift::menu::{Choice, Menu, MenuRow, rows};
use crate::session::shift::scenario::LEVELS;
use crate::session::shift::score::HINT;

/// Seconds to which the time axis is rounded up.
const AXIS_S: f64 = 30.0;

/// The charts: the same for every incident.
const CHARTS: [Shows; 4] = [Shows::Outcomes, Shows::Latency, Shows::Tasks, Shows::Memory];

/// The keys of the rows of a menu. `h` is a hint, and `s` lets time pass.
const KEYS: &str = "123456789abcdefgijklmnopqrtuvwxyz";

/// The present content.
pub(super) fn drawn(page: &ShiftPage) -> Drawn {
    let played = page.played.as_ref();
    let level = played.map(|played| played.local.shift().scenario.level);
    let kept = Kept {
        level,
        inputs: played.map_or(&[], |played| &played.inputs),
        on_call: played.map(Played::state),
    };
    let content = match played {
        None => beginning(page),
        Some(played) => match &played.debrief {
            Some(ended) => debrief::of(page, played, ended),
            None => desk(played),
        },
    };
    Drawn {
        title: "On call".to_owned(),
        progress: played.map_or(String::new(), progress),
        lanes: played.map_or(String::new(), |played| lanes(played).into_string()),
        page: content.into_string(),
        running: page.is_running(),
        kept: serde_json::to_string(&kept).unwrap_or_default(),
    }
}

/// The state in one line, above everything else.
fn progress(played: &Played) -> String {
    let shift = played.local.shift();
    let mut parts = vec![format!("level {}", shift.scenario.level), clock(shift.desk().now_s)];
    if let Some(lane) = played.local.session.lanes().first() {
        let outcomes = lane_words::outcomes(lane, false);
        parts.extend(
            outcomes.iter().map(|(name, rate, _)| format!("{name} {}/s", number(rate.round()))),
        );
    }
    parts.join(" · ")
}

/// The page before the shift begins.
fn beginning(page: &ShiftPage) -> Markup {
    let says = |level: u8| match level {
        1 => "one release, and an outage or a false alarm",
        2 => "another change beside it, which is harmless",
        _ => "two faults at once",
    };
    html! {
        h2 tabindex="-1" data-focus="beginning" { "You are on call" }
        p {
            "A service runs in this page. At some moment something will be reported, and it may be a real outage or "
            "nothing. Look at the service, act on it, name the cause, and declare the outage over. You do not know "
            "which of " (page.of.len()) " incidents it is."
        }
        p {
            "Time is simulated: it passes only while you look, act or wait, so think as long as you like. Looks and "
            "actions cost seconds, and requests fail meanwhile. In the end you see what was wrong, your score, and "
            "what an expert would have done."
        }
        p { "How difficult should it be?" }
        div.fd-menu { @for level in LEVELS {
            button type="button" data-ask=(json!({ "Begin": level })) data-key=(level) {
                kbd { (level) } " level " (level) ": " (says(level))
            }
        } }
    }
}

/// The time, the state of the service, and its charts.
fn lanes(played: &Played) -> Markup {
    let session = &played.local.session;
    let shift = played.local.shift();
    let Some(desk) = session.desk() else { return html! {} };
    let at_s = |at_ms: u64| at_ms as f64 / 1000.0;
    let paged = shift.paged_ms.map(|at_ms| (at_s(at_ms), "page".to_owned()));
    let acted = shift.acted.iter().map(|(at_ms, task)| (at_s(*at_ms), shift.text(task)));
    let marks: Vec<(f64, String)> = paged.into_iter().chain(acted).collect();
    let names = ["service".to_owned()];
    let end_s = ((desk.now_s / AXIS_S).floor() + 1.0) * AXIS_S;
    let drawn = Shown {
        end_s,
        theory: false,
        width: NARROW,
        marks: Some(&marks),
        ..Shown::whole(session.case.manifest(), &played.told, &names)
    };
    html! {
        p.fd-time {
            (clock(desk.now_s)) " · simulated time"
            @if let Some(paged_s) = desk.paged_s.filter(|_| desk.stage == ShiftStage::Paged) { " · paged " (number(paged_s.round())) " s ago" }
            " · error budget of the hour: " (number(desk.budget_spent_percent)) " % spent"
            @if desk.shed_percent > 0.0 { " · " (number(desk.shed_percent)) " % shed" }
            @if let Some((task, left_s)) = &desk.task { " · " (shift.text(task)) ": " (number(left_s.ceil())) " s" }
        }
        div.fd-charts { @for shows in CHARTS {
            (drawn.chart(&Chart { shows, title: None, capacity: None }))
        } }
    }
}

/// The menu, and the facts so far.
fn desk(played: &Played) -> Markup {
    let session = &played.local.session;
    let shift = played.local.shift();
    let Some(desk) = session.desk() else { return html! {} };
    let waits_for = match desk.stage {
        ShiftStage::Quiet => Some("Nothing has been reported yet.".to_owned()),
        ShiftStage::Watched => Some(
            "Declared over. The service is watched as you left it, under more load, and without anything shed."
                .to_owned(),
        ),
        ShiftStage::Ended => Some(compares(played)),
        ShiftStage::Paged => {
            desk.task.as_ref().map(|(task, _)| format!("Under way: {}.", shift.text(task)))
        }
    };
    html! {
        @if let Some((at_s, text)) = alert(desk.facts) { p.fd-remark.fd-alert { (clock(at_s)) " " (words(text)) } }
        @match waits_for {
            Some(text) => {
                h2 tabindex="-1" data-focus=(format!("waits {}", desk.facts.len())) { "On call" }
                p role="status" { (text) }
                nav.fd-buttons {
                    button type="button" data-ask="\"Faster\"" data-key="s" { "go on at once" kbd { "s" } }
                }
            },
            None => (menu(played, &desk)),
        }
        (facts(&desk.facts[usize::from(alert(desk.facts).is_some())..]))
    }
}

/// The time and text of the page that began the shift, which is the first fact.
fn alert(facts: &[Fact]) -> Option<(f64, &str)> {
    let first = facts.first()?;
    match &first.kind {
        FactKind::Page { text } => Some((first.at_s, text)),
        _ => None,
    }
}

/// The computation after the end, in words.
fn compares(played: &Played) -> String {
    let (made, of) = played.comparison.as_ref().map_or((0, 0), LocalComparison::progress);
    let so_far =
        if of > 0 { format!(" Run {} of {of}.", (made + 1).min(of)) } else { String::new() };
    format!(
        "The shift is over. Computing what happens if nobody acts, what an expert would have done, and how the service \
         as you left it does under other seeds.{so_far}"
    )
}

/// The menu that is open.
fn menu(played: &Played, desk: &Desk) -> Markup {
    let session = &played.local.session;
    let Menu::Value(name) = &played.menu else {
        let rows = rows(session, &played.menu, "");
        let key = format!("{:?} {}", played.menu, desk.facts.len());
        return html! {
            h2 tabindex="-1" data-focus=(key) { (crate::prose::capital(played.menu.title())) }
            (refusal(desk))
            div.fd-menu.fd-code[played.menu == Menu::Lines].fd-causes[played.menu == Menu::Causes] { @for (i, row) in rows.iter().enumerate() { (button(i, row)) } }
            nav.fd-buttons { (back(&played.menu)) (hint()) }
        };
    };
    html! {
        h2 tabindex="-1" data-focus=(name) { "New value of " code { (name) } }
        (refusal(desk))
        form.fd-question id="fd-form" data-answer=(json!({ "Value": "?" })) {
            @if let Some(row) = parameter(desk.facts, name) {
                label {
                    "value " input type="number" name="answer" required step="any" inputmode="decimal" min=(row.min) max=(row.max);
                    " " (row.unit) " (now " (number(row.value)) "; allowed: " (number(row.min)) " to " (number(row.max)) ")"
                }
            }
        }
        nav.fd-buttons {
            button type="submit" form="fd-form" data-key="Enter" { "set it" kbd { "enter" } }
            (back(&played.menu))
        }
    }
}

/// A parameter, as it was when the configuration was looked at.
fn parameter<'a>(facts: &'a [Fact], name: &str) -> Option<&'a ParameterRow> {
    facts.iter().rev().find_map(|fact| match &fact.kind {
        FactKind::Configuration { parameters } => parameters.iter().find(|row| row.name == name),
        _ => None,
    })
}

fn refusal(desk: &Desk) -> Markup {
    html! { @if let Some(why) = desk.refused { p.fd-remark role="status" { "That had no effect: " (why) "." } } }
}

fn button(index: usize, row: &MenuRow) -> Markup {
    let asks = match &row.choice {
        Choice::Input(input) => json!({ "Input": input }),
        Choice::Open(menu) => json!({ "Open": menu }),
        Choice::Nothing => return html! { p.fd-quiet { (row.text) } },
    };
    let key = KEYS.chars().nth(index);
    html! {
        button type="button" data-ask=(asks) data-key=[key] {
            @if let Some(key) = key { kbd { (key) } " " }
            span { (row.text) }
            @if let Some(cost_s) = row.cost_s { span.fd-quiet { (cost_s) " s" } }
        }
    }
}

fn back(menu: &Menu) -> Markup {
    html! { @if let Some(parent) = menu.parent() {
        button type="button" data-ask=(json!({ "Open": parent })) data-key="ArrowLeft" { "back" kbd { "←" } }
    } }
}

fn hint() -> Markup {
    html! {
        button type="button" data-ask=(json!({ "Input": "Hint" })) data-key="h" { "hint (costs " (number(HINT)) " points)" kbd { "h" } }
    }
}

/// The facts so far, the newest first.
fn facts(facts: &[Fact]) -> Markup {
    html! {
        div.fd-facts { @for fact in facts.iter().rev() {
            section {
                h3 { (clock(fact.at_s)) " " (fact.kind.title()) }
                // Its lines are a menu.
                @if !matches!(fact.kind, FactKind::Code { .. }) {
                    @match &fact.kind {
                        FactKind::Page { text } => p.fd-bad { (words(text)) },
                        FactKind::Hint { text } => p { (words(text)) },
                        kind => (listed(&kind.lines())),
                    }
                }
            }
        } }
    }
}

fn listed(lines: &[String]) -> Markup {
    html! { @if !lines.is_empty() { pre tabindex="0" { @for line in lines { (line) "\n" } } } }
}
