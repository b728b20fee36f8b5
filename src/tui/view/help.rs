//! The keys of the screen, and what the marks on it mean.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::parts::boxed;
use crate::tui::keys::screen_bindings;
use crate::tui::layout::{Layout, Scroll};
use crate::tui::model::{Model, Screen};
use crate::tui::theme;

/// Rows of the frame.
const FRAME: u16 = 2;

/// Draws the help, from a line on.
pub fn draw(frame: &mut Frame, area: Rect, model: &Model, down: usize, layout: &mut Layout) {
    let lines = lines(model);
    let all = lines.len();
    let room = usize::from(area.height.saturating_sub(FRAME));
    let furthest = all.saturating_sub(room);
    layout.scroll = Some(Scroll { at: down, furthest });
    let title = match furthest {
        0 => "keys".to_owned(),
        more if down < more => format!("keys · ↓ {} more", more - down),
        _ => "keys · ↑ back".to_owned(),
    };
    let inner = boxed(frame, area, (72, all as u16 + FRAME), &title);
    let shown: Vec<Line> = lines.into_iter().skip(down).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), inner);
}

fn lines(model: &Model) -> Vec<Line<'static>> {
    let told = screen_bindings(model).filter(|binding| !binding.long.is_empty());
    let mut lines: Vec<Line<'static>> = told
        .map(|binding| {
            let key = Span::styled(format!(" {:>6}  ", binding.key), theme::accent());
            Line::from(vec![key, Span::raw(binding.long)])
        })
        .collect();
    if matches!(model.screen, Screen::Lab(_)) {
        lines.push(Line::from(Span::styled(
            "  marks: ╌ theory · ┊ phase · ✖ no process · ? no answer yet · ─ cap, or median",
            theme::quiet(),
        )));
    }
    lines
}
