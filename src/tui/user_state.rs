//! Loads and changes the user state for the screen.

use firedrill_core::catalogue::Catalogue;

use super::model::Model;
use super::theme;
use crate::terminal_size;
use crate::user_state::{Theme, UserState};

/// The model of a screen that begins, with what is remembered.
pub(super) fn begun(catalogue: &'static Catalogue, theme: Option<Theme>) -> Model {
    let (size, assumed) = terminal_size::size();
    let mut model = Model::new(catalogue, size);
    (model.remembered, model.note) = UserState::read();
    if assumed {
        let (columns, rows) = size;
        let says = format!("this terminal does not tell its size: {columns}x{rows} is assumed");
        model.note = model.note.or(Some(says));
    }
    if let Some(theme) = theme {
        model.unsaved = model.remembered.theme != Some(theme);
        model.remembered.theme = Some(theme);
    }
    theme::choose(model.remembered.theme.unwrap_or_default());
    model
}

/// Writes what is to be remembered. Where that cannot be, it is said once; nothing else depends on it.
pub(super) fn remember(model: &mut Model) {
    if !std::mem::take(&mut model.unsaved) {
        return;
    }
    // Exercises are remembered by another process.
    let known = model.remembered.clone();
    let take_in = |disk: &mut UserState| {
        disk.theme = known.theme;
        disk.walks.clone_from(&known.walks);
        model.remembered.exercises.clone_from(&disk.exercises);
    };
    let said = UserState::change(take_in).unwrap_or_else(|error| Some(error.to_string()));
    if said.is_some() {
        (model.note, model.dirty) = (said, true);
    }
}
