//! The last line: the keys that work now, as many as fit.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use firedrill_core::glossary;
use firedrill_core::session::walk::follow::Place;
use firedrill_core::session::walk::page::Page;
use firedrill_core::session::walk::{Stage, WalkInput};

use super::parts::{self, cut};
use crate::tui::action::Action;
use crate::tui::keys::{Binding, bindings};
use crate::tui::layout::{Layout, Target};
use crate::tui::model::{Lab, Model, Screen};
use crate::tui::theme;

/// Draws the bar. Help and quit always fit, and what closes an overlay; of the others, the first
/// ones.
pub fn draw(frame: &mut Frame, area: Rect, model: &Model, layout: &mut Layout) {
    if let (None, Screen::Catalogue(list)) = (&model.overlay, &model.screen)
        && list.searching
    {
        let line = Line::from(vec![
            Span::styled(" search: ", theme::accent()),
            Span::raw(format!("{}▏", list.search)),
            Span::styled("   enter keeps the result · esc clears it", theme::quiet()),
        ]);
        frame.render_widget(Paragraph::new(line), area);
        return;
    }
    let mut spans = Vec::new();
    let mut width = area.width;
    if let (Some(note), Screen::Lab(_)) = (&model.note, &model.screen) {
        let note = format!(" {} ", cut(note, usize::from(area.width / 2)));
        width -= parts::columns(&note) as u16;
        spans.push(Span::styled(note, theme::warn()));
    }
    let mut x = area.right() - width;
    for binding in shown(model, width) {
        let place = Rect { x, width: columns(binding) as u16, ..area };
        layout.target(place, Target::Key(binding.code()));
        x = place.right();
        spans.push(Span::styled(format!(" {}", binding.key), theme::accent()));
        spans.push(Span::raw(format!(" {} ", binding.short)));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Columns of a key and its word.
fn columns(binding: &Binding) -> usize {
    parts::columns(binding.key) + parts::columns(binding.short) + 3
}

/// Returns true if a key has an effect on this page of a walk.
fn has_effect(lab: &Lab, page: &Page, place: Option<Place>, binding: &Binding) -> bool {
    let lets = |input| place.is_none_or(|place| place.lets(&lab.session, input));
    let step = page.step();
    let asks = step.is_some_and(|step| step.stage == Stage::Prompt && step.question.is_some());
    match binding.action {
        Action::WalkOn if asks => place.is_none_or(|place| place.votes || place.at.is_none()),
        Action::WalkOn => {
            step.is_none_or(|step| step.stage != Stage::Running) && lets(WalkInput::Next)
        }
        Action::WalkBack => page.number > 1 && lets(WalkInput::Back),
        Action::Hint => asks,
        Action::Skip => {
            (asks || step.is_some_and(|step| step.stage == Stage::Running)) && lets(WalkInput::Skip)
        }
        // The class leads back at once.
        Action::Back => place.is_none_or(|place| place.at.is_none() && place.limit.is_none()),
        Action::Words => page.texts().iter().any(|text| !glossary::marked(text).is_empty()),
        Action::NextLane => lab.session.lanes().len() > 1,
        _ => true,
    }
}

/// The keys that fit in so many columns.
fn shown(model: &Model, width: u16) -> Vec<&'static Binding> {
    let named = bindings(model).filter(|b| !b.short.is_empty());
    let all: Vec<&Binding> = match (&model.overlay, &model.screen) {
        (None, Screen::Lab(lab)) if lab.session.walk.is_some() => {
            let page = lab.session.page();
            named
                .filter(|b| {
                    page.as_ref().is_none_or(|page| has_effect(lab, page, model.place(), b))
                })
                .collect()
        }
        _ => named.collect(),
    };
    let closes = |b: &Binding| b.action == Action::Back && model.overlay.is_some();
    let always = |b: &Binding| matches!(b.action, Action::Help | Action::Quit) || closes(b);
    let mut left = usize::from(width)
        - all.iter().filter(|b| always(b)).map(|b| columns(b)).sum::<usize>().min(width.into());
    let fits = |binding: &&Binding| {
        always(binding) || {
            let fits = columns(binding) <= left;
            left = if fits { left - columns(binding) } else { 0 };
            fits
        }
    };
    all.into_iter().filter(fits).collect()
}
