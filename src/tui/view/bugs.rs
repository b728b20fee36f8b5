//! All bugs, with a checkbox each, for the selected lane.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::parts::boxed;
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::prose::letter;

/// Draws the panel.
pub fn draw(frame: &mut Frame, area: Rect, catalogue: &Catalogue, lab: &Scene, cursor: usize) {
    let lane = lab.lane();
    let mut lines = Vec::new();
    for (i, entry) in catalogue.entries.iter().enumerate() {
        let manifest = &entry.manifest;
        let on = lane.bugs.get(&manifest.id);
        let mark = if on.is_some() { "[x]" } else { "[ ]" };
        let variant = on.map_or("off", String::as_str);
        let line = format!(" {mark} {:<26}{variant:<12}", manifest.title);
        lines.push(match (i == cursor, on.is_some()) {
            (true, _) => Line::styled(format!("{line:<66}"), theme::cursor()),
            (false, true) => Line::styled(line, theme::bad()),
            (false, false) => Line::raw(line),
        });
    }
    lines.push(Line::raw(""));
    if let Some(entry) = catalogue.entries.get(cursor) {
        let on = lane.bugs.get(&entry.manifest.id);
        let shown = on.map_or("fixed", String::as_str);
        let says = entry.manifest.variant(shown).map_or("", |variant| variant.says.as_str());
        lines.push(Line::raw(format!(" {shown}: {says}")));
    }
    lines.push(Line::styled(
        " A switch affects new requests; requests that are stuck stay in the old code.",
        theme::quiet(),
    ));
    let title = format!("bugs of lane {} {}", letter(lab.selected), lane.variant);
    let inner = boxed(frame, area, (80, lines.len() as u16 + 3), &title);
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}
