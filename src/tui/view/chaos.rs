//! Injected faults, to switch on and off in all lanes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::parts::boxed;
use super::scene::Scene;
use crate::tui::chaos::{FAULTS, is_on};
use crate::tui::theme;
use firedrill_core::figures::count;

/// Draws the panel.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, cursor: usize) {
    let mut lines = Vec::new();
    for (i, (says, _)) in FAULTS.iter().enumerate() {
        let on = is_on(&lab.session, i);
        let line = format!(" [{}] {says}", if on { 'x' } else { ' ' });
        lines.push(match (i == cursor, on) {
            (true, _) => Line::styled(format!("{line:<60}"), theme::cursor()),
            (false, true) => Line::styled(line, theme::bad()),
            (false, false) => Line::raw(line),
        });
    }
    lines.push(Line::raw(""));
    for lane in &lab.session.track().head.lanes {
        let injected = |name| count(lane.metric(name).unwrap_or_default() as u64);
        lines.push(Line::raw(format!(
            " {:<12} delayed {}   failed {}   untouched {}",
            lane.variant,
            injected("chaos_delayed"),
            injected("chaos_failed"),
            injected("chaos_spared")
        )));
    }
    lines.push(Line::styled(
        " Applied to all lanes. A recording (S) reports how stable each lane was.",
        theme::quiet(),
    ));
    let inner = boxed(frame, area, (80, lines.len() as u16 + 2), "chaos: injected faults");
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}
