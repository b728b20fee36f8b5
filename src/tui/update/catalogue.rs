//! Actions in the list of incidents.

use super::{open, take_walk};
use crate::run::Spec;
use crate::tui::action::Action;
use crate::tui::message::Command;
use crate::tui::model::{Model, Overlay, Screen};

/// Lanes that the lab of all variants shows at most.
const MOST_LANES: usize = 4;

/// Carries out an action.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    let Screen::Catalogue(list) = &mut model.screen else { return Vec::new() };
    let matches = list.matches(model.catalogue);
    let selected = matches.get(list.cursor).copied();
    model.note = None;
    match action {
        Action::Up => list.cursor = list.cursor.saturating_sub(1),
        Action::Down => list.cursor = (list.cursor + 1).min(matches.len().saturating_sub(1)),
        Action::Search => list.searching = true,
        Action::Back => {
            list.search.clear();
            list.symptom = None;
        }
        Action::NextSymptom => list.next_symptom(),
        Action::Answers => list.answers = !list.answers,
        _ => {}
    }
    let Some(entry) = selected else { return Vec::new() };
    let manifest = &entry.manifest;
    let walked = model.remembered.walks.get(&manifest.id).is_some_and(|walked| walked.finished);
    let action = match action {
        Action::Open if manifest.pages() > 0 && !walked => Action::Walk,
        Action::Open => Action::OpenLab,
        action => action,
    };
    match action {
        Action::Walk if manifest.walk.is_empty() => {
            let why = format!("{} has no guided walk yet; enter runs it.", manifest.title);
            model.overlay = Some(Overlay::Message(why));
        }
        Action::Exercise if manifest.exercise.is_none() => {
            let why = format!("{} has no exercise.", manifest.seen_as());
            model.overlay = Some(Overlay::Message(why));
        }
        Action::Exercise => return vec![Command::Exercise(manifest.id.clone())],
        Action::Walk | Action::OpenLab | Action::OpenAll => {
            let mut spec = match Spec::of(model.catalogue, entry) {
                Ok(spec) => spec,
                Err(error) => {
                    model.overlay = Some(Overlay::Message(error.to_string()));
                    return Vec::new();
                }
            };
            if action == Action::Walk {
                return take_walk(model, spec, 1.0);
            }
            if action == Action::OpenAll {
                let names = manifest.variants.iter().map(|variant| variant.name.clone());
                spec.case.plan.variants = names.take(MOST_LANES).collect();
            }
            return open(model, spec);
        }
        _ => {}
    }
    Vec::new()
}
