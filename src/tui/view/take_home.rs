//! The last page of a walk: what to take home.

use firedrill_core::session::walk::page::{Page, Summary};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout as Split, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Paragraph};

use super::code;
use super::parts::{cut, wrapped};
use super::scene::Scene;
use super::walk::WIDEST;
use crate::tui::layout::{Layout, Scroll};
use crate::tui::theme;

/// Columns that the names of the parts take.
const PART: usize = 16;

/// From this width on, Go and Rust stand side by side.
const WIDE: u16 = 110;

/// Columns that the code beside the text takes at least.
const CODE: u16 = 64;

/// Draws the page: on a wide terminal with the code of both variants beside it.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    (page, summary): (&Page, &Summary),
    lab: &Scene,
    layout: &mut Layout,
) {
    let screen = &lab.page;
    let title = format!(" {} of {} · {} ", page.number, page.of, page.title);
    let mut block =
        Block::bordered().border_style(theme::accent()).title(Span::styled(title, theme::strong()));
    let all = block.inner(area);
    let text = WIDEST + PART as u16 + 1;
    let [inner, beside] = if all.width >= text + CODE {
        Split::horizontal([Constraint::Length(text), Constraint::Min(0)]).areas(all)
    } else {
        [all, Rect::default()]
    };
    let lines = lines(summary, inner.width);
    let more = lines.len().saturating_sub(usize::from(inner.height));
    let down = screen.down.unwrap_or(0).min(more);
    layout.scroll = Some(Scroll { at: down, furthest: more });
    if more > 0 {
        let says = if down < more {
            format!(" ↓ {} more lines ", more - down)
        } else {
            " ↑ back up ".to_owned()
        };
        block = block.title_bottom(Line::styled(says, theme::warn()).right_aligned());
    }
    if let Some(note) = &page.note {
        block = block.title_bottom(Line::styled(format!(" {note} "), theme::warn()));
    }
    frame.render_widget(block, area);
    let shown: Vec<Line> = lines.into_iter().skip(down).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), inner);
    if !beside.is_empty() {
        code::stacked(frame, beside, lab);
    }
}

fn lines(summary: &Summary, width: u16) -> Vec<Line<'static>> {
    let columns = usize::from(width.saturating_sub(1).min(WIDEST + PART as u16));
    let mut lines = Vec::new();
    let mut before = "";
    for (part, text) in &summary.parts {
        // Of several in a row, the first has the name.
        let mut word = if *part == before { "" } else { part };
        before = part;
        for line in wrapped(text, columns.saturating_sub(PART + 1)) {
            let label = Span::styled(format!(" {word:<PART$}"), theme::accent());
            lines.push(Line::from(vec![label, Span::raw(line)]));
            word = "";
        }
    }
    lines.push(Line::raw(""));
    let tongue = |name: &str, (code, says): &(String, String), width: usize| {
        let mut lines = vec![(name.to_owned(), theme::accent())];
        for line in code.lines() {
            lines.push((format!("  {}", cut(line, width.saturating_sub(2))), theme::strong()));
        }
        lines.extend(wrapped(says, width).into_iter().map(|line| (line, Style::new())));
        lines
    };
    if width < WIDE {
        for (name, part) in [("in Go", &summary.go), ("in Rust", &summary.rust)] {
            let part = tongue(name, part, columns.saturating_sub(1));
            lines.extend(part.into_iter().map(|(t, style)| Line::styled(format!(" {t}"), style)));
        }
    } else {
        let half = columns / 2 - 2;
        let (go, rust) =
            (tongue("in Go", &summary.go, half), tongue("in Rust", &summary.rust, half));
        for i in 0..go.len().max(rust.len()) {
            let cell = |side: &[(String, Style)]| {
                let (text, style) = side.get(i).cloned().unwrap_or_default();
                Span::styled(format!(" {text:<half$}  "), style)
            };
            lines.push(Line::from(vec![cell(&go), cell(&rust)]));
        }
    }
    lines
}
