//! The guided walk: where it stands, what the learner has said, what the run has shown. Time passes only
//! where a step lets it; everything else is read, asked and told while the run is held.
//!
//! * `measured`: what texts and formulas may use; `told`: what a page tells and asks

mod measured;
mod told;

use std::time::Duration;

use crossterm::event::KeyCode;
use firedrill_core::event::{Clock, Event, ExitCause, TICK, What};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::manifest::Manifest;
use firedrill_core::incident::show::Chart;
use firedrill_core::incident::walk::{Debrief, Does, Kind, Question, Step};

use super::code::scaffolding;
use super::keys::Action;
use super::model::{Lab, LabData};
use super::track::{RunId, Source, Track};
use super::update::Command;
use crate::remembered::Walked;
use crate::run::{Control, Spec, Speed, TimeLapse};
pub use measured::values;
use measured::{Since, measured_now};
use told::shown;
pub use told::{asked, is_comment, listing, statement};

/// Seconds that the charts of a walk span.
const SPAN_S: f64 = 30.0;

/// A run begins so long before the release, in seconds.
const BEFORE_RELEASE_S: f64 = 0.2;

/// Said to whoever answers before there is anything to answer from.
const STARTING: &str = "the servers are still starting: a moment";

/// What a step waits for comes within so many seconds of the run, or the walk says that it did not.
const PATIENCE_S: f64 = 180.0;

/// Lines that a key moves through code by.
const PAGE: usize = 10;

/// Characters of a number that is typed.
const MOST_TYPED: usize = 12;

/// Where a walk stands.
#[derive(Debug)]
pub struct Walk {
    /// The step, from 0.
    pub at: usize,
    /// How far that has got.
    pub stage: Stage,
    /// What is being typed.
    pub typed: String,
    /// The choice, or the line of code, under the cursor; both from 0.
    pub cursor: usize,
    /// Hints that have been asked for.
    pub hints: usize,
    /// Hints that were shown, of all questions.
    pub helped: usize,
    /// Whether the words for whoever presents are shown.
    pub presents: bool,
    /// A word on a key that did nothing.
    pub note: Option<String>,
    /// What became of each step.
    pub done: Vec<Option<Done>>,
    /// What the lanes are called now; empty: by their variants.
    pub names: Vec<String>,
    /// The lanes as each step that has been gone through left them.
    shots: Vec<Option<Box<Shot>>>,
    /// When each lane's first process ended, in seconds of the run.
    exits_s: Vec<Option<f64>>,
    /// When the run went on, and what each lane measured then.
    went_on: Option<(f64, Vec<Values>)>,
    /// Whether nothing has been measured since.
    begins: bool,
    /// What each lane has done since.
    since: Vec<Since>,
    /// Lines that the last page is scrolled down.
    pub down: usize,
    /// What the speed of every stretch is multiplied by.
    pub faster: f64,
}

/// How far a step has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is read, and its question asked, if there is one.
    Told,
    /// The run goes on until it has shown what the step is about.
    Runs,
    /// That is told.
    Shown,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was told and asked, with the figures of that moment.
    pub asked: Asked,
    /// What the learner said.
    pub said: Said,
    /// Whether that was right; none where nothing was asked, or answered.
    pub right: Option<bool>,
    /// What was said, measured and computed, each with its name.
    pub figures: Vec<(String, String)>,
    /// Why.
    pub why: String,
    /// The line of code that was asked for, from 0.
    pub line: Option<usize>,
}

/// What a page tells and asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// What it tells.
    pub says: String,
    /// The question; empty: it asks nothing.
    pub prompt: String,
    /// The answers that there are to choose from.
    pub choices: Vec<String>,
}

/// The lanes as a step left them.
#[derive(Debug, Clone)]
pub struct Shot {
    /// What was measured.
    pub data: LabData,
    /// The lanes' variants.
    pub variants: Vec<String>,
    names: Vec<String>,
}

/// What the learner said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said {
    /// Nothing was asked.
    Nothing,
    /// It was skipped.
    Skipped,
    /// The choice of this number, from 0.
    Choice(usize),
    /// A number.
    Number(f64),
    /// A line of code, from 0.
    Line(usize),
}

impl Walk {
    /// A walk before its first step, whose stretches pass so many times as fast.
    pub fn new(manifest: &Manifest, faster: f64) -> Self {
        Self {
            at: 0,
            stage: Stage::Told,
            typed: String::new(),
            cursor: 0,
            hints: 0,
            helped: 0,
            presents: false,
            note: None,
            done: vec![None; manifest.pages()],
            names: Vec::new(),
            shots: vec![None; manifest.pages()],
            exits_s: Vec::new(),
            went_on: None,
            begins: false,
            since: Vec::new(),
            down: 0,
            faster,
        }
    }
}

impl Walk {
    /// The lanes as the page that is looked back at left them; none: it is the one that the run is at.
    pub fn shot(&self) -> Option<&Shot> {
        let later = self.done.iter().skip(self.at + 1).any(Option::is_some);
        self.shots.get(self.at)?.as_deref().filter(|_| later)
    }

    /// What a lane is called, where a walk has a name for it.
    pub fn name(&self, lane: usize) -> Option<&String> {
        match self.shot() {
            Some(shot) => shot.names.get(lane).or(shot.variants.get(lane)),
            None => self.names.get(lane),
        }
    }

    /// How far it was taken.
    pub fn taken(&self) -> Walked {
        let answers = || self.done.iter().flatten().filter_map(|done| done.right);
        Walked {
            pages: self.at + 1,
            finished: self.at + 1 == self.done.len(),
            last_page: self.at + 1,
            last_finished: self.at + 1 == self.done.len(),
            hints: self.helped,
            answered: answers().count(),
            right: answers().filter(|right| *right).count(),
        }
    }
}

/// The step that a lab's walk is at; none: it is at its last page.
pub fn step<'a>(lab: &'a Lab, walk: &Walk) -> Option<&'a Step> {
    lab.spec.entry.manifest.walk.get(walk.at)
}

/// What to take home, where a lab's walk is at that.
pub fn debrief<'a>(lab: &'a Lab, walk: &Walk) -> Option<&'a Debrief> {
    let manifest = &lab.spec.entry.manifest;
    manifest.debrief.as_ref().filter(|_| walk.at == manifest.walk.len())
}

/// The page at which the run of a page begins, both from 0. The last page has none of its own.
pub fn run_begins(manifest: &Manifest, page: usize) -> usize {
    let walk = &manifest.walk;
    walk.iter().take(page + 1).rposition(|step| !step.lanes.is_empty()).unwrap_or(0)
}

/// Takes a walk up where its run of a page begins, from 0.
pub fn take_up(lab: &mut Lab, page: usize) -> Option<Command> {
    let at = run_begins(&lab.spec.entry.manifest, page);
    lab.walk.as_mut()?.at = at;
    enter(lab)
}

/// Whether a chart is on the screen of a walk: some step has been about it, or none about any.
pub fn knows(lab: &Lab, walk: &Walk, chart: &Chart) -> bool {
    let steps = &lab.spec.entry.manifest.walk;
    let mut watched = steps.iter().take(walk.at + 1).flat_map(|step| &step.watch).peekable();
    watched.peek().is_none() || watched.any(|title| *title == chart.title())
}

/// Whether the run that a page begins has not come yet to where it is held: there is nothing to answer from.
pub fn starts(lab: &Lab, walk: &Walk) -> bool {
    let release_s = lab.spec.entry.manifest.release_s();
    // What is told last before it is held is the sample of the tick before.
    let held_s = release_s - BEFORE_RELEASE_S - 1.5 * TICK.as_secs_f64();
    walk.stage == Stage::Told && lab.main.head.now_s < held_s
}

/// The question of a step.
pub fn question<'a>(lab: &'a Lab, step: &Step) -> Option<&'a Question> {
    let asks = step.asks.as_ref()?;
    lab.spec.entry.manifest.questions.iter().find(|question| question.id == *asks)
}

/// Begins the step that the walk is at.
pub fn enter(lab: &mut Lab) -> Option<Command> {
    let mut walk = lab.walk.take()?;
    walk.stage = if walk.done[walk.at].is_some() { Stage::Shown } else { Stage::Told };
    (walk.typed, walk.cursor, walk.hints, walk.note) = (String::new(), 0, 0, None);
    walk.down = 0;
    let entry = lab.spec.entry;
    let Some(step) = entry.manifest.walk.get(walk.at) else {
        walk.note = None;
        lab.walk = Some(walk);
        return None;
    };
    (lab.by_instance, lab.selected) = (step.by_instance, 0);
    if let Some(Kind::Line { .. }) = question(lab, step).map(|question| &question.kind) {
        // The first line of code below the imports.
        walk.cursor = listing(lab, step).map_or(0, |(_, text)| {
            text.lines().position(|line| line.starts_with("pub fn")).unwrap_or_default()
        });
    }
    let command = if step.lanes.is_empty() || walk.stage == Stage::Shown {
        None
    } else {
        walk.names.clone_from(&step.names);
        walk.exits_s = vec![None; step.lanes.len()];
        walk.went_on = None;
        walk.since.clear();
        let release_s = entry.manifest.release_s();
        let from_ms = ((release_s - BEFORE_RELEASE_S).max(0.0) * 1000.0) as u64;
        let held = Speed::Times(0.0);
        let time_lapse = TimeLapse { speed: held, from_ms, ..TimeLapse::default() };
        lab.spec = Spec {
            variants: step.lanes.clone(),
            clock: Clock::Virtual,
            duration: Some(Duration::from_hours(1)),
            time_lapse,
            ..lab.spec.clone()
        };
        lab.main = Track::new(Source::TimeLapse(held), super::model::LabData::new(&lab.spec));
        lab.selected = 0;
        lab.span_s = SPAN_S;
        Some(Command::Start(RunId::Main, Box::new(lab.spec.clone())))
    };
    lab.walk = Some(walk);
    command
}

/// Whether an action is the walk's.
pub fn is_own(action: Action) -> bool {
    use Action::{Down, Hint, PageDown, PageUp, Presenter, Skip, Up, WalkBack, WalkOn};
    matches!(action, WalkOn | WalkBack | Hint | Skip | Presenter | Up | Down | PageUp | PageDown)
}

/// Takes a key; none: it is not one for the walk.
pub fn press(lab: &mut Lab, code: KeyCode) -> bool {
    let Some(mut walk) = lab.walk.take() else { return false };
    let asked = step(lab, &walk).and_then(|step| question(lab, step)).map(|q| q.kind.clone());
    let types = walk.stage == Stage::Told && matches!(asked, Some(Kind::Number { .. }));
    let taken = match code {
        KeyCode::Char(c) if types && (c.is_ascii_digit() || matches!(c, '.' | ',')) => {
            walk.typed.push(if c == ',' { '.' } else { c });
            walk.typed.truncate(MOST_TYPED);
            true
        }
        KeyCode::Backspace if types => {
            walk.typed.pop();
            true
        }
        KeyCode::Char(c) if types && c.is_ascii_alphabetic() && !matches!(c, 'h' | 's' | 'q') => {
            walk.note = Some("a number, please; h gives a hint, s skips".to_owned());
            return keep(lab, walk);
        }
        KeyCode::Char(c @ '1'..='9') if walk.stage == Stage::Told => match &asked {
            Some(Kind::Choice(choices)) => {
                let wanted = c as usize - '1' as usize;
                walk.cursor = wanted.min(choices.len() - 1);
                true
            }
            _ => false,
        },
        _ => false,
    };
    if taken {
        walk.note = None;
    }
    lab.walk = Some(walk);
    taken
}

fn keep(lab: &mut Lab, walk: Walk) -> bool {
    lab.walk = Some(walk);
    true
}

/// Carries out a key of the walk's own.
pub fn act(lab: &mut Lab, action: Action) -> Option<Command> {
    let mut walk = lab.walk.take()?;
    walk.note = None;
    let entry = lab.spec.entry;
    let Some(step) = entry.manifest.walk.get(walk.at) else {
        let command = at_the_end(&mut walk, action);
        lab.walk = Some(walk);
        return if command { enter(lab) } else { None };
    };
    let asked = question(lab, step).cloned();
    let told = walk.stage == Stage::Told;
    let command = match action {
        Action::WalkOn | Action::Skip if starts(lab, &walk) => {
            walk.note = Some(STARTING.to_owned());
            None
        }
        Action::WalkOn if walk.stage == Stage::Runs => {
            walk.note = Some("the run goes on until it has shown this; s holds it here".to_owned());
            None
        }
        Action::WalkOn if told && asked.is_some() => match answer(&walk, asked.as_ref()) {
            Ok(said) => go_on(lab, &mut walk, step, said),
            Err(why) => {
                walk.note = Some(why);
                None
            }
        },
        Action::WalkOn if told && step.until.is_some() => {
            go_on(lab, &mut walk, step, Said::Nothing)
        }
        Action::WalkOn => {
            if walk.done[walk.at].is_none() {
                walk.done[walk.at] = Some(shown(lab, &walk, step, Said::Nothing));
                take_shot(lab, &mut walk);
            }
            if walk.at + 1 < walk.done.len() {
                walk.at += 1;
                lab.walk = Some(walk);
                return enter(lab);
            }
            walk.note = Some("this was the last step; esc leads back to the incidents".to_owned());
            None
        }
        Action::WalkBack if walk.at > 0 && walk.stage != Stage::Runs => {
            walk.at -= 1;
            // Of a walk that was taken up, the pages before have not shown anything yet.
            if walk.done[walk.at].is_none() {
                walk.at = run_begins(&entry.manifest, walk.at);
            }
            lab.walk = Some(walk);
            return enter(lab);
        }
        Action::WalkBack => {
            walk.note = Some("there is nothing before this to go back to".to_owned());
            None
        }
        Action::Hint => {
            let all = asked.as_ref().map_or(0, |question| question.hints.len());
            if told && walk.hints < all {
                walk.hints += 1;
                walk.helped += 1;
            } else if told && all > 0 {
                walk.note = Some("there are no more hints; s skips the question".to_owned());
            } else {
                walk.note = Some("there is no hint here".to_owned());
            }
            None
        }
        Action::Skip if told && asked.is_some() => go_on(lab, &mut walk, step, Said::Skipped),
        Action::Skip if walk.stage == Stage::Runs => {
            show(lab, &mut walk, step);
            None
        }
        Action::Skip => {
            walk.note = Some("there is nothing to skip; enter goes on".to_owned());
            None
        }
        Action::Presenter => {
            walk.presents = !walk.presents;
            None
        }
        Action::Up | Action::Down if told => {
            move_cursor(lab, &mut walk, step, action == Action::Down);
            None
        }
        Action::PageUp | Action::PageDown if told => {
            for _ in 0..PAGE {
                move_cursor(lab, &mut walk, step, action == Action::PageDown);
            }
            None
        }
        _ => None,
    };
    lab.walk = Some(walk);
    command
}

/// Carries out a key at the last page; tells whether it leads back to a step.
fn at_the_end(walk: &mut Walk, action: Action) -> bool {
    match action {
        Action::WalkBack => walk.at -= 1,
        Action::Up => walk.down = walk.down.saturating_sub(1),
        Action::Down => walk.down += 1,
        Action::WalkOn => {
            walk.note = Some("this was the last page; esc leads back to the incidents".to_owned());
        }
        _ => walk.note = Some("this page asks nothing; ⌫ leads back, esc out".to_owned()),
    }
    action == Action::WalkBack
}

fn move_cursor(lab: &Lab, walk: &mut Walk, step: &Step, down: bool) {
    let last = match question(lab, step).map(|question| &question.kind) {
        Some(Kind::Choice(choices)) => {
            let last = choices.len().saturating_sub(1);
            let next = if down { walk.cursor + 1 } else { walk.cursor.saturating_sub(1) };
            walk.cursor = next.min(last);
            return;
        }
        Some(Kind::Line { .. }) => {
            listing(lab, step).map_or(0, |(_, text)| text.lines().count().saturating_sub(1))
        }
        _ => return,
    };
    let code = listing(lab, step).map_or("", |(_, text)| text);
    let lines: Vec<&str> = code.lines().collect();
    let mut next = walk.cursor;
    let folded = scaffolding(code);
    // Comments are not shown yet, and imports are folded.
    loop {
        let before = next;
        next = if down { (next + 1).min(last) } else { next.saturating_sub(1) };
        let is_folded = folded.get(next).copied().unwrap_or_default();
        let is_code = |line: &&str| !is_comment(line) && !line.trim().is_empty();
        let shown = !is_folded && lines.get(next).is_some_and(is_code);
        if shown {
            walk.cursor = next;
        }
        if shown || next == before {
            return;
        }
    }
}

/// What the learner has said, or why that is no answer.
fn answer(walk: &Walk, asked: Option<&Question>) -> Result<Said, String> {
    match asked.map(|question| &question.kind) {
        None => Ok(Said::Nothing),
        Some(Kind::Choice(_)) => Ok(Said::Choice(walk.cursor)),
        Some(Kind::Line { .. }) => Ok(Said::Line(walk.cursor)),
        Some(Kind::Number { .. }) if walk.typed.is_empty() => {
            Err("type a number first: a guess is better than nothing; h gives a hint".to_owned())
        }
        Some(Kind::Number { .. }) => match walk.typed.parse() {
            Ok(number) => Ok(Said::Number(number)),
            Err(_) => Err(format!("`{}` is no number", walk.typed)),
        },
    }
}

/// Lets the run go on, once the learner has committed to an answer.
fn go_on(lab: &mut Lab, walk: &mut Walk, step: &Step, said: Said) -> Option<Command> {
    walk.went_on = Some(measured_now(lab));
    walk.since = vec![Since::default(); lab.lanes()];
    walk.begins = true;
    walk.done[walk.at] = Some(shown(lab, walk, step, said));
    if step.until.is_none() {
        walk.stage = Stage::Shown;
        take_shot(lab, walk);
        return None;
    }
    walk.stage = Stage::Runs;
    let speed = Speed::Times(step.speed * walk.faster);
    lab.main.source = Source::TimeLapse(speed);
    let goes = Command::Both(Box::new([hold_after_a_tick(lab), tell(Control::SetSpeed(speed))]));
    let does = step.does.map(|does| match does {
        Does::SwitchOff => {
            let incident = lab.spec.entry.manifest.id.clone();
            Control::SetBug { lane: 0, incident, variant: None }
        }
        Does::Restart => Control::Restart { lane: 0, console: false },
    });
    let set = step.set.iter().map(|(name, value)| match name.as_str() {
        "rate_per_s" => Control::SetRate(*value),
        _ => Control::SetParam { name: name.clone(), value: *value },
    });
    // What happens comes before time passes.
    Some(
        does.into_iter()
            .chain(set)
            .fold(goes, |rest, control| Command::Both(Box::new([tell(control), rest]))),
    )
}

fn tell(control: Control) -> Command {
    Command::Tell(RunId::Main, control)
}

/// Lets the run go on for a tick, and holds it there: whether it has shown enough is looked at in between, so
/// that it shows the same to everybody, however fast the machine or the learner.
fn hold_after_a_tick(lab: &Lab) -> Command {
    let tick_ms = TICK.as_millis() as u64;
    // The sample of the moment at which it is held is told with the next one.
    let told_ms = (lab.main.head.now_s * 1000.0).round() as u64;
    let held_ms = (told_ms / tick_ms + 1) * tick_ms;
    tell(Control::HoldAt(held_ms + tick_ms))
}

/// Keeps the lanes as they are, for whoever comes back to this page.
fn take_shot(lab: &Lab, walk: &mut Walk) {
    let (data, variants) = (lab.main.head.clone(), lab.spec.variants.clone());
    walk.shots[walk.at] = Some(Box::new(Shot { data, variants, names: walk.names.clone() }));
}

/// Tells what the run has shown, which is held by now.
fn show(lab: &mut Lab, walk: &mut Walk, step: &Step) {
    let said = walk.done[walk.at].as_ref().map_or(Said::Nothing, |done| done.said);
    walk.done[walk.at] = Some(shown(lab, walk, step, said));
    walk.stage = Stage::Shown;
    walk.note = None;
    take_shot(lab, walk);
    lab.main.source = Source::TimeLapse(Speed::Times(0.0));
}

/// Looks at an event of the run: whether it has shown what the step waits for.
pub fn observe(lab: &mut Lab, event: &Event) -> Option<Command> {
    let mut walk = lab.walk.take()?;
    if let (What::Exit { cause, .. }, Some(lane)) = (&event.what, event.lane)
        && *cause != ExitCause::Stopped
        && let Some(first @ None) = walk.exits_s.get_mut(lane)
    {
        *first = Some(event.at_ms as f64 / 1000.0);
    }
    if let Some(since) = event.lane.and_then(|lane| walk.since.get_mut(lane)) {
        match &event.what {
            What::Sample(sample) => since.take(sample),
            What::Exit { cause, .. } => since.exits += u32::from(*cause != ExitCause::Stopped),
            _ => {}
        }
    }
    let entry = lab.spec.entry;
    let Some(step) = entry.manifest.walk.get(walk.at) else {
        lab.walk = Some(walk);
        return None;
    };
    if walk.note.as_deref() == Some(STARTING) && !starts(lab, &walk) {
        walk.note = None;
    }
    let sampled = matches!(event.what, What::Sample(_)) && event.lane == Some(lab.lanes() - 1);
    if sampled && std::mem::take(&mut walk.begins) {
        // The moment at which it was held is told with the next one.
        walk.went_on = Some(measured_now(lab));
    }
    let command = if sampled && walk.stage == Stage::Runs {
        let values = values(lab, &walk, Some(step));
        let met = |values: &Values| {
            step.until.as_ref().is_none_or(|until| until.eval(values).is_ok_and(|v| v > 0.0))
        };
        let late = values.get("since_s").is_some_and(|since_s| *since_s > PATIENCE_S);
        if met(&values) || late {
            show(lab, &mut walk, step);
            if late && !met(&values) {
                walk.note = Some(format!(
                    "at this load it has not come in {PATIENCE_S} s: the figures are those of now"
                ));
            }
            None
        } else {
            Some(hold_after_a_tick(lab))
        }
    } else {
        None
    };
    lab.walk = Some(walk);
    command
}
