//! A message changes the model, and may ask for something to be done.
//!
//! * `catalogue`, `lab`, `overlay`: the actions of keys there; `page`: keys and actions of a walk's page; `shift`: of an
//!   on-call shift
//! * `room`: news of a class, and the walk that follows its place
//! * `mouse`: the same for the mouse

mod catalogue;
mod lab;
mod mouse;
mod overlay;
mod page;
mod room;
mod shift;

use crossterm::event::{KeyCode, KeyEvent};
use firedrill_core::event::{Event, EventKind};
use firedrill_core::figures::number;
use firedrill_core::script::Speed;
use firedrill_core::session::track::{RunId, Source};
use firedrill_core::session::travel::Travel;
use firedrill_core::session::walk::run_begins;
use firedrill_core::session::{Effect, Input};

use super::action::Action;
use super::keys::action;
use super::message::{Command, Msg};
use super::model::{CatalogueModel, Lab, Model, Overlay, Screen};
use super::shift::ShiftOptions;
use crate::run::Spec;

/// Characters of a time that is typed: more than any has.
const MOST_TYPED: usize = 12;

/// Characters that are sought, at most.
const MOST_SOUGHT: usize = 64;

/// Changes the model, and leads it to the place of its class.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Command> {
    let mut commands = change(model, msg);
    if model.room.is_some() {
        commands.extend(room::follow(model));
    }
    commands
}

fn change(model: &mut Model, msg: Msg) -> Vec<Command> {
    let dirty = std::mem::replace(&mut model.dirty, true);
    match msg {
        Msg::Key(key) => press(model, key),
        Msg::Edit(edit) => {
            if let Some(field) = field(model) {
                edit.change(field);
            }
            Vec::new()
        }
        Msg::Paste(text) => {
            paste(model, &text);
            Vec::new()
        }
        Msg::StoodStill(seconds) => {
            if let Screen::Lab(lab) = &mut model.screen
                && lab.session.track().source == Source::Live
            {
                let line = format!(
                    "firedrill was suspended for {} s: no load was sent, and nothing was measured",
                    number(seconds)
                );
                lab.session.log(None, line);
            }
            Vec::new()
        }
        Msg::Mouse(event) => mouse::point(model, event),
        Msg::Resize(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Msg::Run(run, event) => happen(model, run, event),
        Msg::RunEnded(run, why) => {
            let Some(why) = why else { return Vec::new() };
            model.overlay = Some(Overlay::Message(why));
            apply(model, Input::Failed(run))
        }
        Msg::Passed(wall_ms) => {
            let Screen::Lab(lab) = &mut model.screen else {
                model.dirty = dirty;
                return Vec::new();
            };
            let track = lab.session.track();
            let paused = matches!(track.source, Source::TimeLapse(Speed::Times(0.0)));
            lab.reached_speed.pass(wall_ms, track.head.now_s, paused || track.playback.is_some());
            let effects = lab.apply(Input::Travel(Travel::Pass(wall_ms)));
            model.dirty = dirty | lab.session.has_moved();
            carried(model, effects)
        }
        Msg::Recording(run, result) => {
            if let Screen::Lab(lab) = &mut model.screen {
                let line = match &result {
                    Ok(path) => format!("recording to {}", path.display()),
                    Err(why) => format!("⚠ {why}"),
                };
                lab.session.log(None, line);
                lab.recording = result.ok().map(|path| (run, path));
            }
            Vec::new()
        }
        Msg::Panicked(line) => {
            if let Screen::Lab(lab) = &mut model.screen {
                lab.session.log(None, line);
            }
            Vec::new()
        }
        Msg::Class(news) => room::hear(model, news),
        Msg::Debriefed(result) => {
            shift::debriefed(model, result);
            Vec::new()
        }
        Msg::GivenBack(result) => {
            if let Err(why) = result {
                model.overlay = Some(Overlay::Message(why));
            }
            Vec::new()
        }
    }
}

/// Takes a paste into a field or nowhere: its letters are nobody's keys.
fn paste(model: &mut Model, text: &str) {
    if field(model).is_some() {
        let typed = text.chars().filter(|c| !c.is_control()).take(MOST_SOUGHT);
        typed.for_each(|c| drop(press(model, KeyEvent::from(KeyCode::Char(c)))));
        model.note = None;
    }
}

/// Passes an input on to the session, and returns what the screen has to do about it.
fn apply(model: &mut Model, input: Input) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let effects = lab.apply(input);
    carried(model, effects)
}

/// The effects of the session as commands; progress is kept here.
fn carried(model: &mut Model, effects: Vec<Effect>) -> Vec<Command> {
    let mut commands = Vec::new();
    let is_led = model.place().is_some_and(|place| place.at.is_some());
    for effect in effects {
        match (effect, &model.screen) {
            // Pages that a class led through were not taken by the learner.
            (Effect::SaveProgress(_), _) if is_led => {}
            (Effect::SaveProgress(progress), Screen::Lab(lab)) => {
                let incident = lab.session.case.plan.incident.clone();
                model.remembered.walked(&incident, progress);
                model.unsaved.walks.insert(incident, progress);
            }
            (effect, _) => commands.push(Command::Session(effect)),
        }
    }
    commands
}

fn happen(model: &mut Model, run: RunId, event: Event) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let ready = matches!(event.what, EventKind::Ready(_)).then_some(event.lane).flatten();
    let effects = lab.apply(Input::Event(run, event));
    if let Some(command) = shift::ended(lab) {
        let mut commands = carried(model, effects);
        commands.push(command);
        return commands;
    }
    if let Some(lane) = ready.filter(|lane| lab.console_wanted == Some(*lane)) {
        lab.console_wanted = None;
        if let Some(port) = lab.session.main.head.lanes[lane].console_port {
            return vec![Command::Console(port)];
        }
        model.overlay = Some(Overlay::Message(crate::instruments::MISSING.to_owned()));
    }
    carried(model, effects)
}

fn press(model: &mut Model, key: KeyEvent) -> Vec<Command> {
    if let (None, Screen::Catalogue(list)) = (&model.overlay, &mut model.screen)
        && list.searching
        && type_search(list, key.code)
    {
        return Vec::new();
    }
    if let Some(Overlay::GoTo { typed }) = &mut model.overlay {
        match key.code {
            KeyCode::Char(c) if c.is_ascii_digit() || c == ':' || c == '.' => {
                typed.push(c);
                typed.truncate(MOST_TYPED);
                return Vec::new();
            }
            KeyCode::Backspace => {
                typed.pop();
                return Vec::new();
            }
            _ => {}
        }
    }
    if let (None, Screen::Lab(lab)) = (&model.overlay, &mut model.screen)
        && (page::press(lab, key.code) || shift::press(lab, key.code))
    {
        return Vec::new();
    }
    model.note = None;
    let Some(action) = action(model, key) else {
        no_effect(model, key.code);
        return Vec::new();
    };
    let on_call = matches!(&model.screen, Screen::Lab(lab) if shift::goes_on(lab));
    if action == Action::Quit && (model.overlay.is_some() || !on_call) {
        return vec![Command::Quit];
    }
    if model.overlay.is_some() {
        return overlay::act(model, action);
    }
    if action == Action::Help {
        model.overlay = Some(Overlay::Help { down: 0 });
        return Vec::new();
    }
    if let (Action::Hand, Some(room)) = (action, &model.room) {
        return vec![Command::Say(room.hand())];
    }
    match &mut model.screen {
        Screen::Catalogue(_) => catalogue::act(model, action),
        Screen::Lab(lab) if lab.shift.is_some() => shift::act(model, action),
        Screen::Lab(_) => lab::act(model, action),
    }
}

/// Notes that a key has no effect here.
fn no_effect(model: &mut Model, code: KeyCode) {
    let KeyCode::Char(c) = code else { return };
    let looks_back = matches!(&model.screen, Screen::Lab(lab) if {
        let track = lab.session.track();
        track.playback.is_some() && track.goes_on() && model.overlay.is_none()
    });
    model.note = Some(if looks_back {
        format!("`{c}` does nothing while the past is shown; f leads back to now")
    } else {
        match c {
            '?' => "the keys are below; esc closes this".to_owned(),
            _ => format!("`{c}` does nothing here; ? shows the keys"),
        }
    });
}

/// The field that is typed into now.
fn field(model: &mut Model) -> Option<&mut String> {
    match (&mut model.overlay, &mut model.screen) {
        (Some(Overlay::GoTo { typed }), _) => Some(typed),
        (None, Screen::Catalogue(list)) if list.searching => Some(&mut list.search),
        (None, Screen::Lab(lab)) if page::asks_for_a_number(lab) => Some(&mut lab.page.typed),
        _ => None,
    }
}

/// Takes a key into the search. Returns true if it was one for it.
fn type_search(list: &mut CatalogueModel, code: KeyCode) -> bool {
    match code {
        KeyCode::Char(c) if list.search.chars().count() < MOST_SOUGHT => list.search.push(c),
        KeyCode::Char(_) => {}
        KeyCode::Backspace => {
            list.search.pop();
        }
        KeyCode::Enter => list.searching = false,
        KeyCode::Esc => {
            list.searching = false;
            list.search.clear();
        }
        _ => return false,
    }
    list.cursor = 0;
    true
}

/// Shows the lab of a run and asks for its start.
pub fn open(model: &mut Model, spec: Spec) -> Vec<Command> {
    let (lab, start) = Lab::new(spec);
    model.overlay = None;
    model.screen = Screen::Lab(Box::new(lab));
    vec![Command::Session(start)]
}

/// Begins the guided walk of an incident, its stretches `faster` times as fast. Offers to resume one that was left
/// before its end.
pub fn take_walk(model: &mut Model, spec: Spec, faster: f64) -> Vec<Command> {
    let manifest = spec.case.manifest();
    let left = model.remembered.walks.get(&manifest.id).filter(|walked| !walked.last_finished);
    let page = left.map(|walked| run_begins(manifest, walked.last_page.saturating_sub(1)));
    model.overlay = page.filter(|page| *page > 0).map(|page| Overlay::Resume { page });
    let (lab, effects) = Lab::walk(spec, faster);
    model.screen = Screen::Lab(Box::new(lab));
    carried(model, effects)
}

/// Begins an on-call shift.
pub fn take_shift(model: &mut Model, options: ShiftOptions) -> Vec<Command> {
    match Lab::shift(model.catalogue, options) {
        Ok((lab, effects)) => {
            model.screen = Screen::Lab(Box::new(lab));
            carried(model, effects)
        }
        Err(why) => {
            model.overlay = Some(Overlay::Message(format!("{why:#}")));
            Vec::new()
        }
    }
}

/// Goes back to the catalogue.
fn leave(model: &mut Model) -> Vec<Command> {
    let Screen::Lab(lab) = &model.screen else { return Vec::new() };
    // The list must not point at the cause of a shift.
    let id = Some(&lab.session.case.plan.incident).filter(|_| lab.shift.is_none());
    let cursor = model.catalogue.ids().position(|known| Some(known) == id.map(String::as_str));
    let cursor = cursor.unwrap_or(0);
    model.screen = Screen::Catalogue(CatalogueModel { cursor, ..CatalogueModel::default() });
    vec![Command::Session(Effect::End(RunId::Main))]
}
