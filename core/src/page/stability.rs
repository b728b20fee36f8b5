//! The stability report: how lanes were before faults were injected, while, and after.

use maud::{Markup, html};

use crate::experiment::{LaneStability, RECOVERS_S, Stability, Window};
use crate::prose::figures::{millis, number};

/// The section of a page.
pub fn section(stability: &Stability) -> Markup {
    let (from_s, to_s) = stability.faults_s;
    html! {
        h2 { "Stability" }
        p {
            "Faults were injected from " (number(from_s)) " s to " (number(to_s)) " s. A lane is steady where it answers \
             at least 98 % of the share that it answered well before, with a p99 of at most twice the one before and \
             50 ms; it recovers where it is so again within " (number(RECOVERS_S)) " s."
        }
        div.scroll { table {
            thead { tr {
                th { "lane" } th { "before" } th { "while" } th { "after" } th { "is as before after" } th { "exits" }
                th { "verdict" }
            } }
            tbody { @for lane in &stability.lanes {
                tr {
                    td { (lane.variant) }
                    td { (told(&lane.before)) }
                    td { (told(&lane.during)) }
                    td { (told(&lane.after)) }
                    td { (back(lane)) }
                    td { (lane.exits) }
                    td { (lane.verdict.word()) }
                }
            } }
        } }
    }
}

/// The same as lines of text.
pub fn lines(stability: &Stability) -> String {
    use std::fmt::Write;
    let (from_s, to_s) = stability.faults_s;
    // Writing to a String cannot fail.
    let mut text =
        format!("  faults were injected from {} s to {} s\n", number(from_s), number(to_s));
    let _ = writeln!(
        text,
        "  {:<12}{:<24}{:<24}{:<24}{:<14}verdict",
        "lane", "before", "while", "after", "back after"
    );
    for lane in &stability.lanes {
        let exits = match lane.exits {
            0 => String::new(),
            1 => ", 1 exit".to_owned(),
            exits => format!(", {exits} exits"),
        };
        let _ = writeln!(
            text,
            "  {:<12}{:<24}{:<24}{:<24}{:<14}{}{exits}",
            lane.variant,
            told(&lane.before),
            told(&lane.during),
            told(&lane.after),
            back(lane),
            lane.verdict.word(),
        );
    }
    text
}

fn told(window: &Window) -> String {
    let ok = window.ok_percent.map_or("no answer".to_owned(), |ok| format!("{} % ok", number(ok)));
    let p99 = window.p99_ms.map_or(String::new(), |p99| format!(", p99 {}", millis(p99)));
    ok + &p99
}

fn back(lane: &LaneStability) -> String {
    lane.recovers_after_s.map_or("–".to_owned(), |seconds| format!("{} s", number(seconds)))
}
