//! The words of a walk's page that the glossary explains.

use firedrill_core::glossary;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::parts::boxed;
use super::scene::Scene;
use crate::tui::theme;

/// Columns of the box.
const WIDTH: u16 = 84;

/// Draws the words.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene) {
    let Some(page) = &lab.view.page else { return };
    let text = page.texts().join("\n");
    let mut lines = Vec::new();
    for (_, term) in glossary::marked(&text) {
        lines.push(Line::styled(format!(" {}", term.name), theme::accent()));
        lines.push(Line::raw(format!(" {}", term.says)));
    }
    if lines.is_empty() {
        lines.push(Line::raw(" no word of this page is in the glossary"));
    }
    let room = usize::from(WIDTH.min(area.width).saturating_sub(3));
    let rows: usize = lines.iter().map(|line| line.width() / room + 1).sum();
    let inner = boxed(frame, area, (WIDTH, rows as u16 + 2), "words of this page");
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}
