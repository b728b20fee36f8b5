//! The strip that tells of the class: who and where everybody is, and the vote.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::parts::cut;
use crate::join::state::{Standing, VoteRow, VoteTable};
use crate::tui::room::Room;
use crate::tui::theme;

/// Rows of the strip.
pub const ROWS: u16 = 2;

/// Draws the strip.
pub fn draw(frame: &mut Frame, area: Rect, room: &Room) {
    let width = usize::from(area.width);
    let standing = room.state.as_ref().map(|state| &state.standing);
    let mut first = vec![Span::styled(" class", theme::accent())];
    match standing {
        Some(Standing { name, pace, hand, .. }) => {
            first.push(Span::styled(format!(" ▸ {name}"), theme::strong()));
            first.push(Span::raw(format!(" · {pace}")));
            if *hand {
                first.push(Span::styled(" · your hand is raised", theme::warn()));
            }
        }
        None => first.push(Span::raw(" ▸ connecting")),
    }
    let right = match room.losses {
        0 => "",
        _ if room.is_away() => "⚠ the class is away: go on alone, it takes you back ",
        _ => "⚠ connection lost, trying again ",
    };
    let rows = [Rect { height: 1, ..area }, Rect { y: area.y + 1, height: 1, ..area }];
    frame.render_widget(Paragraph::new(Line::from(first)), rows[0]);
    let right = Line::styled(right, theme::warn());
    frame.render_widget(Paragraph::new(right).alignment(Alignment::Right), rows[0]);
    let second = match (&room.refused, standing) {
        (Some(why), _) => Line::styled(cut(&format!(" ⚠ {why}"), width), theme::warn()),
        (None, Some(standing)) => Line::from(cut(&format!(" {}", told(room, standing)), width)),
        (None, None) => Line::default(),
    };
    frame.render_widget(Paragraph::new(second), rows[1]);
}

/// The state of the vote, or of the class.
fn told(room: &Room, standing: &Standing) -> String {
    if let Some(table) = &standing.votes {
        return votes(table);
    }
    let state = room.state.as_ref();
    if let Some(points) = &standing.points {
        return points.clone();
    }
    if let Some(shift) = state.and_then(|state| state.shift.as_ref()) {
        return format!(
            "Shift {}, level {}: the presenter's page shows everybody's points.",
            shift.number, shift.level
        );
    }
    if state.is_some_and(|state| state.incident.is_none()) {
        return "Waiting for the presenter to open an incident.".to_owned();
    }
    let own = standing.own.as_ref().map(|(called, answer)| format!("{called}: {answer}"));
    let told: Vec<String> = standing.vote.clone().into_iter().chain(own).collect();
    told.join(" ")
}

/// All votes in a line: `first→second votes · option 1: 3→5 · option 2: 4→2`.
fn votes(table: &VoteTable) -> String {
    let row = |row: &VoteRow| match table.second {
        Some(_) => format!("{}: {}→{}", row.answer, row.first, row.second),
        None => format!("{}: {}", row.answer, row.first),
    };
    let rows: Vec<String> = table.rows.iter().map(row).collect();
    let more =
        if table.others > 0 { format!(" · {} others", table.others) } else { String::new() };
    let called = if table.second.is_some() { "first→second votes" } else { "votes" };
    format!("{called} · {}{more}", rows.join(" · "))
}
