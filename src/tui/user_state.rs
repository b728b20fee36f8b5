//! Loads and changes the user state for the screen.

use firedrill_core::catalogue::Catalogue;

use super::model::{Model, Unsaved};
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
        model.unsaved.theme = model.remembered.theme != Some(theme);
        model.remembered.theme = Some(theme);
    }
    theme::choose(model.remembered.theme.unwrap_or_default());
    model
}

/// Writes what is to be remembered. Where that cannot be, it is said once; nothing else depends on it.
pub(super) fn remember(model: &mut Model) {
    let Unsaved { theme, walks } = std::mem::take(&mut model.unsaved);
    if !theme && walks.is_empty() {
        return;
    }
    // Other processes change the same file: only the changes of this one are applied.
    let take_in = |disk: &mut UserState| {
        if theme {
            disk.theme = model.remembered.theme;
        }
        for (incident, progress) in walks {
            disk.walked(&incident, progress);
        }
        model.remembered.clone_from(disk);
    };
    let said = UserState::change(take_in).unwrap_or_else(|error| Some(error.to_string()));
    if said.is_some() {
        (model.note, model.dirty) = (said, true);
    }
}
