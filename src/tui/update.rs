//! A message changes the model, and may ask for something to be done.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::code::{self, CodeView};
use super::keys::{Action, action, goes_on};
use super::lane::LaneModel;
use super::model::{CatalogueModel, Lab, Model, Overlay, Screen};
use super::time::{hold, id, in_time, seconds, tell, time_lapse};
pub use super::track::RunId;
use super::track::Source;
use super::view;
use super::walk::{self, Walk};
use crate::commands::doctor::INSTALL_CONSOLE;
use crate::exercise::package::EXERCISE;
use crate::run::{Control, Spec};
use firedrill_core::event::{Event, What};
use firedrill_core::incident::chain::slot_names;
use firedrill_core::incident::manifest::{MAX_INSTANCES, MAX_RATE_PER_S};
use firedrill_core::prose::figures::number;

/// What can happen to the screen.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "events are most of them, and are not kept")]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// The terminal has a new size.
    Resize(u16, u16),
    /// Something happened in a run.
    Run(RunId, Event),
    /// A run has ended by itself; where it should not have, for this reason.
    RunEnded(RunId, Option<String>),
    /// So many milliseconds have passed.
    Passed(f64),
    /// The recording of a run has begun, or could not be, or is lost.
    Recording(RunId, Result<PathBuf, String>),
    /// A panic somewhere beside the screen.
    Panicked(String),
    /// What had the terminal has ended, or could not be started.
    GivenBack(Result<(), String>),
}

/// What the screen asks for.
#[derive(Debug)]
pub enum Command {
    /// Leave the program.
    Quit,
    /// Start this run, in place of the one that runs; the main one ends a time-lapse too.
    Start(RunId, Box<Spec>),
    /// End the run; the main one ends a time-lapse too.
    End(RunId),
    /// Tell the run something.
    Tell(RunId, Control),
    /// Both, in this order.
    Both(Box<[Command; 2]>),
    /// Record this run from now on; none: record no longer.
    Record(Option<RunId>),
    /// Hand the terminal to tokio-console, connected to this port.
    Console(u16),
    /// Hand the terminal to the editor, with this file at this line.
    Edit(PathBuf, usize),
    /// Hand the terminal to the exercise of this incident.
    Exercise(String),
}

/// The levels of load that + and - step through, as factors of the incident's own.
const LOAD_STEPS: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0];

/// Characters of a time that is typed: more than any has.
const MOST_TYPED: usize = 12;

/// Columns that a key scrolls the code sideways.
const SIDEWAYS: usize = 8;

/// Columns that it can be scrolled.
const MOST_SIDEWAYS: usize = 200;

/// Changes the model.
pub fn update(model: &mut Model, msg: Msg) -> Option<Command> {
    let dirty = std::mem::replace(&mut model.dirty, true);
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => None,
        Msg::Key(key) => press(model, key),
        Msg::Mouse(mouse) => point(model, mouse),
        Msg::Resize(width, height) => {
            model.size = (width, height);
            None
        }
        Msg::Run(run, event) => happen(model, run, &event),
        Msg::RunEnded(run, why) => {
            ended(model, run, why);
            None
        }
        Msg::Passed(wall_ms) => {
            let Screen::Lab(lab) = &mut model.screen else {
                model.dirty = dirty;
                return None;
            };
            let looked_back = lab.track().playback.is_some();
            model.dirty = dirty | lab.track_mut().pass(wall_ms);
            hold(lab, looked_back)
        }
        Msg::Recording(run, result) => {
            if let Screen::Lab(lab) = &mut model.screen {
                let line = match &result {
                    Ok(path) => format!("recording to {}", path.display()),
                    Err(why) => format!("⚠ {why}"),
                };
                lab.note(None, line);
                lab.recording = result.ok().map(|path| (run, path));
            }
            None
        }
        Msg::Panicked(line) => {
            if let Screen::Lab(lab) = &mut model.screen {
                lab.note(None, line);
            }
            None
        }
        Msg::GivenBack(result) => {
            if let Err(why) = result {
                model.overlay = Some(Overlay::Message(why));
            }
            None
        }
    }
}

fn happen(model: &mut Model, run: RunId, event: &Event) -> Option<Command> {
    let Screen::Lab(lab) = &mut model.screen else {
        return None;
    };
    let track = match run {
        RunId::Main => &mut lab.main,
        // Events of a time-lapse that has been left may still arrive.
        RunId::Lapse => lab.lapse.as_mut()?,
    };
    track.take(event);
    if lab.walk.is_some() && run == RunId::Main {
        return walk::observe(lab, event);
    }
    let ready = matches!(event.what, What::Ready(_));
    if ready && event.lane.is_some() && event.lane == lab.console_wanted {
        lab.console_wanted = None;
        return if let Some(port) = lab.main.head.lanes[event.lane?].console_port {
            Some(Command::Console(port))
        } else {
            let why = "This build is without tokio-console's instruments.\n\n\
                       Build it with RUSTFLAGS=\"--cfg tokio_unstable\".";
            model.overlay = Some(Overlay::Message(why.to_owned()));
            None
        };
    }
    None
}

fn ended(model: &mut Model, run: RunId, why: Option<String>) {
    if let (RunId::Lapse, Screen::Lab(lab)) = (run, &mut model.screen)
        && why.is_some()
    {
        lab.lapse = None;
    }
    if let Some(why) = why {
        model.overlay = Some(Overlay::Message(why));
    }
}

fn press(model: &mut Model, key: KeyEvent) -> Option<Command> {
    if let (None, Screen::Catalogue(list)) = (&model.overlay, &mut model.screen)
        && list.searching
        && type_search(list, key.code)
    {
        return None;
    }
    if let Some(Overlay::GoTo { typed }) = &mut model.overlay {
        match key.code {
            KeyCode::Char(c) if c.is_ascii_digit() || c == ':' || c == '.' => {
                typed.push(c);
                typed.truncate(MOST_TYPED);
                return None;
            }
            KeyCode::Backspace => {
                typed.pop();
                return None;
            }
            _ => {}
        }
    }
    if let (None, Screen::Lab(lab)) = (&model.overlay, &mut model.screen)
        && walk::press(lab, key.code)
    {
        return None;
    }
    model.note = None;
    let Some(action) = action(model, key) else {
        does_nothing(model, key.code);
        return None;
    };
    if action == Action::Quit {
        return Some(Command::Quit);
    }
    if model.overlay.is_some() {
        return in_overlay(model, action);
    }
    if action == Action::Help {
        model.overlay = Some(Overlay::Help { down: 0 });
        return None;
    }
    match &mut model.screen {
        Screen::Catalogue(_) => in_catalogue(model, action),
        Screen::Lab(_) => in_lab(model, action),
    }
}

/// Says of a key that it does nothing here.
fn does_nothing(model: &mut Model, code: KeyCode) {
    let KeyCode::Char(c) = code else { return };
    let looks_back = matches!(&model.screen, Screen::Lab(lab)
        if lab.track().playback.is_some() && lab.track().goes_on() && model.overlay.is_none());
    model.note = Some(if looks_back {
        format!("`{c}` does nothing while the past is shown; f leads back to now")
    } else {
        match c {
            '?' => "the keys are below; esc closes this".to_owned(),
            _ => format!("`{c}` does nothing here; ? shows the keys"),
        }
    });
}

/// Takes a key into the search; tells whether it was one for it.
fn type_search(list: &mut CatalogueModel, code: KeyCode) -> bool {
    match code {
        KeyCode::Char(c) => list.search.push(c),
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

fn in_catalogue(model: &mut Model, action: Action) -> Option<Command> {
    let Screen::Catalogue(list) = &mut model.screen else {
        return None;
    };
    let matches = list.matches(model.catalogue);
    model.note = None;
    match action {
        Action::Up => list.cursor = list.cursor.saturating_sub(1),
        Action::Down => list.cursor = (list.cursor + 1).min(matches.len().saturating_sub(1)),
        Action::Search => list.searching = true,
        Action::Back => list.search.clear(),
        Action::Walk => {
            let entry = matches.get(list.cursor)?;
            if entry.manifest.walk.is_empty() {
                let why =
                    format!("{} has no guided walk yet; enter runs it.", entry.manifest.title);
                model.overlay = Some(Overlay::Message(why));
                return None;
            }
            return match Spec::new(model.catalogue, entry) {
                Ok(spec) => take_walk(model, spec, 1.0),
                Err(error) => {
                    model.overlay = Some(Overlay::Message(error.to_string()));
                    None
                }
            };
        }
        Action::Exercise => {
            let entry = matches.get(list.cursor)?;
            if entry.manifest.exercise.is_none() {
                let why = format!("{} has no exercise.", entry.manifest.seen_as());
                model.overlay = Some(Overlay::Message(why));
                return None;
            }
            return Some(Command::Exercise(entry.manifest.id.clone()));
        }
        Action::Answers => list.answers = !list.answers,
        Action::Open
            if matches.get(list.cursor).is_some_and(|entry| {
                let walked = model.remembered.walks.get(&entry.manifest.id);
                entry.manifest.pages() > 0 && walked.is_none_or(|walked| !walked.finished)
            }) =>
        {
            return in_catalogue(model, Action::Walk);
        }
        Action::Open | Action::OpenLab | Action::OpenAll => {
            let entry = matches.get(list.cursor)?;
            let mut spec = match Spec::new(model.catalogue, entry) {
                Ok(spec) => spec,
                Err(error) => {
                    model.overlay = Some(Overlay::Message(error.to_string()));
                    return None;
                }
            };
            if action == Action::OpenAll {
                let names = entry.manifest.variants.iter().map(|variant| variant.name.clone());
                spec.variants = names.take(4).collect();
            }
            return Some(open(model, spec));
        }
        _ => {}
    }
    None
}

/// Shows the lab of a run and asks for its start.
pub fn open(model: &mut Model, spec: Spec) -> Command {
    model.overlay = None;
    model.screen = Screen::Lab(Box::new(Lab::new(spec.clone())));
    Command::Start(RunId::Main, Box::new(spec))
}

/// Begins the guided walk of an incident, its stretches so many times as fast. Of one that was left before its
/// end, asks whether it shall be taken up there.
pub fn take_walk(model: &mut Model, spec: Spec, faster: f64) -> Option<Command> {
    let manifest = &spec.entry.manifest;
    let left = model.remembered.walks.get(&manifest.id).filter(|walked| !walked.last_finished);
    let page = left.map(|walked| walk::run_begins(manifest, walked.last_page.saturating_sub(1)));
    model.overlay = page.filter(|page| *page > 0).map(|page| Overlay::TakeUp { page });
    let mut lab = Lab::new(spec);
    lab.walk = Some(Walk::new(&lab.spec.entry.manifest, faster));
    let command = walk::enter(&mut lab);
    model.screen = Screen::Lab(Box::new(lab));
    command
}

fn in_lab(model: &mut Model, action: Action) -> Option<Command> {
    let Screen::Lab(lab) = &mut model.screen else {
        return None;
    };
    let lanes = lab.lanes();
    if lab.walk.is_some() && walk::is_own(action) {
        let command = walk::act(lab, action);
        if let Some(mut walk) = lab.walk.take() {
            let last = walk::debrief(lab, &walk);
            let furthest = last.map(|last| view::walk::furthest(lab, &walk, last, model.size));
            walk.down = walk.down.min(furthest.unwrap_or_default());
            let incident = &lab.spec.entry.manifest.id;
            model.remembered.walked(incident, walk.taken());
            model.unsaved = true;
            lab.walk = Some(walk);
        }
        return command;
    }
    match action {
        Action::NextLane => lab.selected = (lab.selected + 1) % lanes,
        Action::PreviousLane => lab.selected = (lab.selected + lanes - 1) % lanes,
        Action::Lane(lane) if lane < lanes => lab.selected = lane,
        Action::Lane(lane) => {
            model.note = Some(format!("there is no lane {}: this run has {lanes}", lane + 1));
        }
        Action::Zoom => lab.span_s = if lab.span_s > 60.0 { 60.0 } else { 600.0 },
        Action::LoadUp => return change_load(lab, true),
        Action::LoadDown => return change_load(lab, false),
        Action::ScaleOut => return scale(lab, 1),
        Action::ScaleIn => return scale(lab, -1),
        Action::Instances => {
            lab.by_instance = !lab.by_instance;
            let one = |lane: &LaneModel| lane.instances.is_empty() && lane.wanted.is_none();
            if lab.track().head.lanes.iter().all(one) && lab.shown().lanes.iter().all(one) {
                lab.by_instance = false;
                let line = "every lane has one instance; ] adds one to the selected lane";
                lab.note(None, line.to_owned());
            }
        }
        Action::Exercise if lab.spec.entry.manifest.exercise.is_some() => {
            return Some(Command::Exercise(lab.spec.entry.manifest.id.clone()));
        }
        Action::ToggleBug => {
            let incident = lab.spec.entry.manifest.id.clone();
            let control = toggle(lab, incident);
            return switch(lab, control);
        }
        Action::Restart => {
            let control = Control::Restart { lane: lab.selected, console: false };
            return Some(tell(lab, control));
        }
        Action::Back if lab.presents.is_some() => lab.presents = None,
        Action::Reset | Action::Back if ends_something(lab, action) => {
            model.overlay = Some(Overlay::Sure(action));
        }
        Action::Reset => return reset(model),
        Action::TimeLapse => return time_lapse(lab),
        Action::Record => {
            let shown = id(lab);
            if let Some((RunId::Main, path)) = &lab.recording
                && shown == RunId::Lapse
            {
                let line =
                    format!("the live run is recorded to {}; v and w end that", path.display());
                lab.note(None, line);
                return None;
            }
            return Some(Command::Record(lab.recording.is_none().then_some(shown)));
        }
        Action::Bugs => {
            let here = &lab.spec.entry.manifest.id;
            let cursor = model.catalogue.ids().position(|id| id == here).unwrap_or(0);
            model.overlay = Some(Overlay::Bugs { cursor });
        }
        Action::Chaos => model.overlay = Some(Overlay::Chaos { cursor: 0 }),
        Action::Code => model.overlay = Some(Overlay::Code(view::code::open(lab))),
        Action::Metrics => model.overlay = Some(Overlay::Metrics),
        Action::Present => {
            let charts = view::lane::charts_alone(lab).len();
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
        Action::Back => return leave(model),
        _ => return in_time(lab, action),
    }
    None
}

/// Whether an action would end a run that goes on, or a walk before its last page.
fn ends_something(lab: &Lab, action: Action) -> bool {
    let over = match &lab.walk {
        Some(walk) => walk.taken().finished,
        None => lab.main.head.phase.is_none(),
    };
    lab.main.goes_on() && !(over && action == Action::Back)
}

/// Starts the run anew.
fn reset(model: &mut Model) -> Option<Command> {
    let Screen::Lab(lab) = &model.screen else { return None };
    let spec = lab.spec.clone();
    Some(open(model, spec))
}

/// Goes back to the catalogue.
fn leave(model: &mut Model) -> Option<Command> {
    let Screen::Lab(lab) = &model.screen else { return None };
    let id = &lab.spec.entry.manifest.id;
    let cursor = model.catalogue.ids().position(|known| known == id).unwrap_or(0);
    model.screen = Screen::Catalogue(CatalogueModel { cursor, ..CatalogueModel::default() });
    Some(Command::End(RunId::Main))
}

/// Switches a bug of the selected lane: off when it is on, else on, in the lane's own variant
/// where that is one of this incident, else in the broken one.
fn toggle(lab: &Lab, incident: String) -> Control {
    let lane = &lab.track().head.lanes[lab.selected];
    let own = incident == lab.spec.entry.manifest.id && lane.variant != "fixed";
    let variant = match lane.bugs.get(&incident) {
        Some(_) => None,
        None if own => Some(lane.variant.clone()),
        None => Some("broken".to_owned()),
    };
    Control::SetBug { lane: lab.selected, incident, variant }
}

/// Tells the run of a switched bug, where the lanes can have it.
fn switch(lab: &mut Lab, control: Control) -> Option<Command> {
    if let Control::SetBug { lane, incident, variant } = &control
        && let Some(why) = lab.spec.refuses(*lane, incident, variant.as_deref())
    {
        lab.note(None, why.to_owned());
        return None;
    }
    Some(tell(lab, control))
}

/// Carries out a key in the panel of faults.
fn in_chaos(lab: &mut Lab, cursor: &mut usize, action: Action) -> Option<Command> {
    let all = view::chaos::ALL;
    match action {
        Action::Up => *cursor = (*cursor + all - 1) % all,
        Action::Down => *cursor = (*cursor + 1) % all,
        Action::ToggleBug => {
            let control = view::chaos::toggle(lab, *cursor);
            return Some(tell(lab, control));
        }
        _ => {}
    }
    None
}

/// Switches a slot of the selected lane's chain off, or on again.
fn toggle_slot(lab: &Lab, slot: &str) -> Control {
    let mut slots = lab.track().head.lanes[lab.selected].without.clone();
    match slots.iter().position(|off| off == slot) {
        Some(at) => {
            slots.remove(at);
        }
        None => slots.push(slot.to_owned()),
    }
    Control::SetWithout { lane: lab.selected, slots }
}

fn change_load(lab: &mut Lab, up: bool) -> Option<Command> {
    let own = lab.spec.entry.manifest.load.rate_per_s;
    let now = lab.track().head.rate_per_s();
    let mut steps = LOAD_STEPS.map(|factor| (factor * own).clamp(1.0, MAX_RATE_PER_S)).into_iter();
    let next = if up {
        steps.find(|rate| *rate > now * 1.001)
    } else {
        steps.rev().find(|rate| *rate < now * 0.999)
    };
    if next.is_none() {
        lab.note(None, format!("load: {} req/s is as far as this key goes", number(now)));
    }
    Some(tell(lab, Control::SetRate(next?)))
}

/// Changes how many instances the selected lane has.
fn scale(lab: &mut Lab, by: isize) -> Option<Command> {
    let lane = lab.selected;
    let now_s = lab.head_mut().now_s;
    let head = &mut lab.head_mut().lanes[lane];
    let now = head.wanted.map_or(head.instances.len().max(1), |(wanted, _)| wanted);
    let wanted = now.saturating_add_signed(by).clamp(1, MAX_INSTANCES);
    if wanted == now {
        lab.note(Some(lane), format!("{now} is as far as this key goes"));
        return None;
    }
    head.wanted = Some((wanted, now_s));
    Some(tell(lab, Control::Scale { lane, instances: wanted }))
}

fn console(model: &mut Model) -> Option<Command> {
    let Screen::Lab(lab) = &mut model.screen else {
        return None;
    };
    if which::which("tokio-console").is_err() {
        let why = format!("tokio-console is not installed. To install it:\n\n{INSTALL_CONSOLE}");
        model.overlay = Some(Overlay::Message(why));
        return None;
    }
    let lane = lab.selected;
    if lab.track().source != Source::Live {
        lab.note(None, "a time-lapse has no process for tokio-console to look into".to_owned());
        return None;
    }
    if let Some(port) = lab.main.head.lanes[lane].console_port {
        return Some(Command::Console(port));
    }
    lab.console_wanted = Some(lane);
    let line = "restarting with tokio-console's instruments, which take memory of their own";
    lab.note(Some(lane), line.to_owned());
    Some(tell(lab, Control::Restart { lane, console: true }))
}

fn in_overlay(model: &mut Model, action: Action) -> Option<Command> {
    let page = isize::from(model.size.1.saturating_sub(6).min(1000).cast_signed()).max(1);
    let bugs = model.catalogue.entries.len();
    if action == Action::Back {
        let failed = matches!(model.overlay, Some(Overlay::Message(_)));
        model.overlay = None;
        // A message over a lab that never began leaves nothing to look at.
        let never_began =
            matches!(&model.screen, Screen::Lab(lab) if lab.main.head.phase.is_none());
        return if failed && never_began { leave(model) } else { None };
    }
    if let (Action::NextLane, Screen::Lab(lab)) = (action, &mut model.screen) {
        lab.selected = (lab.selected + 1) % lab.lanes();
        if let Some(Overlay::Code(view)) = &mut model.overlay {
            *view = view::code::open(lab);
        }
        return None;
    }
    if matches!(model.overlay, Some(Overlay::Code(_))) && goes_on(action) {
        return in_lab(model, action);
    }
    if let (Some(Overlay::Sure(wanted)), Action::Open) = (&model.overlay, action) {
        let wanted = *wanted;
        model.overlay = None;
        return if wanted == Action::Reset { reset(model) } else { leave(model) };
    }
    if let (Some(Overlay::TakeUp { page }), Action::Open) = (&model.overlay, action) {
        let page = *page;
        model.overlay = None;
        let Screen::Lab(lab) = &mut model.screen else { return None };
        return walk::take_up(lab, page);
    }
    let furthest = view::help::furthest(model);
    match model.overlay.as_mut()? {
        Overlay::Bugs { cursor } => match action {
            Action::Up => *cursor = (*cursor + bugs - 1) % bugs,
            Action::Down => *cursor = (*cursor + 1) % bugs,
            Action::ToggleBug | Action::NextVariant => {
                let entry = &model.catalogue.entries[*cursor];
                let Screen::Lab(lab) = &mut model.screen else {
                    return None;
                };
                let control = if action == Action::ToggleBug {
                    toggle(lab, entry.manifest.id.clone())
                } else {
                    next_variant(lab, entry)
                };
                return switch(lab, control);
            }
            _ => {}
        },
        Overlay::Chaos { cursor } => {
            let Screen::Lab(lab) = &mut model.screen else { return None };
            return in_chaos(lab, cursor, action);
        }
        Overlay::Chain { cursor } => {
            let slots: Vec<&str> = slot_names().collect();
            match action {
                Action::Up => *cursor = (*cursor + slots.len() - 1) % slots.len(),
                Action::Down => *cursor = (*cursor + 1) % slots.len(),
                Action::ToggleBug => {
                    let slot = slots[*cursor];
                    let Screen::Lab(lab) = &mut model.screen else { return None };
                    let control = toggle_slot(lab, slot);
                    return Some(tell(lab, control));
                }
                _ => {}
            }
        }
        Overlay::GoTo { typed } if action == Action::Open => {
            let at_s = seconds(typed);
            if at_s.is_none() {
                model.note = Some(format!("`{typed}` is no time, such as 90 or 1:30"));
                return None;
            }
            model.overlay = None;
            if let (Some(at_s), Screen::Lab(lab)) = (at_s, &mut model.screen) {
                let looked_back = lab.track().playback.is_some();
                let track = lab.track_mut();
                let to_ms = (at_s * 1000.0) as u64;
                let by_ms = to_ms.cast_signed().saturating_sub_unsigned(track.shown_ms());
                track.shift(by_ms);
                return hold(lab, looked_back);
            }
        }
        Overlay::Help { down } => {
            *down = down.saturating_add_signed(scrolled(action, page)).min(furthest);
        }
        Overlay::Code(view) => {
            let Screen::Lab(lab) = &model.screen else { return None };
            return in_code(lab, view, action, (page, model.size.1));
        }
        Overlay::Log { back } => {
            let Screen::Lab(lab) = &model.screen else { return None };
            // The log's newest line is at the bottom: up goes back.
            let back_by = back.saturating_add_signed(-scrolled(action, page));
            *back = back_by.min(lab.shown().log.len());
        }
        _ => {}
    }
    None
}

/// Carries out a key of the code view.
fn in_code(
    lab: &Lab,
    view: &mut CodeView,
    action: Action,
    (page, rows): (isize, u16),
) -> Option<Command> {
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
        Action::Edit => {
            let sheet = sheets.get(view.sheet.min(last))?;
            let side = sheet.right.as_ref().filter(|_| view.fixed).unwrap_or(&sheet.left);
            let yours = lab.spec.yours.as_ref().and_then(|yours| yours.source.as_ref());
            let path = match yours {
                Some((_, path)) if side.file == EXERCISE => path.clone(),
                _ => PathBuf::from(&side.file),
            };
            if path.is_file() {
                let marked = side.marks.first().map_or(1, |marked| marked.line);
                return Some(Command::Edit(path, marked));
            }
            let why = "not on disk here; it is when firedrill is started at the root of its source";
            view.note = Some(format!("{}: {why}", side.file));
        }
        _ => {
            let by = scrolled(action, page);
            if by != 0 {
                view::code::scroll(lab, view, by, rows);
            }
        }
    }
    None
}

/// Lines that an action scrolls down.
fn scrolled(action: Action, page: isize) -> isize {
    match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        _ => 0,
    }
}

/// Switches a bug to its next variant, from off to the first; the fixed one is off.
fn next_variant(lab: &Lab, entry: &firedrill_core::catalogue::Entry) -> Control {
    let incident = entry.manifest.id.clone();
    let names: Vec<&str> = entry.incident.variants.iter().map(|v| v.name).collect();
    let now = lab.track().head.lanes[lab.selected].bugs.get(&incident);
    let next = match now.and_then(|now| names.iter().position(|name| name == now)) {
        Some(at) => names.get(at + 1),
        None => names.first(),
    };
    let variant = next.filter(|name| **name != "fixed").map(|name| (*name).to_owned());
    Control::SetBug { lane: lab.selected, incident, variant }
}

fn point(model: &mut Model, mouse: MouseEvent) -> Option<Command> {
    let wheel = match mouse.kind {
        MouseEventKind::ScrollUp => Some(Action::Up),
        MouseEventKind::ScrollDown => Some(Action::Down),
        _ => None,
    };
    if let Some(action) = wheel {
        if model.overlay.is_some() {
            return in_overlay(model, action);
        }
        return match model.screen {
            Screen::Catalogue(_) => in_catalogue(model, action),
            Screen::Lab(_) => None,
        };
    }
    let clicks = mouse.kind == MouseEventKind::Down(MouseButton::Left);
    if clicks && mouse.row + 1 == model.size.1 {
        let code = view::keybar::code_at(model, mouse.column)?;
        return press(model, KeyEvent::from(code));
    }
    if !clicks || model.overlay.is_some() {
        model.dirty = false;
        return None;
    }
    match &mut model.screen {
        Screen::Lab(lab) => {
            if let Some(lane) = view::lab::lane_at(lab, model.size, (mouse.column, mouse.row)) {
                lab.selected = lane;
            } else if lab.walk.is_some() && mouse.row >= 2 {
                // Below the lanes are the words of the page, some of them underlined.
                model.overlay = Some(Overlay::Words);
            }
            None
        }
        Screen::Catalogue(list) => {
            let clicked = view::catalogue::entry_at(mouse.row, model.size)?;
            if clicked >= list.matches(model.catalogue).len() {
                return None;
            }
            // A click on what is selected opens it.
            if list.cursor == clicked {
                return in_catalogue(model, Action::Open);
            }
            list.cursor = clicked;
            None
        }
    }
}
