//! Key bindings. Key bar and help are built from the tables.

mod tables;

use crossterm::event::{KeyCode, KeyEvent};

use firedrill_core::session::shift::ShiftStage;
use firedrill_core::session::track::Source;
use firedrill_core::session::walk::Walk;

use tables::{
    BUGS, CATALOGUE, CHAIN, CHAOS, CODE_KEYS, CONFIRM, GO_TO_KEYS, HELP_SCREEN, LAB, LAPSE,
    MESSAGE, METRICS, PAST, RECORDING, ROOM, SCROLLED, SHIFT, SHIFT_END, Table, VIRTUAL, WALK,
    WALK_END, WORDS,
};

use super::action::Action;
use super::model::{Model, Overlay, Screen};

/// A key, or several keys, with one action.
#[derive(Debug)]
pub struct Binding {
    codes: &'static [KeyCode],
    /// The action.
    pub action: Action,
    /// The key, as the key bar shows it.
    pub key: &'static str,
    /// Label in the key bar; empty: not in the bar.
    pub short: &'static str,
    /// Description in the help.
    pub long: &'static str,
}

impl Binding {
    /// The first of its keys.
    pub fn code(&self) -> KeyCode {
        self.codes[0]
    }
}

const fn binding(
    codes: &'static [KeyCode],
    action: Action,
    (key, short, long): (&'static str, &'static str, &'static str),
) -> Binding {
    Binding { codes, action, key, short, long }
}

/// The keys of the topmost overlay, or of the screen.
pub fn bindings(model: &Model) -> impl Iterator<Item = &'static Binding> {
    let table = match &model.overlay {
        Some(Overlay::Help { .. }) => HELP_SCREEN,
        Some(Overlay::Bugs { .. }) => BUGS,
        Some(Overlay::Chaos { .. }) => CHAOS,
        Some(Overlay::Code(_)) => CODE_KEYS,
        Some(Overlay::Log { .. }) => SCROLLED,
        Some(Overlay::Metrics) => METRICS,
        Some(Overlay::Words) => WORDS,
        Some(Overlay::Chain { .. }) => CHAIN,
        Some(Overlay::GoTo { .. }) => GO_TO_KEYS,
        Some(Overlay::Message(_)) => MESSAGE,
        Some(Overlay::Confirm(_) | Overlay::Resume { .. }) => CONFIRM,
        None => return screen_bindings(model).collect::<Vec<_>>().into_iter(),
    };
    table.iter().copied().flatten().collect::<Vec<_>>().into_iter()
}

/// The keys of the screen below any overlay.
pub fn screen_bindings(model: &Model) -> impl Iterator<Item = &'static Binding> {
    let room = model.room.as_ref().map_or::<Table, _>(&[], |_| ROOM);
    screen_table(model).iter().chain(room).copied().flatten()
}

fn screen_table(model: &Model) -> Table {
    match &model.screen {
        Screen::Catalogue(_) => CATALOGUE,
        Screen::Lab(lab) if lab.shift.is_some() => match lab.session.shift.as_ref() {
            Some(shift) if shift.stage() == ShiftStage::Ended => SHIFT_END,
            _ => SHIFT,
        },
        Screen::Lab(lab) if lab.session.walk.as_ref().is_some_and(Walk::is_finished) => WALK_END,
        Screen::Lab(lab) if lab.session.walk.is_some() => WALK,
        Screen::Lab(lab) => match (lab.session.track().source, &lab.session.track().playback) {
            (Source::Recording { .. }, _) => RECORDING,
            (_, Some(_)) => PAST,
            (Source::Live, None) => LAB,
            (Source::TimeLapse(_), None) if lab.session.lapse.is_some() => LAPSE,
            (Source::TimeLapse(_), None) => VIRTUAL,
        },
    }
}

/// Returns the action of a key in the current state.
pub fn action(model: &Model, key: KeyEvent) -> Option<Action> {
    let here = bindings(model).find(|b| b.codes.contains(&key.code)).map(|b| b.action);
    let below = || screen_bindings(model).find(|b| b.codes.contains(&key.code)).map(|b| b.action);
    match model.overlay {
        Some(Overlay::Code(_)) => here.or_else(|| below().filter(|action| goes_on(*action))),
        _ => here,
    }
}

/// Returns true for actions that also work below the code view.
pub fn goes_on(action: Action) -> bool {
    use Action::{
        Faster, Freeze, Lane, LoadDown, LoadUp, Now, PlayPause, Restart, Slower, ToggleBug,
    };
    matches!(
        action,
        ToggleBug
            | PlayPause
            | Freeze
            | Now
            | Faster
            | Slower
            | Restart
            | LoadUp
            | LoadDown
            | Lane(_)
    )
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode::Char;

    use super::*;

    /// One letter has one meaning on every screen. `n` answers a confirmation, `n` for next is the same word elsewhere;
    /// the switches of an overlay act on the row under the cursor; `f` and `v` toggle.
    #[test]
    fn a_letter_has_one_meaning_on_every_screen() {
        let tables = [
            CATALOGUE, LAB, LAPSE, WALK, WALK_END, VIRTUAL, PAST, RECORDING, BUGS, CHAOS,
            CODE_KEYS, CHAIN, SHIFT, SHIFT_END, ROOM,
        ];
        let mut meanings: Vec<(char, Action)> = Vec::new();
        for binding in tables.into_iter().flatten().copied().flatten() {
            let letters = binding.codes.iter().filter_map(|code| match code {
                Char(letter) if letter.is_ascii_alphabetic() => Some(*letter),
                _ => None,
            });
            for letter in letters {
                // A letter that opens something closes it, too.
                let closes = binding.action == Action::Back;
                let next = matches!(binding.action, Action::NextFile | Action::NextEvent);
                let toggles = matches!(binding.action, Action::Freeze | Action::Now);
                let known = meanings.iter().find(|(known, _)| *known == letter);
                match known {
                    Some((_, action)) => assert!(
                        closes || next || toggles || *action == binding.action,
                        "`{letter}`: {action:?} and {:?}",
                        binding.action
                    ),
                    None if !closes => meanings.push((letter, binding.action)),
                    None => {}
                }
            }
        }
    }

    #[test]
    fn no_key_means_two_things_and_all_are_explained() {
        for table in [
            CATALOGUE,
            LAB,
            LAPSE,
            WALK,
            WALK_END,
            SHIFT,
            SHIFT_END,
            VIRTUAL,
            PAST,
            RECORDING,
            BUGS,
            SCROLLED,
            CODE_KEYS,
            METRICS,
            WORDS,
            CONFIRM,
            CHAIN,
            GO_TO_KEYS,
            MESSAGE,
            HELP_SCREEN,
        ] {
            let codes: Vec<KeyCode> =
                table.iter().copied().flatten().flat_map(|b| b.codes).copied().collect();
            for (i, code) in codes.iter().enumerate() {
                assert!(!codes[..i].contains(code), "{code:?} is listed twice");
            }
            assert!(table.iter().copied().flatten().any(|b| b.action == Action::Quit));
        }
    }
}
