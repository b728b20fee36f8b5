//! The stability report: how lanes were before faults were injected, while, and after.

use maud::{Markup, html};

use crate::figures::{count, number};
use crate::stability::{RECOVERS_S, Stability};

/// The section of a page.
pub fn section(stability: &Stability) -> Markup {
    let (from_s, to_s) = stability.faults_s;
    html! {
        h2 { "Stability" }
        p {
            "Faults were injected from " (number(from_s)) " s to " (number(to_s)) " s: " code { (stability.faults.join(" ")) }
            ". EventKind is expected of a lane is expected without them. A lane is steady where it answers \
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
                    td { (lane.before) }
                    td { (lane.during) }
                    td { (lane.after) }
                    td { (lane.back()) }
                    td { (lane.exits) }
                    td { (lane.verdict.word()) }
                }
            } }
        } }
    }
}
