//! The keys of the screen, and what the marks on it mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::parts::{boxed, wrapped};
use crate::tui::keys::screen_bindings;
use crate::tui::layout::{Layout, Scroll};
use crate::tui::model::{Model, Screen};
use crate::tui::theme;

/// Rows of the frame.
const FRAME: u16 = 2;

/// Columns of the box at most.
const WIDEST: u16 = 110;

/// Columns of a key.
const KEY: usize = 9;

/// Draws the help, from a line on.
pub fn draw(frame: &mut Frame, area: Rect, model: &Model, down: usize, layout: &mut Layout) {
    let width = area.width.saturating_sub(4).min(WIDEST);
    let lines = lines(model, usize::from(width - FRAME));
    let all = lines.len();
    let room = usize::from(area.height.saturating_sub(FRAME));
    let furthest = all.saturating_sub(room);
    layout.scroll = Some(Scroll { at: down, furthest });
    let title = match furthest {
        0 => "keys".to_owned(),
        more if down < more => format!("keys · ↓ {} more", more - down),
        _ => "keys · ↑ back".to_owned(),
    };
    let inner = boxed(frame, area, (width, all as u16 + FRAME), &title);
    let shown: Vec<Line> = lines.into_iter().skip(down).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), inner);
}

/// The lines of the help; long ones wrap.
fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let told = screen_bindings(model).filter(|binding| !binding.long.is_empty());
    let mut lines: Vec<Line<'static>> = told
        .flat_map(|binding| {
            let rows = wrapped(binding.long, width.saturating_sub(KEY)).into_iter().enumerate();
            rows.map(|(row, text)| {
                let key = if row == 0 { binding.key } else { "" };
                let key = Span::styled(format!(" {key:>6}  "), theme::accent());
                Line::from(vec![key, Span::raw(text)])
            })
        })
        .collect();
    if matches!(model.screen, Screen::Lab(_)) {
        let marks = "marks: ╌ theory · ┊ phase · ✖ no process · ? no answer yet · ─ cap, or median";
        let rows = wrapped(marks, width.saturating_sub(2)).into_iter();
        lines.extend(rows.map(|row| Line::styled(format!("  {row}"), theme::quiet())));
    }
    lines
}
