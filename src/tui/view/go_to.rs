//! The time to go to, while it is typed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::parts::boxed;
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::figures::clock;

/// Draws the overlay.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, typed: &str) {
    let inner = boxed(frame, area, (44, 4), "go to a time");
    let past = &lab.session.track().history;
    let to = |ms: u64| clock(ms as f64 / 1000.0);
    let lines = vec![
        Line::from(vec![
            Span::raw(" minutes:seconds "),
            Span::styled(format!("{typed}▏"), theme::accent()),
        ]),
        Line::styled(
            format!(" from {} to {}", to(past.begins_ms()), to(past.ends_ms())),
            theme::quiet(),
        ),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
}
