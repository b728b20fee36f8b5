//! Something that went wrong, in the middle of the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Paragraph, Wrap};

use super::parts::{boxed, columns};

/// Draws the message.
pub fn draw(frame: &mut Frame, area: Rect, text: &str) {
    let lines: usize = text.lines().map(|line| columns(line) / 68 + 1).sum();
    let inner = boxed(frame, area, (72, lines as u16 + 2), "firedrill");
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), inner);
}
