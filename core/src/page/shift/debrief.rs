//! The end of a shift as HTML.

use maud::{Markup, html};

use super::{Ended, Played, ShiftPage};
use crate::figures::{clock, number};
use crate::page::words::words;
use crate::session::shift::debrief::{CauseFound, DAMAGE_SAYS, Debrief};

/// Columns of a chart of one row.
const COLUMNS: usize = 24;

/// The debrief.
pub(super) fn of(page: &ShiftPage, played: &Played, ended: &Ended) -> Markup {
    let Ended { debrief, draft } = ended;
    let scenario = &played.local.shift().scenario;
    html! {
        h2 tabindex="-1" data-focus="debrief" {
            (number(debrief.score.points)) " of 100 points. Cause: " (debrief.cause())
        }
        @for cause in &debrief.causes { (cause_of(cause)) }
        (score(debrief))
        (damage(debrief))
        h3 { "Changes" }
        ul { @for change in &debrief.changes { li { (change) } } }
        h3 { "What you did" }
        (steps(&debrief.timeline))
        @if !debrief.expert.is_empty() {
            h3 { "What an expert would have done" }
            p.fd-quiet { "The shortest way that the actions allow, computed in simulated time for somebody who knows the cause." }
            (steps(&debrief.expert))
            p.fd-quiet { "Ways that were tried for it, with their damage:" }
            ul { @for (way, says) in debrief.ways_compared() { li { (way) ": " (says) } } }
        }
        h3 { "For others" }
        p { "Your result, without the cause:" }
        pre tabindex="0" { (debrief.line(&format!("seed {}", scenario.seed))) }
        p.fd-leave {
            "The same shift for a colleague: "
            a href=(format!("#{}-{}", scenario.level, scenario.seed)) { "seed " (scenario.seed) ", level " (scenario.level) }
            "."
        }
        details.fd-leave { summary { "the same shift in a terminal" } pre tabindex="0" {
            "firedrill drill --clock virtual --level " (scenario.level) " --seed " (scenario.seed) " --of " (page.of.join(","))
        } }
        details { summary { "draft of a post-mortem, in Markdown" } pre tabindex="0" { (draft) } }
    }
}

fn cause_of(cause: &CauseFound) -> Markup {
    html! {
        div.fd-result {
            p { strong { (cause.title) } @if cause.is_named { " " span.fd-good { "✔ you named it" } } }
            p { (words(&cause.why)) }
            p { strong { "Fix: " } (words(&cause.fix)) }
            p { code { (cause.file) ":" (cause.line) } ", line " (cause.shown_line) " of the code as it is shown in a shift" }
            pre.fd-code tabindex="0" { code { (cause.code) } }
            p.fd-leave { a href=(format!("../walk/{}.html", cause.id)) { "Its walk" } }
        }
    }
}

fn score(debrief: &Debrief) -> Markup {
    html! {
        h3 { "Score" }
        table.fd-score { tbody { @for part in &debrief.score.parts { tr {
            th { (part.name) }
            td.number { (number(part.points.round())) " of " (number(part.of)) }
            td { (part.why) }
        } } } }
    }
}

fn damage(debrief: &Debrief) -> Markup {
    html! {
        h3 { "Damage over time" }
        p.fd-quiet { (DAMAGE_SAYS) "." }
        div.fd-wide { table.fd-score { tbody { @for (name, bars) in debrief.damage_charts(COLUMNS) { tr {
            th { (name) } td { code { (bars) } }
        } } } } }
    }
}

fn steps(steps: &[(f64, String)]) -> Markup {
    html! {
        table.fd-score { tbody { @for (at_s, text) in steps { tr { td.number { (clock(*at_s)) } td { (text) } } } } }
    }
}
