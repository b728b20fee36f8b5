//! The guided walk: its position, the learner's answers, and the proof that the run has given. Time passes only
//! where a step lets it; the run is held while a page is read and its question answered.
//!
//! * `values`: values for the texts and formulas of a page
//! * [`page`]: a page as a front end shows it; `judge`: answers and reveals; `listing`: the code of a question

mod judge;
mod listing;
pub mod page;
pub(super) mod values;

use serde::{Deserialize, Serialize};

use super::progress::WalkProgress;
use super::run_state::RunState;
use super::track::{RunId, Source, Track};
use super::{Effect, Session};
use crate::event::{Clock, Event, ExitCause, TICK, What};
use crate::incident::formula::Values;
use crate::incident::manifest::Manifest;
use crate::incident::walk::{Does, Question, Step};
use crate::plan::Plan;
use crate::script::{Control, Pacing, Speed};
use judge::reveal;
pub use judge::{AnswerKey, Ruling};
pub use listing::{Listing, is_comment, scaffolding};
use values::Since;

/// A run begins this many seconds before the release.
const BEFORE_RELEASE_S: f64 = 0.2;

/// Note for an answer that comes before there is anything to answer from.
const STARTING: &str = "the servers are still starting: a moment";

/// The condition of a step is met within this many seconds of the run, or the walk says that it was not.
const PATIENCE_S: f64 = 180.0;

/// How long the run of a walk may last, in milliseconds.
const LONGEST_MS: u64 = 3_600_000;

/// The state of a walk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Walk {
    /// The page, from 0.
    pub at: usize,
    /// The stage of that page.
    pub stage: Stage,
    /// Hints of this page's question that have been asked for.
    pub hints: usize,
    /// Hints of all questions that have been asked for.
    pub helped: usize,
    /// A note on an input that had no effect.
    pub note: Option<String>,
    /// The outcome of each page; none: not yet.
    pub done: Vec<Option<Done>>,
    /// Names of the lanes; empty: their variants.
    pub names: Vec<String>,
    /// Factor on the speed of every stretch.
    pub faster: f64,
    /// Whether the run is held, all samples up to that moment taken in.
    held: bool,
    /// The lanes as each page left them.
    shots: Vec<Option<Box<Shot>>>,
    /// The first exit of each lane, in seconds of the run.
    exits_s: Vec<Option<f64>>,
    /// The time at which the run went on, and the measures of each lane then.
    went_on: Option<(f64, Vec<Values>)>,
    /// Counts of each lane since then.
    since: Vec<Since>,
}

/// The stages of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It is read, and its question asked, if it has one.
    Told,
    /// The run goes on until the condition of the step is met.
    Runs,
    /// The result is shown.
    Shown,
}

/// The outcome of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The texts of the page, with the figures of the moment at which they were shown.
    pub texts: Texts,
    /// The learner's reply.
    pub reply: Reply,
    /// Whether the answer was right; none where there was no question, or no answer.
    pub right: Option<bool>,
    /// Answered, measured and computed figures, each with its name.
    pub figures: Vec<(String, String)>,
    /// The explanation.
    pub why: String,
    /// The line of code that was asked for, from 0.
    pub line: Option<usize>,
}

/// The texts of a page before its answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Texts {
    /// The introduction.
    pub says: String,
    /// A remark on how the time of the run passes; empty: none.
    pub pace: String,
    /// The question; empty: none.
    pub prompt: String,
    /// The options of a choice.
    pub choices: Vec<String>,
}

/// An answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The option with this number, from 0.
    Choice(usize),
    /// A number.
    Number(f64),
    /// A line of code, from 0.
    Line(usize),
}

/// The learner's reply to a page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// There was no question.
    Nothing,
    /// The question was skipped.
    Skipped,
    /// An answer.
    Answer(Answer),
}

/// The lanes as a page left them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Shot {
    state: RunState,
    variants: Vec<String>,
    names: Vec<String>,
}

impl Walk {
    /// A walk before its first page, whose stretches pass `faster` times as fast.
    pub(super) fn new(manifest: &Manifest, faster: f64) -> Self {
        Self {
            at: 0,
            stage: Stage::Told,
            hints: 0,
            helped: 0,
            note: None,
            done: vec![None; manifest.pages()],
            names: Vec::new(),
            faster,
            held: false,
            shots: vec![None; manifest.pages()],
            exits_s: Vec::new(),
            went_on: None,
            since: Vec::new(),
        }
    }

    /// The lanes as the page that is looked back at left them; none: it is the newest page.
    fn shot(&self) -> Option<&Shot> {
        let later = self.done.iter().skip(self.at + 1).any(Option::is_some);
        self.shots.get(self.at)?.as_deref().filter(|_| later)
    }

    /// The state of the run on the page that is looked back at; none: it is the newest page.
    pub(super) fn state(&self) -> Option<&RunState> {
        Some(&self.shot()?.state)
    }

    /// The name of a lane, where the walk has one for it.
    pub(super) fn name(&self, lane: usize) -> Option<&String> {
        match self.shot() {
            Some(shot) => shot.names.get(lane).or(shot.variants.get(lane)),
            None => self.names.get(lane),
        }
    }

    /// Returns true while the run that this page begins has not come to the moment at which it is held.
    pub fn is_starting(&self) -> bool {
        self.stage == Stage::Told
            && !self.held
            && self.done.get(self.at).is_some_and(Option::is_none)
    }

    /// Returns true on the last page.
    pub fn is_finished(&self) -> bool {
        self.at + 1 == self.done.len()
    }

    /// The progress to remember.
    pub fn progress(&self) -> WalkProgress {
        let answers = || self.done.iter().flatten().filter_map(|done| done.right);
        WalkProgress {
            pages: self.at + 1,
            finished: self.is_finished(),
            last_page: self.at + 1,
            last_finished: self.is_finished(),
            hints: self.helped,
            answered: answers().count(),
            right: answers().filter(|right| *right).count(),
        }
    }
}

/// The page at which the run of a page begins, both from 0. The last page has none of its own.
pub fn run_begins(manifest: &Manifest, page: usize) -> usize {
    let walk = &manifest.walk;
    walk.iter().take(page + 1).rposition(|step| !step.lanes.is_empty()).unwrap_or(0)
}

/// The question of a step.
pub(super) fn question<'a>(manifest: &'a Manifest, step: &Step) -> Option<&'a Question> {
    let asks = step.asks.as_ref()?;
    manifest.questions.iter().find(|question| question.id == *asks)
}

impl Session {
    /// Goes to the page at which the run of `page` begins, and starts that.
    pub(super) fn take_up(&mut self, page: usize) -> Vec<Effect> {
        let at = run_begins(self.case.manifest(), page);
        let Some(walk) = &mut self.walk else { return Vec::new() };
        walk.at = at;
        self.enter()
    }

    /// Begins the page that the walk is at.
    pub(super) fn enter(&mut self) -> Vec<Effect> {
        let Some(mut walk) = self.walk.take() else { return Vec::new() };
        walk.stage = if walk.done[walk.at].is_some() { Stage::Shown } else { Stage::Told };
        (walk.hints, walk.note) = (0, None);
        let entry = self.case.entry.clone();
        let step = entry.manifest.walk.get(walk.at);
        let begins = step.filter(|step| !step.lanes.is_empty() && walk.stage == Stage::Told);
        let effects = begins.map(|step| {
            walk.names.clone_from(&step.names);
            walk.exits_s = vec![None; step.lanes.len()];
            walk.went_on = None;
            walk.since.clear();
            walk.held = false;
            let release_s = entry.manifest.release_s();
            let from_ms = ((release_s - BEFORE_RELEASE_S).max(0.0) * 1000.0) as u64;
            let held = Speed::Times(0.0);
            let plan = Plan {
                variants: step.lanes.clone(),
                clock: Clock::Virtual,
                duration_ms: Some(LONGEST_MS),
                ..self.case.plan.clone()
            };
            self.case.plan = plan.clone();
            self.main = Track::new(Source::TimeLapse(held), RunState::new(&self.case));
            let pacing =
                Pacing { speed: held, from_ms, hold_ms: Some(from_ms), controls: Vec::new() };
            Effect::Start { run: RunId::Main, plan, pacing }
        });
        self.walk = Some(walk);
        effects.into_iter().collect()
    }

    /// Commits to an answer.
    pub(super) fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        self.reply(Some(Reply::Answer(answer)))
    }

    /// Lets the run go on where the page has no question, or turns to the next page.
    pub(super) fn next_page(&mut self) -> Vec<Effect> {
        self.reply(None)
    }

    /// Skips the question, or the rest of a stretch.
    pub(super) fn skip(&mut self) -> Vec<Effect> {
        let Some(walk) = &mut self.walk else { return Vec::new() };
        walk.note = None;
        let Some(step) = self.case.manifest().walk.get(walk.at) else {
            walk.note = Some("this page asks nothing; ⌫ leads back, esc out".to_owned());
            return Vec::new();
        };
        match walk.stage {
            Stage::Told if question(self.case.manifest(), step).is_some() => {
                self.reply(Some(Reply::Skipped))
            }
            Stage::Runs => {
                self.with_walk(Self::show);
                self.saved(Vec::new())
            }
            Stage::Told | Stage::Shown => {
                walk.note = Some("there is nothing to skip; enter goes on".to_owned());
                Vec::new()
            }
        }
    }

    /// Asks for the next hint.
    pub(super) fn hint(&mut self) -> Vec<Effect> {
        let Some(walk) = &mut self.walk else { return Vec::new() };
        let manifest = self.case.manifest();
        let step = manifest.walk.get(walk.at);
        let hints = step.and_then(|step| question(manifest, step)).map_or(0, |q| q.hints.len());
        let told = walk.stage == Stage::Told;
        walk.note = match () {
            () if told && walk.hints < hints => {
                walk.hints += 1;
                walk.helped += 1;
                None
            }
            () if told && hints > 0 => {
                Some("there are no more hints; s skips the question".to_owned())
            }
            () => Some("there is no hint here".to_owned()),
        };
        self.saved(Vec::new())
    }

    /// Turns back a page.
    pub(super) fn page_back(&mut self) -> Vec<Effect> {
        let manifest = self.case.entry.clone();
        let Some(walk) = &mut self.walk else { return Vec::new() };
        if walk.at == 0 || walk.stage == Stage::Runs {
            walk.note = Some("there is nothing before this to go back to".to_owned());
            return Vec::new();
        }
        walk.at -= 1;
        // Of a walk that was resumed, the pages before have not shown anything yet.
        if walk.done[walk.at].is_none() {
            walk.at = run_begins(&manifest.manifest, walk.at);
        }
        let effects = self.enter();
        self.saved(effects)
    }

    /// Takes in a reply, or turns the page without one.
    fn reply(&mut self, reply: Option<Reply>) -> Vec<Effect> {
        let Some(walk) = &mut self.walk else { return Vec::new() };
        walk.note = None;
        let entry = self.case.entry.clone();
        let Some(step) = entry.manifest.walk.get(walk.at) else {
            walk.note = Some("this was the last page; esc leads back to the incidents".to_owned());
            return Vec::new();
        };
        let asks = question(&entry.manifest, step);
        if walk.is_starting() {
            walk.note = Some(STARTING.to_owned());
            return Vec::new();
        }
        let effects = match walk.stage {
            Stage::Runs => {
                walk.note =
                    Some("the run goes on until it has shown this; s holds it here".to_owned());
                Vec::new()
            }
            Stage::Told if asks.is_some() || step.until.is_some() => match (reply, asks) {
                (None, Some(_)) => {
                    walk.note = Some("answer first; h gives a hint, s skips".to_owned());
                    Vec::new()
                }
                (Some(Reply::Answer(answer)), asked)
                    if !asked.is_some_and(|question| judge::fits(question, answer)) =>
                {
                    walk.note = Some("that is not an answer to this question".to_owned());
                    Vec::new()
                }
                (reply, _) => self
                    .with_walk(|session, walk, step| {
                        session.go_on(walk, step, reply.unwrap_or(Reply::Nothing))
                    })
                    .unwrap_or_default(),
            },
            Stage::Told | Stage::Shown => self.turn(),
        };
        self.saved(effects)
    }

    /// Turns to the next page.
    fn turn(&mut self) -> Vec<Effect> {
        self.with_walk(|session, walk, step| {
            if walk.done[walk.at].is_none() {
                walk.done[walk.at] = Some(reveal(session, walk, step, Reply::Nothing));
                session.take_shot(walk);
            }
        });
        let Some(walk) = &mut self.walk else { return Vec::new() };
        if walk.at + 1 < walk.done.len() {
            walk.at += 1;
            return self.enter();
        }
        walk.note = Some("this was the last step; esc leads back to the incidents".to_owned());
        Vec::new()
    }

    /// Calls `act` with the walk and its step, apart from the rest of the session.
    fn with_walk<R>(&mut self, act: impl FnOnce(&mut Self, &mut Walk, &Step) -> R) -> Option<R> {
        let mut walk = self.walk.take()?;
        let entry = self.case.entry.clone();
        let done = entry.manifest.walk.get(walk.at).map(|step| act(self, &mut walk, step));
        self.walk = Some(walk);
        done
    }

    /// These effects, and that progress is saved.
    fn saved(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        effects.extend(self.walk.as_ref().map(|walk| Effect::SaveProgress(walk.progress())));
        effects
    }

    /// Lets the run go on, once the learner has committed to an answer.
    fn go_on(&mut self, walk: &mut Walk, step: &Step, reply: Reply) -> Vec<Effect> {
        walk.went_on = Some(values::measured_now(self));
        walk.since = vec![Since::default(); self.main.head.lanes.len()];
        walk.done[walk.at] = Some(reveal(self, walk, step, reply));
        if step.until.is_none() {
            walk.stage = Stage::Shown;
            self.take_shot(walk);
            return Vec::new();
        }
        walk.stage = Stage::Runs;
        walk.held = false;
        let speed = Speed::Times(step.speed * walk.faster);
        self.main.source = Source::TimeLapse(speed);
        let does = step.does.map(|does| match does {
            Does::SwitchOff => {
                let incident = self.case.plan.incident.clone();
                Control::SetBug { lane: 0, incident, variant: None }
            }
            Does::Restart => Control::Restart { lane: 0, console: false },
        });
        let set = step.set.iter().map(|(name, value)| match name.as_str() {
            "rate_per_s" => Control::SetRate(*value),
            _ => Control::SetParam { name: name.clone(), value: *value },
        });
        // Changes come before time passes.
        let goes = [Control::HoldAt(self.next_tick_ms()), Control::SetSpeed(speed)];
        let controls = does.into_iter().chain(set).chain(goes);
        controls.map(|control| Effect::Control(RunId::Main, control)).collect()
    }

    /// The next tick of the run. It is held at each, and the condition of the step checked there, so that it shows
    /// the same to everybody, however fast the machine or the learner.
    fn next_tick_ms(&self) -> u64 {
        let tick_ms = TICK.as_millis() as u64;
        let now_ms = (self.main.head.now_s * 1000.0).round() as u64;
        (now_ms / tick_ms + 1) * tick_ms
    }

    /// Keeps the lanes as they are, for a learner who comes back to this page.
    fn take_shot(&self, walk: &mut Walk) {
        let (state, variants) = (self.main.head.clone(), self.case.plan.variants.clone());
        walk.shots[walk.at] = Some(Box::new(Shot { state, variants, names: walk.names.clone() }));
    }

    /// Shows the result; the run is held by now, or will be at the next tick.
    fn show(&mut self, walk: &mut Walk, step: &Step) {
        let reply = walk.done[walk.at].as_ref().map_or(Reply::Nothing, |done| done.reply);
        walk.done[walk.at] = Some(reveal(self, walk, step, reply));
        walk.stage = Stage::Shown;
        walk.note = None;
        self.take_shot(walk);
        self.main.source = Source::TimeLapse(Speed::Times(0.0));
    }

    /// Takes in an event of the run, and checks whether the condition of the step is met.
    pub(super) fn observe(&mut self, event: &Event) -> Vec<Effect> {
        let Some(walk) = &mut self.walk else { return Vec::new() };
        if let Some(lane) = event.lane {
            let at_s = event.at_ms as f64 / 1000.0;
            walk.count(lane, at_s, &event.what);
        }
        if !matches!(event.what, What::Held) {
            return Vec::new();
        }
        walk.held = true;
        if walk.note.as_deref() == Some(STARTING) {
            walk.note = None;
        }
        if walk.stage != Stage::Runs {
            return Vec::new();
        }
        let shown = self.with_walk(|session, walk, step| {
            let values = values::of_step(session, walk, Some(step));
            let met =
                step.until.as_ref().is_none_or(|until| until.eval(&values).is_ok_and(|v| v > 0.0));
            let late = values.get("since_s").is_some_and(|since_s| *since_s > PATIENCE_S);
            if !met && !late {
                walk.held = false;
                return false;
            }
            session.show(walk, step);
            if !met {
                walk.note = Some(format!(
                    "at this load it has not come in {PATIENCE_S} s: the figures are those of now"
                ));
            }
            true
        });
        match shown {
            Some(false) => {
                vec![Effect::Control(RunId::Main, Control::HoldAt(self.next_tick_ms()))]
            }
            _ => Vec::new(),
        }
    }
}

impl Walk {
    /// Counts an event of a lane.
    fn count(&mut self, lane: usize, at_s: f64, what: &What) {
        let since = self.since.get_mut(lane);
        match what {
            What::Sample(sample) => since.into_iter().for_each(|since| since.take(sample)),
            What::Exit { cause, .. } if *cause != ExitCause::Stopped => {
                since.into_iter().for_each(Since::exited);
                if let Some(first @ None) = self.exits_s.get_mut(lane) {
                    *first = Some(at_s);
                }
            }
            _ => {}
        }
    }
}
