//! The event log: its newest lines in the lab, all of them in an overlay.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::parts::{boxed, columns, cut};
use firedrill_core::prose::letter;
use firedrill_core::session::run_state::LogEntry;

use super::scene::Scene;
use crate::tui::layout::{Layout, Scroll};
use crate::tui::theme;
use firedrill_core::figures::clock;

/// Draws the newest lines.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene) {
    let log = &lab.view.run.log;
    let skip = log.len().saturating_sub(usize::from(area.height));
    let width = usize::from(area.width);
    let lines: Vec<Line> = log.iter().skip(skip).map(|entry| line(entry, width)).collect();
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// Draws the whole log, `back` lines back from the newest.
pub fn draw_all(frame: &mut Frame, area: Rect, lab: &Scene, back: usize, layout: &mut Layout) {
    let inner = boxed(frame, area, (area.width - 2, area.height - 1), "events");
    let log = shown(lab);
    layout.scroll = Some(Scroll { at: back, furthest: log.len() });
    let height = usize::from(inner.height);
    let end = log.len() - back.min(log.len().saturating_sub(height));
    let start = end.saturating_sub(height);
    let width = usize::from(inner.width);
    let mut lines: Vec<Line> = log[start..end].iter().map(|entry| line(entry, width)).collect();
    if log.is_empty() {
        lines.push(Line::styled(" no process has ended so far", theme::quiet()));
    }
    frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}

/// The entries that may be shown: in a walk, bugs, versions and phases would give answers away.
fn shown<'a>(lab: &'a Scene) -> Vec<&'a LogEntry> {
    let log = lab.view.run.log.iter();
    log.filter(|entry| lab.view.disclosure.causes || entry.is_about_process).collect()
}

fn line(entry: &LogEntry, width: usize) -> Line<'static> {
    let lane = entry.lane.map_or(' ', letter);
    let ends = ["killed", "crashed", "did not serve"];
    let style = if ends.iter().any(|word| entry.line.starts_with(word)) {
        theme::bad()
    } else if entry.line.starts_with("bug ") || entry.lane.is_none() {
        theme::strong()
    } else {
        theme::quiet()
    };
    let times = if entry.times > 1 { format!("  ×{}", entry.times) } else { String::new() };
    let text = cut(&entry.line, width.saturating_sub(10 + columns(&times))) + &times;
    Line::from(vec![
        Span::styled(format!(" {} {lane} ", clock(entry.at_s)), theme::quiet()),
        Span::styled(text, style),
    ])
}
