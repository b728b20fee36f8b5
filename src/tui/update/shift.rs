//! Keys and actions of an on-call shift.

use crossterm::event::KeyCode;
use firedrill_core::session::Input;
use firedrill_core::session::shift::menu::{Choice, Menu, rows};
use firedrill_core::session::shift::{ShiftInput, ShiftStage};

use super::lab::travel;
use super::{apply, leave};
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::model::{Lab, Model, Overlay, Screen};
use crate::tui::room::Room;
use crate::tui::shift::Debriefed;

/// Characters of a value that is typed, at most.
const MOST_TYPED: usize = 12;

/// Lines that a page key scrolls.
const PAGE: isize = 8;

/// Returns true if a shift would be lost.
pub(super) fn goes_on(lab: &Lab) -> bool {
    lab.session.shift.as_ref().is_some_and(|shift| shift.stage() != ShiftStage::Ended)
}

/// Takes in a key that types a value. Returns false if it types nothing.
pub(super) fn press(lab: &mut Lab, code: KeyCode) -> bool {
    let Some(screen) = &mut lab.shift else { return false };
    if !matches!(screen.menu, Menu::Value(_)) {
        return false;
    }
    match code {
        KeyCode::Char(c) if c.is_ascii_digit() || c == '.' => {
            if screen.typed.len() < MOST_TYPED {
                screen.typed.push(c);
            }
            true
        }
        KeyCode::Backspace => {
            screen.typed.pop();
            true
        }
        _ => false,
    }
}

/// Carries out an action.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    let scroll = model.layout.scroll;
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let (session, Some(screen)) = (&lab.session, &mut lab.shift) else { return Vec::new() };
    let rows = rows(session, &screen.menu, &screen.typed);
    let has_ended = screen.is_comparing || screen.debrief.is_some();
    let lines = match action {
        Action::PageUp => -PAGE,
        Action::PageDown => PAGE,
        Action::Up if has_ended => -1,
        Action::Down if has_ended => 1,
        _ => 0,
    };
    if let (Some(scroll), true) = (scroll, lines != 0) {
        screen.down = Some(scroll.by(screen.down, lines));
        return Vec::new();
    }
    if has_ended && let Some(travel) = travel(action) {
        return apply(model, Input::Travel(travel));
    }
    match action {
        Action::Up => screen.cursor = screen.cursor.saturating_sub(1),
        Action::Down => screen.cursor = (screen.cursor + 1).min(rows.len().saturating_sub(1)),
        Action::Back if has_ended => return leave(model),
        Action::Back => match screen.menu.parent() {
            Some(parent) => (screen.menu, screen.cursor) = (parent, 0),
            None if model.room.as_ref().is_some_and(Room::is_on_call) => {
                model.note = Some("the class is on call; q leaves the class".to_owned());
            }
            None => model.overlay = Some(Overlay::Confirm(action)),
        },
        Action::Quit if !has_ended => model.overlay = Some(Overlay::Confirm(action)),
        Action::Hint => return input(model, ShiftInput::Hint),
        Action::WalkOn => {
            let Some(row) = rows.into_iter().nth(screen.cursor) else { return Vec::new() };
            match row.choice {
                Choice::Open(menu) => {
                    screen.typed.clear();
                    (screen.menu, screen.cursor) = (menu, 0);
                }
                Choice::Input(chosen) => return choose(model, chosen),
                Choice::Nothing => {}
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Sends the input of a menu, and goes back to the first one.
fn choose(model: &mut Model, chosen: ShiftInput) -> Vec<Command> {
    let names_cause = matches!(chosen, ShiftInput::Name(Some(_)));
    let commands = input(model, chosen);
    if model.note.is_some() {
        return commands;
    }
    let Screen::Lab(lab) = &mut model.screen else { return commands };
    let Some(screen) = &mut lab.shift else { return commands };
    let from =
        std::mem::replace(&mut screen.menu, if names_cause { Menu::Lines } else { Menu::Top });
    if from != Menu::Top {
        screen.cursor = 0;
    }
    commands
}

/// Sends an input to the session. Notes why it had no effect.
fn input(model: &mut Model, input: ShiftInput) -> Vec<Command> {
    let commands = apply(model, Input::Shift(input));
    let Screen::Lab(lab) = &mut model.screen else { return commands };
    model.note = lab.session.desk().and_then(|desk| desk.refused.map(str::to_owned));
    if let (Some(screen), None) = (&mut lab.shift, &model.note) {
        screen.down = None;
    }
    commands
}

/// After an event: the runs are computed that a shift is compared with, once it has ended.
pub(super) fn ended(lab: &mut Lab) -> Option<Command> {
    let has_ended = lab.session.shift.as_ref().is_some_and(|s| s.stage() == ShiftStage::Ended);
    let screen = lab
        .shift
        .as_mut()
        .filter(|screen| has_ended && !screen.is_comparing && screen.debrief.is_none())?;
    screen.is_comparing = true;
    screen.down = Some(0);
    Some(Command::Debrief)
}

/// The debrief is there, or the reason why there is none.
pub(super) fn debriefed(model: &mut Model, result: Result<Box<Debriefed>, String>) {
    let Screen::Lab(lab) = &mut model.screen else { return };
    let Some(screen) = &mut lab.shift else { return };
    screen.is_comparing = false;
    match result {
        Ok(debrief) => {
            (screen.debrief, screen.down) = (Some(debrief), Some(0));
        }
        Err(why) => model.overlay = Some(Overlay::Message(why)),
    }
}
