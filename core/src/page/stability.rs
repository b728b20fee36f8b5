//! The stability report: how lanes were before faults were injected, while, and after.

use maud::{Markup, html};

use crate::prose::figures::{count, millis, number};
use crate::stability::{LaneStability, RECOVERS_S, Stability, Window};

/// The section of a page.
pub fn section(stability: &Stability) -> Markup {
    let (from_s, to_s) = stability.faults_s;
    html! {
        h2 { "Stability" }
        p {
            "Faults were injected from " (number(from_s)) " s to " (number(to_s)) " s: " code { (stability.faults.join(" ")) }
            ". What is expected of a lane is expected without them. A lane is steady where it answers \
             at least 98 % of the share that it answered as is meant before, with a p99 of at most twice the one before \
             and 50 ms more; it recovers where it is so again within " (number(RECOVERS_S)) " s."
        }
        div.scroll { table {
            thead { tr {
                th { "lane" } th { "requests hit" } th { "before" } th { "while" } th { "after" } th { "is as before after" } th { "exits" }
                th { "verdict" }
            } }
            tbody { @for lane in &stability.lanes {
                tr {
                    td { (lane.variant) }
                    td { (count(lane.hit)) }
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
    let mut text = format!(
        "  faults were injected from {} s to {} s: {}\n",
        number(from_s),
        number(to_s),
        stability.faults.join(" ")
    );
    let _ = writeln!(text, "  what is expected of a lane is expected without them");
    let head = ["lane", "hit", "before", "while", "after", "back after", "verdict"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(stability.lanes.iter().map(|lane| {
        let exits = match lane.exits {
            0 => String::new(),
            1 => ", 1 exit".to_owned(),
            exits => format!(", {exits} exits"),
        };
        [
            lane.variant.clone(),
            count(lane.hit),
            told(&lane.before),
            told(&lane.during),
            told(&lane.after),
            back(lane),
            lane.verdict.word().to_owned() + &exits,
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).filter_map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        let _ = writeln!(text, "  {}", cells.collect::<String>().trim_end());
    }
    text
}

fn told(window: &Window) -> String {
    let ok = window.ok_percent.map_or("no answer".to_owned(), |ok| format!("{} % ok", number(ok)));
    let refused = window.rejected_percent.filter(|refused| *refused >= 0.05);
    let refused =
        refused.map_or(String::new(), |refused| format!(", {} % refused", number(refused)));
    let p99 = window.p99_ms.map_or(String::new(), |p99| format!(", p99 {}", millis(p99)));
    ok + &refused + &p99
}

fn back(lane: &LaneStability) -> String {
    lane.recovers_after_s.map_or("–".to_owned(), |seconds| format!("{} s", number(seconds)))
}
