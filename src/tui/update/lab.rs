//! Actions in the lab.

use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::figures::number;
use firedrill_core::incident::manifest::{MAX_INSTANCES, MAX_RATE_PER_S};
use firedrill_core::script::{Control, Pacing};
use firedrill_core::session::Input;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::track::{RunId, Source};
use firedrill_core::session::travel::Travel;

use super::{apply, leave, open, page};
use crate::run::Spec;
use crate::supervise::INSTALL_CONSOLE;
use crate::tui::action::Action;
use crate::tui::code;
use crate::tui::message::Command;
use crate::tui::model::{Lab, Model, Overlay, Screen};

/// The levels of load that + and - step through, as factors of the incident's own.
const LOAD_STEPS: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0];

/// Milliseconds that a key moves in time.
const SEEK_MS: i64 = 5_000;

/// Carries out an action.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    let lanes = lab.lanes();
    if lab.session.walk.is_some() && page::is_own(action) {
        return page::act(model, action);
    }
    if let Some(travel) = travel(action) {
        return apply(model, Input::Travel(travel));
    }
    match action {
        Action::NextLane => lab.selected = (lab.selected + 1) % lanes,
        Action::PreviousLane => lab.selected = (lab.selected + lanes - 1) % lanes,
        Action::Lane(lane) if lane < lanes => lab.selected = lane,
        Action::Lane(lane) => {
            model.note = Some(format!("there is no lane {}: this run has {lanes}", lane + 1));
        }
        Action::Zoom => lab.span_s = if lab.span_s > 60.0 { 60.0 } else { 600.0 },
        Action::Instances => toggle_instances(lab),
        Action::Exercise if lab.manifest().exercise.is_some() => {
            return vec![Command::Exercise(lab.session.case.plan.incident.clone())];
        }
        Action::LoadUp | Action::LoadDown => {
            let control = change_load(lab, action == Action::LoadUp);
            return tell(model, control);
        }
        Action::ScaleOut | Action::ScaleIn => {
            let control = scale(lab, if action == Action::ScaleOut { 1 } else { -1 });
            return tell(model, control);
        }
        Action::ToggleBug => {
            let incident = lab.session.case.plan.incident.clone();
            let control = toggle(lab, incident);
            return switch(model, control);
        }
        Action::Restart => {
            let control = Control::Restart { lane: lab.selected, console: false };
            return tell(model, Some(control));
        }
        Action::RepeatPhases => return tell(model, Some(Control::RepeatPhases)),
        Action::Back if lab.presents.is_some() => lab.presents = None,
        Action::Back if model.room.as_ref().is_some_and(|room| room.holds_in().is_some()) => {
            model.note = Some("the class is in this walk; q leaves the class".to_owned());
        }
        Action::Reset | Action::Back if ends_something(lab, action) => {
            model.overlay = Some(Overlay::Confirm(action));
        }
        Action::Reset => return reset(model),
        Action::Back => return leave(model),
        Action::TimeLapse => {
            lab.recording.take_if(|(run, _)| *run == RunId::Lapse);
            return apply(model, Input::TimeLapse);
        }
        Action::Record => return record(lab),
        Action::Bugs => {
            let here = &lab.session.case.plan.incident;
            let cursor = model.catalogue.ids().position(|id| id == here).unwrap_or(0);
            model.overlay = Some(Overlay::Bugs { cursor });
        }
        Action::Chaos => model.overlay = Some(Overlay::Chaos { cursor: 0 }),
        Action::Code => model.overlay = Some(Overlay::Code(code::open(lab))),
        Action::Metrics => model.overlay = Some(Overlay::Metrics),
        Action::Present => {
            let charts = lab.charts_alone().len();
            lab.presents = match lab.presents {
                None => Some(None),
                Some(None) if charts > 0 => Some(Some(0)),
                Some(Some(chart)) if chart + 1 < charts => Some(Some(chart + 1)),
                Some(_) => None,
            };
        }
        Action::Words => model.overlay = Some(Overlay::Words),
        Action::Chain => model.overlay = Some(Overlay::Chain { cursor: 0 }),
        Action::Log => model.overlay = Some(Overlay::Log { back: 0 }),
        Action::GoTo => model.overlay = Some(Overlay::GoTo { typed: String::new() }),
        Action::Console => return console(model),
        _ => {}
    }
    Vec::new()
}

/// The move in time that an action stands for.
pub(super) fn travel(action: Action) -> Option<Travel> {
    Some(match action {
        Action::Now => Travel::Now,
        Action::Freeze | Action::PlayPause => Travel::PlayPause,
        Action::Rewind => Travel::By(-SEEK_MS),
        Action::Forward => Travel::By(SEEK_MS),
        Action::StepBack => Travel::Step { forth: false },
        Action::Step => Travel::Step { forth: true },
        Action::NextEvent => Travel::Mark { forth: true },
        Action::EventBefore => Travel::Mark { forth: false },
        Action::Faster => Travel::Speed { faster: true },
        Action::Slower => Travel::Speed { faster: false },
        _ => return None,
    })
}

/// Passes a command on to the run that is looked at.
pub(super) fn tell(model: &mut Model, control: Option<Control>) -> Vec<Command> {
    control.map_or_else(Vec::new, |control| apply(model, Input::Control(control)))
}

/// Returns true if an action would end a run that goes on, or a walk before its last page.
fn ends_something(lab: &Lab, action: Action) -> bool {
    let session = &lab.session;
    let over = match &session.walk {
        Some(walk) => walk.is_finished(),
        None => session.main.head.phase.is_none(),
    };
    session.main.goes_on() && !(over && action == Action::Back)
}

/// Starts the run again.
pub(super) fn reset(model: &mut Model) -> Vec<Command> {
    let Screen::Lab(lab) = &model.screen else { return Vec::new() };
    let pacing = match lab.session.main.source {
        Source::TimeLapse(speed) => Pacing { speed, ..Pacing::default() },
        Source::Live | Source::Recording { .. } => Pacing::default(),
    };
    let spec = Spec::at(lab.venue.clone(), lab.session.case.clone(), pacing);
    open(model, spec)
}

fn toggle_instances(lab: &mut Lab) {
    lab.by_instance = !lab.by_instance;
    let one = |lane: &LaneState| lane.instances.is_empty() && lane.wanted.is_none();
    let session = &mut lab.session;
    if session.lanes().iter().all(one) && session.shown().lanes.iter().all(one) {
        lab.by_instance = false;
        let line = "every lane has one instance; ] adds one to the selected lane";
        session.log(None, line.to_owned());
    }
}

fn record(lab: &mut Lab) -> Vec<Command> {
    let shown = lab.session.run_id();
    if let Some((RunId::Main, path)) = &lab.recording
        && shown == RunId::Lapse
    {
        let line = format!("the live run is recorded to {}; v and w end that", path.display());
        lab.session.log(None, line);
        return Vec::new();
    }
    vec![Command::Record(lab.recording.is_none().then_some(shown))]
}

/// Switches a bug of the selected lane: off when it is on, else on, in the lane's own variant
/// where that is one of this incident, else in the broken one.
pub(super) fn toggle(lab: &Lab, incident: String) -> Control {
    let lane = &lab.session.lanes()[lab.selected];
    let own = incident == lab.session.case.plan.incident && lane.variant != "fixed";
    let variant = match lane.bugs.get(&incident) {
        Some(_) => None,
        None if own => Some(lane.variant.clone()),
        None => Some("broken".to_owned()),
    };
    Control::SetBug { lane: lab.selected, incident, variant }
}

/// Switches a bug to its next variant, from off to the first; the fixed one is off.
pub(super) fn next_variant(lab: &Lab, entry: &CatalogueEntry) -> Control {
    let incident = entry.manifest.id.clone();
    let names: Vec<&str> = entry.incident.variants.iter().map(|v| v.name).collect();
    let now = lab.session.lanes()[lab.selected].bugs.get(&incident);
    let next = match now.and_then(|now| names.iter().position(|name| name == now)) {
        Some(at) => names.get(at + 1),
        None => names.first(),
    };
    let variant = next.filter(|name| **name != "fixed").map(|name| (*name).to_owned());
    Control::SetBug { lane: lab.selected, incident, variant }
}

/// Tells the run of a switched bug, where the lanes can have it.
pub(super) fn switch(model: &mut Model, control: Control) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    if let Control::SetBug { lane, incident, variant } = &control
        && let Some(why) = lab.venue.refuses(&lab.session.case, *lane, incident, variant.as_deref())
    {
        lab.session.log(None, why.to_owned());
        return Vec::new();
    }
    tell(model, Some(control))
}

/// Switches a slot of the selected lane's chain off, or on again.
pub(super) fn toggle_slot(lab: &Lab, slot: &str) -> Control {
    let mut slots = lab.session.lanes()[lab.selected].without.clone();
    match slots.iter().position(|off| off == slot) {
        Some(at) => {
            slots.remove(at);
        }
        None => slots.push(slot.to_owned()),
    }
    Control::SetWithout { lane: lab.selected, slots }
}

fn change_load(lab: &mut Lab, up: bool) -> Option<Control> {
    let own = lab.manifest().load.rate_per_s;
    let now = lab.session.track().head.rate_per_s();
    let mut steps = LOAD_STEPS.map(|factor| (factor * own).clamp(1.0, MAX_RATE_PER_S)).into_iter();
    let next = if up {
        steps.find(|rate| *rate > now * 1.001)
    } else {
        steps.rev().find(|rate| *rate < now * 0.999)
    };
    if next.is_none() {
        let line = format!("load: {} req/s is as far as this key goes", number(now));
        lab.session.log(None, line);
    }
    next.map(Control::SetRate)
}

/// Changes how many instances the selected lane has.
fn scale(lab: &mut Lab, by: isize) -> Option<Control> {
    let lane = lab.selected;
    let head = &lab.session.lanes()[lane];
    let now = head.wanted.map_or(head.instances.len().max(1), |(wanted, _)| wanted);
    let instances = now.saturating_add_signed(by).clamp(1, MAX_INSTANCES);
    if instances == now {
        lab.session.log(Some(lane), format!("{now} is as far as this key goes"));
        return None;
    }
    Some(Control::Scale { lane, instances })
}

fn console(model: &mut Model) -> Vec<Command> {
    let Screen::Lab(lab) = &mut model.screen else { return Vec::new() };
    if which::which("tokio-console").is_err() {
        let why = format!("tokio-console is not installed. To install it:\n\n{INSTALL_CONSOLE}");
        model.overlay = Some(Overlay::Message(why));
        return Vec::new();
    }
    let lane = lab.selected;
    if lab.session.track().source != Source::Live {
        let line = "there is no process for tokio-console in simulated time";
        lab.session.log(None, line.to_owned());
        return Vec::new();
    }
    if let Some(port) = lab.session.main.head.lanes[lane].console_port {
        return vec![Command::Console(port)];
    }
    lab.console_wanted = Some(lane);
    let line = "restarting with tokio-console's instruments, which take memory of their own";
    lab.session.log(Some(lane), line.to_owned());
    tell(model, Some(Control::Restart { lane, console: true }))
}
