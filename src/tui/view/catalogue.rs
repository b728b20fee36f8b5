//! The list of incidents, and the story of the one under the cursor.
//!
//! ```text
//! firedrill ▸ choose an outage
//!
//!  ▶ Unbuffered log channel  outage     Requests hang, tasks and memory climb …
//!    Missing recover         outage     One bad payload takes the whole process …
//!
//! ┌ Unbuffered log channel ────────────────────────────────────────────────────┐
//! │ …                                                                          │
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::cut;
use crate::tui::model::CatalogueModel;
use crate::tui::theme;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::Manifest;
use firedrill_core::prose::figures::number;

/// Rows above the first incident.
const HEAD: u16 = 3;

/// Draws the list.
pub fn draw(frame: &mut Frame, area: Rect, catalogue: &'static Catalogue, list: &CatalogueModel) {
    let matches = list.matches(catalogue);
    let rows = (matches.len().max(1)) as u16;
    let [head, entries, _, story] = Layout::vertical([
        Constraint::Length(HEAD),
        Constraint::Length(rows),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(area);
    let mut title = vec![
        Span::styled(" firedrill", theme::accent()),
        Span::styled(" ▸ choose an outage", theme::strong()),
    ];
    if !list.search.is_empty() {
        title.push(Span::raw(format!("   matching “{}”", list.search)));
    }
    let says = " Each runs for real: the broken server beside the fixed one, under one load.";
    let head_text = Text::from(vec![Line::from(title), Line::styled(says, theme::quiet())]);
    frame.render_widget(Paragraph::new(head_text), head);

    let width = usize::from(entries.width);
    let lines: Vec<Line> = matches
        .iter()
        .enumerate()
        .map(|(i, entry)| row(&entry.manifest, i == list.cursor, width))
        .collect();
    let text =
        if lines.is_empty() { Text::raw("   no incident matches") } else { Text::from(lines) };
    frame.render_widget(Paragraph::new(text), entries);
    if let Some(entry) = matches.get(list.cursor) {
        tell(frame, story, &entry.manifest);
    }
}

fn row(manifest: &Manifest, selected: bool, width: usize) -> Line<'static> {
    let mark = if selected { " ▶ " } else { "   " };
    let start = format!("{mark}{:<24}{:<10} ", manifest.title, manifest.severity.word());
    let room = width.saturating_sub(start.chars().count());
    let line = format!("{start}{:<room$}", cut(&manifest.summary, room));
    if selected { Line::styled(line, theme::cursor()) } else { Line::raw(line) }
}

fn tell(frame: &mut Frame, area: Rect, manifest: &Manifest) {
    let block =
        Block::bordered().title(format!(" {} ", manifest.title)).border_style(theme::quiet());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let quiet = |text: String| Line::styled(text, theme::quiet());
    let mut lines =
        vec![Line::styled(format!(" {}.", manifest.summary), theme::strong()), Line::raw("")];
    for variant in &manifest.variants {
        let name = match variant.name.as_str() {
            "fixed" => Span::styled(format!(" {:<10} ", variant.name), theme::good()),
            "broken" => Span::styled(format!(" {:<10} ", variant.name), theme::bad()),
            _ => Span::styled(format!(" {:<10} ", variant.name), theme::warn()),
        };
        lines.push(Line::from(vec![name, Span::raw(variant.says.clone())]));
    }
    lines.push(quiet(format!(
        " {} req/s to each lane, clients give up after {} s, memory cap {} MiB",
        number(manifest.load.rate_per_s),
        number(manifest.load.client_timeout_ms as f64 / 1000.0),
        manifest.memory.cap_mib,
    )));
    for phase in &manifest.phases {
        lines.push(quiet(format!(" {:>4} s  {}", number(phase.at_s), phase.says)));
    }
    lines.push(quiet(format!(" {}", manifest.source)));
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}

/// The entry drawn in this row of the terminal.
pub fn entry_at(row: u16) -> Option<usize> {
    row.checked_sub(HEAD).map(usize::from)
}
