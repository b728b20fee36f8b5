//! The last line: the keys that work now, as many as fit.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::keys::{Action, Binding, bindings};
use crate::tui::model::{Model, Screen};
use crate::tui::theme;

/// Draws the bar. Help and quit always fit, and what closes an overlay; of the others, the first
/// ones.
pub fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    if let (None, Screen::Catalogue(list)) = (&model.overlay, &model.screen)
        && list.searching
    {
        let line = Line::from(vec![
            Span::styled(" search: ", theme::accent()),
            Span::raw(format!("{}▏", list.search)),
            Span::styled("   enter keeps what is found · esc ends the search", theme::quiet()),
        ]);
        frame.render_widget(Paragraph::new(line), area);
        return;
    }
    let all: Vec<&Binding> = bindings(model).filter(|b| !b.short.is_empty()).collect();
    let closes = |b: &Binding| b.action == Action::Back && model.overlay.is_some();
    let always = |b: &&&Binding| matches!(b.action, Action::Help | Action::Quit) || closes(b);
    let width = |b: &Binding| b.key.chars().count() + b.short.chars().count() + 3;
    let mut left = usize::from(area.width)
        - all.iter().filter(always).map(|b| width(b)).sum::<usize>().min(usize::from(area.width));
    let mut spans = Vec::new();
    for binding in &all {
        let fits = always(&binding) || {
            let fits = width(binding) <= left;
            left = if fits { left - width(binding) } else { 0 };
            fits
        };
        if fits {
            spans.push(Span::styled(format!(" {}", binding.key), theme::accent()));
            spans.push(Span::raw(format!(" {} ", binding.short)));
        }
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}
