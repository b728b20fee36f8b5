//! Keys and actions of a walk's page.

use crossterm::event::KeyCode;
use firedrill_core::session::Input;
use firedrill_core::session::walk::page::AnswerForm;
use firedrill_core::session::walk::{Answer, Stage, Walk};

use super::{apply, room};
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::model::{Lab, Model, Screen};

/// Lines that a key moves through code by.
const PAGE: usize = 10;

/// Characters of a number that is typed.
const MOST_TYPED: usize = 12;

/// Returns true for the actions of a page.
pub(super) fn is_own(action: Action) -> bool {
    use Action::{Down, Hint, PageDown, PageUp, Presenter, Skip, Up, WalkBack, WalkOn};
    matches!(action, WalkOn | WalkBack | Hint | Skip | Presenter | Up | Down | PageUp | PageDown)
}

/// The form of the answer that the page waits for.
fn awaited(lab: &Lab) -> Option<AnswerForm> {
    let page = lab.session.page()?;
    let step = page.step().filter(|step| step.stage == Stage::Prompt)?;
    step.question.as_ref().map(|question| question.form.clone())
}

/// Returns true if the page waits for a number.
pub(super) fn asks_for_a_number(lab: &Lab) -> bool {
    lab.session.walk.is_some() && matches!(awaited(lab), Some(AnswerForm::Number { .. }))
}

/// Takes a key that types an answer. Returns false if it does not.
pub(super) fn press(lab: &mut Lab, code: KeyCode) -> bool {
    if lab.session.walk.is_none() {
        return false;
    }
    let screen = |lab: &mut Lab| {
        lab.page.note = None;
        true
    };
    match (awaited(lab), code) {
        (Some(AnswerForm::Number { .. }), KeyCode::Char(c))
            if c.is_ascii_digit() || matches!(c, '.' | ',') =>
        {
            lab.page.typed.push(if c == ',' { '.' } else { c });
            lab.page.typed.truncate(MOST_TYPED);
            screen(lab)
        }
        (Some(AnswerForm::Number { .. }), KeyCode::Backspace) => {
            lab.page.typed.pop();
            screen(lab)
        }
        (Some(AnswerForm::Choice(choices)), KeyCode::Char(c @ '1'..='9')) => {
            let wanted = c as usize - '1' as usize;
            if wanted < choices.len() {
                lab.page.cursor = Some(wanted);
            }
            screen(lab)
        }
        _ => false,
    }
}

/// Carries out an action of the page.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    lab.page.note = None;
    let awaited = awaited(lab);
    let input = match action {
        Action::WalkOn => match answer(lab, awaited.as_ref()) {
            Ok(Some(answer)) => Input::Answer(answer),
            Ok(None) => Input::Next,
            Err(why) => {
                lab.page.note = Some(why);
                return Vec::new();
            }
        },
        Action::WalkBack => Input::Back,
        Action::Hint => Input::Hint,
        Action::Skip => Input::Skip,
        Action::Presenter if model.room.is_some() => {
            lab.page.note = Some("these notes are for the presenter".to_owned());
            return Vec::new();
        }
        Action::Presenter => {
            lab.page.presenter = !lab.page.presenter;
            return Vec::new();
        }
        Action::Up | Action::PageUp | Action::Down | Action::PageDown => {
            let down = matches!(action, Action::Down | Action::PageDown);
            let by_page = matches!(action, Action::PageUp | Action::PageDown);
            let lines = if by_page { PAGE } else { 1 };
            let scrolls = match awaited {
                Some(AnswerForm::Line(_)) => false,
                Some(AnswerForm::Choice(_)) => by_page,
                Some(AnswerForm::Number { .. }) | None => true,
            };
            if let Some(scroll) = model.layout.scroll.filter(|_| scrolls) {
                let lines = lines.cast_signed();
                let by = if down { lines } else { -lines };
                lab.page.down = Some(scroll.by(lab.page.down, by));
                return Vec::new();
            }
            for _ in 0..lines {
                move_cursor(lab, awaited.as_ref(), down);
            }
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    match room::take(model, &input) {
        Some(commands) => commands,
        None => apply(model, input),
    }
}

fn move_cursor(lab: &mut Lab, awaited: Option<&AnswerForm>, down: bool) {
    let cursor = lab.page.cursor;
    lab.page.cursor = match (awaited, cursor) {
        (Some(AnswerForm::Choice(choices)), None) => {
            Some(if down { 0 } else { choices.len().saturating_sub(1) })
        }
        (Some(AnswerForm::Choice(choices)), Some(at)) => {
            let next = if down { at + 1 } else { at.saturating_sub(1) };
            Some(next.min(choices.len().saturating_sub(1)))
        }
        (Some(AnswerForm::Line(listing)), None) => Some(listing.first()),
        (Some(AnswerForm::Line(listing)), Some(at)) => Some(listing.neighbour(at, down)),
        (Some(AnswerForm::Number { .. }) | None, _) => cursor,
    };
}

/// Returns the answer to commit, if the page waits for one. The error describes what is missing.
fn answer(lab: &Lab, awaited: Option<&AnswerForm>) -> Result<Option<Answer>, String> {
    // There is nothing to answer from yet: the session says so.
    if lab.session.walk.as_ref().is_some_and(Walk::is_starting) {
        return Ok(None);
    }
    let typed = &lab.page.typed;
    Ok(Some(match awaited {
        None => return Ok(None),
        Some(AnswerForm::Choice(choices)) => match lab.page.cursor {
            Some(at) => Answer::Choice(at),
            None => return Err(format!("select an option first: ↑ ↓ or 1 to {}", choices.len())),
        },
        Some(AnswerForm::Line(_)) => match lab.page.cursor {
            Some(at) => Answer::Line(at),
            None => return Err("select a line first: ↑ ↓".to_owned()),
        },
        Some(AnswerForm::Number { .. }) if typed.is_empty() => {
            let why = "type a number first; a guess is fine, h gives a hint";
            return Err(why.to_owned());
        }
        Some(AnswerForm::Number { .. }) => match typed.parse() {
            Ok(number) => Answer::Number(number),
            Err(_) => return Err(format!("`{typed}` is not a number")),
        },
    }))
}
