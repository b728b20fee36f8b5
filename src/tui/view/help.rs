//! The keys of the screen, and what the marks on it mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::boxed;
use crate::tui::keys::screen_bindings;
use crate::tui::model::{Model, Screen};
use crate::tui::theme;

/// Draws the help.
pub fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let told = screen_bindings(model).filter(|binding| !binding.long.is_empty());
    let mut lines: Vec<Line> = told
        .map(|binding| {
            let key = Span::styled(format!(" {:>6}  ", binding.key), theme::accent());
            Line::from(vec![key, Span::raw(binding.long)])
        })
        .collect();
    if matches!(model.screen, Screen::Lab(_)) {
        lines.push(Line::from(Span::styled(
            "         marks: • theory · ┊ phase · ✖ no process · ─ cap, or median",
            theme::quiet(),
        )));
    }
    let height = lines.len() as u16 + 2;
    let inner = boxed(frame, area, (72, height), "keys");
    frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}
