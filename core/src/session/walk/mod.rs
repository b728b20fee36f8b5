//! The guided walk: its position, the learner's answers, and the proof that the run has given. Time passes only
//! where a step lets it; the run is held while a page is read and its question answered.
//!
//! * `state`: the position; `values`: values for the texts and formulas of a page
//! * [`page`]: a page as a front end shows it; [`follow`]: a walk that a class takes; `judge`: answers and reveals; `listing`: the code of a question

pub mod follow;
mod judge;
pub(super) mod listing;
pub mod page;
mod state;
pub(super) mod values;

use serde::{Deserialize, Serialize};

use super::run_state::RunState;
use super::track::{RunId, Source, Track};
use super::{Effect, Session};
use crate::event::{Clock, Event, EventKind, TICK};
use crate::incident::manifest::Manifest;
use crate::incident::walk::{Does, Question, WalkStep};
use crate::plan::Plan;
use crate::script::{Control, Pacing, Speed};
use judge::reveal;
pub use judge::{AnswerKey, Ruling};
pub use listing::{Listing, hidden_while_open, is_comment, numbers, scaffolding};
use state::Shot;
pub use state::{Answer, Done, Reply, Stage, Texts, Walk};
use values::Since;

/// A run begins this many seconds before the release.
const BEFORE_RELEASE_S: f64 = 0.2;

/// Note for an answer that comes before there is anything to answer from.
const STARTING: &str = "the servers are still starting";

/// The condition of a step is met within this many seconds of the run, or the walk says that it was not.
const PATIENCE_S: f64 = 180.0;

/// Longest run of a walk, in milliseconds.
const LONGEST_MS: u64 = 3_600_000;

/// An input of a learner in a walk: a part of the session's [`Input`](super::Input)s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum WalkInput {
    /// Commits to an answer.
    Answer(Answer),
    /// Goes on.
    Next,
    /// Turns back a page.
    Back,
    /// Asks for a hint.
    Hint,
    /// Skips the question.
    Skip,
}

impl From<WalkInput> for super::Input {
    fn from(input: WalkInput) -> Self {
        match input {
            WalkInput::Answer(answer) => Self::Answer(answer),
            WalkInput::Next => Self::Next,
            WalkInput::Back => Self::Back,
            WalkInput::Hint => Self::Hint,
            WalkInput::Skip => Self::Skip,
        }
    }
}

/// The page at which the run of a page begins, both from 0. The last page has none of its own.
pub fn run_begins(manifest: &Manifest, page: usize) -> usize {
    let walk = &manifest.walk;
    walk.iter().take(page + 1).rposition(|step| !step.lanes.is_empty()).unwrap_or(0)
}

/// The question of a step.
pub(super) fn question<'a>(manifest: &'a Manifest, step: &WalkStep) -> Option<&'a Question> {
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
        walk.stage = if walk.done[walk.at].is_some() { Stage::Revealed } else { Stage::Prompt };
        (walk.hints, walk.note) = (0, None);
        let entry = self.case.entry.clone();
        let step = entry.manifest.walk.get(walk.at);
        let begins = step.filter(|step| !step.lanes.is_empty() && walk.stage == Stage::Prompt);
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
            walk.note = Some("this page has no question; ← goes back, esc leaves".to_owned());
            return Vec::new();
        };
        match walk.stage {
            Stage::Prompt if question(self.case.manifest(), step).is_some() => {
                self.reply(Some(Reply::Skipped))
            }
            Stage::Running => {
                self.with_walk(Self::show);
                self.saved(Vec::new())
            }
            Stage::Prompt | Stage::Revealed => {
                walk.note = Some("there is nothing to skip; enter continues".to_owned());
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
        let told = walk.stage == Stage::Prompt;
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
        if walk.at == 0 || walk.stage == Stage::Running {
            walk.note = Some("there is no earlier page".to_owned());
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
            walk.note = Some("this is the last page; esc goes back to the incidents".to_owned());
            return Vec::new();
        };
        let asks = question(&entry.manifest, step);
        if walk.is_starting() {
            walk.note = Some(STARTING.to_owned());
            return Vec::new();
        }
        let effects = match walk.stage {
            Stage::Running => {
                walk.note = Some("the run continues until the result; s stops it here".to_owned());
                Vec::new()
            }
            Stage::Prompt if asks.is_some() || step.until.is_some() => match (reply, asks) {
                (None, Some(_)) => {
                    walk.note = Some("answer first; h gives a hint, s skips".to_owned());
                    Vec::new()
                }
                (Some(Reply::Answer(answer)), asked)
                    if !asked.is_some_and(|question| judge::fits(question, answer)) =>
                {
                    walk.note = Some("this is not an answer to this question".to_owned());
                    Vec::new()
                }
                (reply, _) => self
                    .with_walk(|session, walk, step| {
                        session.go_on(walk, step, reply.unwrap_or(Reply::Nothing))
                    })
                    .unwrap_or_default(),
            },
            Stage::Prompt | Stage::Revealed => self.turn(),
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
        walk.note = Some("this was the last page; esc goes back to the incidents".to_owned());
        Vec::new()
    }

    /// Calls `act` with the walk and its step, apart from the rest of the session.
    fn with_walk<R>(
        &mut self,
        act: impl FnOnce(&mut Self, &mut Walk, &WalkStep) -> R,
    ) -> Option<R> {
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
    fn go_on(&mut self, walk: &mut Walk, step: &WalkStep, reply: Reply) -> Vec<Effect> {
        // The texts tell of the stretch before, whose counts end here.
        let texts = judge::texts(self, walk, step);
        walk.went_on = Some(values::measured_now(self));
        walk.since = vec![Since::default(); self.main.head.lanes.len()];
        walk.done[walk.at] = Some(Done { texts, ..reveal(self, walk, step, reply) });
        if step.until.is_none() {
            walk.stage = Stage::Revealed;
            self.take_shot(walk);
            return Vec::new();
        }
        walk.stage = Stage::Running;
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
    fn show(&mut self, walk: &mut Walk, step: &WalkStep) {
        let reply = walk.done[walk.at].as_ref().map_or(Reply::Nothing, |done| done.reply);
        walk.done[walk.at] = Some(reveal(self, walk, step, reply));
        walk.stage = Stage::Revealed;
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
        if !matches!(event.what, EventKind::Held) {
            return Vec::new();
        }
        walk.held = true;
        if walk.note.as_deref() == Some(STARTING) {
            walk.note = None;
        }
        if walk.stage != Stage::Running {
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
                    "at this load the result did not appear within {PATIENCE_S} s: these are the current figures"
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
