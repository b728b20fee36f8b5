//! The words of a walk's page that the glossary explains.

use firedrill_core::glossary;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::boxed;
use super::walk::page;
use crate::tui::model::Lab;
use crate::tui::theme;

/// Columns of the box.
const WIDTH: u16 = 84;

/// Draws the words.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab) {
    let Some(walk) = &lab.walk else { return };
    let text = page(lab, walk).join("\n");
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
