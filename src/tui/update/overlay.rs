//! Actions in an overlay.

use std::path::PathBuf;

use firedrill_core::incident::chain::slot_names;
use firedrill_core::session::Input;
use firedrill_core::session::travel::{Travel, seconds};

use super::lab::{next_variant, reset, switch, tell, toggle, toggle_slot};
use super::{apply, leave};
use crate::tui::action::Action;
use crate::tui::chaos;
use crate::tui::code;
use crate::tui::keys::goes_on;
use crate::tui::message::Command;
use crate::tui::model::{CodeView, Lab, Model, Overlay, Screen};
use firedrill_core::incident::exercise::FILE;

/// Columns that a key scrolls the code sideways.
const SIDEWAYS: usize = 8;

/// Columns that it can be scrolled.
const MOST_SIDEWAYS: usize = 200;

/// Carries out an action.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    if action == Action::Back {
        let failed = matches!(model.overlay, Some(Overlay::Message(_)));
        model.overlay = None;
        // A message over a lab that never began leaves nothing to look at.
        let never_began =
            matches!(&model.screen, Screen::Lab(lab) if lab.session.main.head.phase.is_none());
        return if failed && never_began { leave(model) } else { Vec::new() };
    }
    if let (Action::NextLane, Screen::Lab(lab)) = (action, &mut model.screen) {
        lab.selected = (lab.selected + 1) % lab.lanes();
        if let Some(Overlay::Code(view)) = &mut model.overlay {
            *view = code::open(lab);
        }
        return Vec::new();
    }
    if matches!(model.overlay, Some(Overlay::Code(_))) && goes_on(action) {
        return super::lab::act(model, action);
    }
    match &model.overlay {
        Some(Overlay::Bugs { .. }) => bugs(model, action),
        Some(Overlay::Chaos { .. } | Overlay::Chain { .. }) => switches(model, action),
        Some(Overlay::Code(_)) => in_code(model, action),
        Some(Overlay::Help { .. } | Overlay::Log { .. }) => {
            scroll(model, action);
            Vec::new()
        }
        _ if action == Action::Open => confirmed(model),
        _ => Vec::new(),
    }
}

/// Carries out what an overlay asks about.
fn confirmed(model: &mut Model) -> Vec<Command> {
    match model.overlay.take() {
        Some(Overlay::Confirm(Action::Quit)) => vec![Command::Quit],
        Some(Overlay::Confirm(Action::Reset)) => reset(model),
        Some(Overlay::Confirm(_)) => leave(model),
        Some(Overlay::Resume { page }) => apply(model, Input::Resume(page)),
        Some(Overlay::GoTo { typed }) => {
            let Some(at_s) = seconds(&typed) else {
                model.note = Some(format!(
                    "invalid time `{typed}`: expected seconds or MM:SS, such as 90 or 1:30"
                ));
                model.overlay = Some(Overlay::GoTo { typed });
                return Vec::new();
            };
            apply(model, Input::Travel(Travel::To((at_s * 1000.0) as u64)))
        }
        other => {
            model.overlay = other;
            Vec::new()
        }
    }
}

/// Moves a cursor through a list, around its ends.
fn moved(cursor: &mut usize, all: usize, action: Action) {
    match action {
        Action::Up => *cursor = (*cursor + all - 1) % all,
        Action::Down => *cursor = (*cursor + 1) % all,
        _ => {}
    }
}

fn bugs(model: &mut Model, action: Action) -> Vec<Command> {
    let Some(Overlay::Bugs { cursor }) = &mut model.overlay else { return Vec::new() };
    moved(cursor, model.catalogue.entries.len(), action);
    let Some(entry) = model.catalogue.entries.get(*cursor) else { return Vec::new() };
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let control = match action {
        Action::ToggleBug => toggle(lab, entry.manifest.id.clone()),
        Action::NextVariant => next_variant(lab, entry),
        _ => return Vec::new(),
    };
    switch(model, control)
}

fn switches(model: &mut Model, action: Action) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let slots: Vec<&str> = slot_names().collect();
    let control = match &mut model.overlay {
        Some(Overlay::Chaos { cursor }) => {
            moved(cursor, chaos::FAULTS.len(), action);
            chaos::toggle(&lab.session, *cursor)
        }
        Some(Overlay::Chain { cursor }) => {
            moved(cursor, slots.len(), action);
            toggle_slot(lab, slots[*cursor])
        }
        _ => return Vec::new(),
    };
    tell(model, (action == Action::ToggleBug).then_some(control))
}

/// Lines that an action scrolls down.
fn lines(model: &Model, action: Action) -> isize {
    let page = isize::from(model.size.1.saturating_sub(6).min(1000).cast_signed()).max(1);
    match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        _ => 0,
    }
}

/// Scrolls the overlay.
pub(super) fn scroll(model: &mut Model, action: Action) {
    let by = lines(model, action);
    match (&mut model.overlay, model.layout.scroll) {
        (Some(Overlay::Help { down }), Some(scroll)) => *down = scroll.by(*down, by),
        (Some(Overlay::Code(view)), Some(scroll)) if by != 0 => {
            view.top = Some(scroll.by(view.top, by));
        }
        // The log's newest line is at the bottom: up goes back.
        (Some(Overlay::Log { back }), Some(scroll)) => {
            *back = back.saturating_add_signed(-by).min(scroll.furthest);
        }
        _ => {}
    }
}

/// Carries out a key of the code view.
fn in_code(model: &mut Model, action: Action) -> Vec<Command> {
    let (Some(Overlay::Code(view)), Screen::Lab(lab)) = (&mut model.overlay, &model.screen) else {
        return Vec::new();
    };
    view.note = None;
    let sheets = code::sheets(lab);
    let last = sheets.len().saturating_sub(1);
    match action {
        Action::NextFile => {
            let sheet = if view.sheet >= last { 0 } else { view.sheet + 1 };
            *view = CodeView { sheet, unfolded: view.unfolded, ..CodeView::default() };
        }
        Action::ToWait => match code::busiest(lab, &sheets) {
            Some(sheet) => {
                let unfolded = view.unfolded;
                *view = CodeView { sheet, unfolded, at_wait: true, ..CodeView::default() };
            }
            None => view.note = Some("no task of this lane waits at a marked place now".to_owned()),
        },
        Action::ScrollRight => view.right = (view.right + SIDEWAYS).min(MOST_SIDEWAYS),
        Action::ScrollLeft => view.right = view.right.saturating_sub(SIDEWAYS),
        Action::OtherSide => view.fixed = !view.fixed,
        Action::Unfold => (view.unfolded, view.top) = (!view.unfolded, None),
        Action::Edit => return edit(lab, view, &sheets).into_iter().collect(),
        _ => scroll(model, action),
    }
    Vec::new()
}

/// Opens the file that is shown in the editor, where it is on disk.
fn edit(lab: &Lab, view: &mut CodeView, sheets: &[code::Sheet]) -> Option<Command> {
    let sheet = sheets.get(view.sheet.min(sheets.len().saturating_sub(1)))?;
    let side = sheet.right.as_ref().filter(|_| view.fixed).unwrap_or(&sheet.left);
    let yours = lab.venue.yours.as_ref().and_then(|yours| yours.source.as_ref());
    let path = match yours {
        Some((_, path)) if side.file == FILE => path.clone(),
        _ => PathBuf::from(&side.file),
    };
    if path.is_file() {
        let marked = side.marks.first().map_or(1, |marked| marked.line);
        return Some(Command::Edit(path, marked));
    }
    let why = "not on disk here; it is when firedrill is started at the root of its source";
    view.note = Some(format!("{}: {why}", side.file));
    None
}
