//! The board of an on-call shift that a class takes.

use firedrill_core::figures::number;
use firedrill_core::session::shift::state::ShiftState;
use maud::{Markup, html};

use super::room::Room;
use super::room_shift::RoomShift;
use crate::join::message::LearnerId;

/// Rows of the board that a learner sees beside the own one: it is sent to all of a large class.
const BEST: usize = 10;

/// The board of a shift: results first, the best of them at the top. A learner sees the best ones and the own row.
pub fn board(room: &Room, shift: &RoomShift, learner: Option<LearnerId>) -> Markup {
    let mut rows: Vec<(LearnerId, &str, Option<&ShiftState>)> = room
        .learners
        .iter()
        .map(|(id, learner)| (*id, learner.name.as_str(), shift.board.get(id)))
        .collect();
    let points = |report: Option<&ShiftState>| {
        report.and_then(|report| report.result.as_ref()).map_or(-1.0, |result| result.points)
    };
    rows.sort_by(|(.., one), (.., other)| points(*other).total_cmp(&points(*one)));
    let done = rows.iter().filter(|(.., report)| points(*report) >= 0.0).count();
    let all = rows.len();
    if learner.is_some() {
        let mut place = 0;
        rows.retain(|(id, ..)| {
            place += 1;
            place <= BEST || Some(*id) == learner
        });
    }
    let time =
        |time_s: Option<f64>| time_s.map_or("–".to_owned(), |s| format!("{} s", number(s)));
    html! {
        p role="status" { strong { (done) } " of " (all) " have a result." }
        div.fd-wide { table.fd-board {
            thead { tr { @for name in ["name", "points", "mitigated", "cause named"] { th { (name) } } } }
            tbody { @for (_, name, report) in rows { tr {
                td { (name) }
                @match report {
                    Some(ShiftState { result: Some(result), .. }) => {
                        td { strong { (number(result.points)) } }
                        td { (time(result.mitigated_s)) } td { (time(result.named_s)) }
                    },
                    Some(ShiftState { is_over: true, .. }) => td colspan="3" { "declared over" },
                    Some(ShiftState { is_paged: true, .. }) => td colspan="3" { "on call" },
                    _ => td colspan="3" { "nothing reported yet" },
                }
            } } }
        } }
        p.fd-quiet { "Times are simulated seconds since the alert." }
    }
}
