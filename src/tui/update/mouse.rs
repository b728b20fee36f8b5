//! The mouse: the wheel scrolls, a click acts on the place that was drawn there.

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};

use super::{catalogue, overlay, press};
use crate::tui::action::Action;
use crate::tui::layout::Target;
use crate::tui::message::Command;
use crate::tui::model::{Model, Overlay, Screen};

/// Takes in what the mouse did.
pub(super) fn point(model: &mut Model, mouse: MouseEvent) -> Vec<Command> {
    let wheel = match mouse.kind {
        MouseEventKind::ScrollUp => Some(Action::Up),
        MouseEventKind::ScrollDown => Some(Action::Down),
        _ => None,
    };
    if let Some(action) = wheel {
        return match (&model.overlay, &model.screen) {
            (Some(_), _) => overlay::act(model, action),
            (None, Screen::Catalogue(_)) => catalogue::act(model, action),
            (None, Screen::Lab(_)) => Vec::new(),
        };
    }
    let clicks = mouse.kind == MouseEventKind::Down(MouseButton::Left);
    let target = model.layout.at(mouse.column, mouse.row).filter(|_| clicks);
    match (target, &mut model.screen) {
        (Some(Target::Key(code)), _) => return press(model, KeyEvent::from(code)),
        _ if !clicks || model.overlay.is_some() => model.dirty = false,
        (Some(Target::Lane(lane)), Screen::Lab(lab)) => lab.selected = lane,
        (Some(Target::Words), Screen::Lab(_)) => model.overlay = Some(Overlay::Words),
        (Some(Target::Entry(clicked)), Screen::Catalogue(list)) => {
            // A click on the selected incident opens it.
            if list.cursor == clicked {
                return catalogue::act(model, Action::Open);
            }
            list.cursor = clicked;
        }
        _ => {}
    }
    Vec::new()
}
