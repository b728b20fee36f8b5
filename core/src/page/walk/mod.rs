//! A guided walk in a page: the session, the run that it asks for, and what of it is shown, as HTML. A page sends
//! what its learner does and how much time has passed, and shows what comes back; it judges nothing itself.
//!
//! * `run`: the run, made here or recorded beforehand; `draw`: the state of a walk as HTML

mod draw;
mod run;

use serde::{Deserialize, Serialize};

use super::{Drawn, PageData};
use crate::event::{Event, TICK};
use crate::lane::HeapMeter;
use crate::plan::{Case, Plan};
use crate::script::{Control, Speed};
use crate::session::progress::WalkProgress;
use crate::session::track::RunId;
use crate::session::walk::follow::{Place, Toward};
use crate::session::walk::{Stage, WalkInput};
use crate::session::{Effect, Input, Session};
use run::PageRun;
pub use run::Recording;

/// Ticks that one call lets pass at most, so that the page stays responsive.
const MOST_TICKS: usize = 40;

/// Wall time that one call lets pass at most, in milliseconds: a page that was hidden goes on where it was.
const MOST_MS: f64 = 250.0;

/// Events of a run that are kept for a look back. A walk's own runs have far fewer.
const MOST_EVENTS: usize = 100_000;

/// Inputs that are kept, to come back to the same page later.
const MOST_INPUTS: usize = 1000;

/// A request of a page.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub enum Asked {
    /// The learner has done this.
    Input(WalkInput),
    /// Wall time has passed, in milliseconds.
    Passed(f64),
    /// The rest of a stretch passes as fast as it can.
    Faster,
    /// The class is at this place.
    Follow(Place),
    /// Nothing: only what is shown is asked for.
    Show,
}

/// A walk to open.
#[derive(Debug, Clone, Deserialize)]
pub struct WalkToOpen {
    /// The incident and the seed of its runs.
    pub plan: Plan,
    /// Seed of the order of options.
    pub seed: u64,
    /// Inputs of an earlier visit, which are made again.
    #[serde(default)]
    pub inputs: Vec<WalkInput>,
    /// Its runs, where they were recorded beforehand.
    #[serde(default)]
    pub recording: Option<Recording>,
}

/// Why a walk cannot go on in a page.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The incident has no walk.
    #[error("`{0}` has no walk")]
    NoWalk(String),
    /// A lane broke.
    #[error("the run has failed: {0:#}")]
    Run(anyhow::Error),
}

/// A guided walk in a page.
#[derive(Debug)]
pub struct WalkPage {
    session: Session,
    recording: Option<Recording>,
    heap: HeapMeter,
    run: Option<PageRun>,
    /// The measurements of the newest run.
    told: PageData,
    /// The events of each run so far.
    runs: Vec<Vec<Event>>,
    /// For each page that was revealed: its run and the time of that, in milliseconds.
    revealed: Vec<Option<(usize, u64)>>,
    /// The page that is looked back at, and the measurements of its run up to then.
    past: Option<(usize, PageData)>,
    /// Virtual seconds a second of a stretch.
    times: f64,
    /// Virtual milliseconds that are due.
    due_ms: f64,
    inputs: Vec<WalkInput>,
    progress: WalkProgress,
    /// The place of the class, if the page belongs to one.
    place: Option<Place>,
}

impl WalkPage {
    /// Opens a walk, with the inputs of an earlier visit; `heap` measures the heap of this process.
    ///
    /// # Errors
    ///
    /// When the incident has no walk, or its run fails.
    pub fn open(case: Case, to_open: WalkToOpen, heap: HeapMeter) -> Result<Self, WalkError> {
        let WalkToOpen { seed, inputs, recording, .. } = to_open;
        if case.manifest().walk.is_empty() {
            return Err(WalkError::NoWalk(case.plan.incident));
        }
        let told = PageData::of(case.manifest(), &case.plan.variants);
        let pages = case.manifest().pages();
        let (session, effects) = Session::walk(case, 1.0, seed);
        let mut page = Self {
            session,
            recording,
            heap,
            run: None,
            told,
            runs: Vec::new(),
            revealed: vec![None; pages],
            past: None,
            times: 0.0,
            due_ms: 0.0,
            inputs: Vec::new(),
            progress: WalkProgress::default(),
            place: None,
        };
        page.carry_out(effects)?;
        for input in inputs.into_iter().take(MOST_INPUTS) {
            page.apply(input)?;
            while page.is_running() {
                page.tick()?;
            }
        }
        Ok(page)
    }

    /// Does what the page asks, and returns what is shown then.
    ///
    /// # Errors
    ///
    /// When the run fails.
    pub fn obey(&mut self, asked: Asked) -> Result<Drawn, WalkError> {
        match asked {
            Asked::Input(input) if self.may(input) => self.apply(input)?,
            Asked::Follow(place) => self.follow(place)?,
            Asked::Passed(wall_ms) => self.pass(wall_ms)?,
            Asked::Faster => {
                for _ in 0..MOST_TICKS {
                    self.tick()?;
                }
            }
            // An input that the class does not allow now has no effect.
            Asked::Input(_) | Asked::Show => {}
        }
        self.look_back();
        Ok(draw::drawn(self))
    }

    /// The session, for tests that compare it with that of another front end.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn apply(&mut self, input: WalkInput) -> Result<(), WalkError> {
        // What a stretch shows must not depend on the moment at which somebody skips it.
        if self.is_running() {
            return Ok(());
        }
        if self.inputs.len() < MOST_INPUTS {
            self.inputs.push(input);
        }
        let effects = self.session.apply(input.into());
        self.carry_out(effects)
    }

    /// Returns true if the class lets the learner do this now.
    fn may(&self, input: WalkInput) -> bool {
        self.place.is_none_or(|place| place.lets(&self.session, input))
    }

    /// Goes to the place of the class. Stretches on the way pass at once; the stretch of the place itself is shown.
    fn follow(&mut self, place: Place) -> Result<(), WalkError> {
        self.place = Some(place);
        // Each page takes two inputs at most, and may be gone back to first.
        for _ in 0..4 * self.session.case.manifest().pages() {
            match self.session.toward(&place) {
                Toward::There => break,
                Toward::Input(input) => self.apply(input)?,
                Toward::Pass => {
                    while self.is_running() {
                        self.tick()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns true while a stretch of the run passes.
    fn is_running(&self) -> bool {
        self.session.walk.as_ref().is_some_and(|walk| walk.stage == Stage::Running)
    }

    fn pass(&mut self, wall_ms: f64) -> Result<(), WalkError> {
        let tick_ms = TICK.as_millis() as f64;
        self.due_ms += wall_ms.clamp(0.0, MOST_MS) * self.times;
        for _ in 0..MOST_TICKS {
            if self.due_ms < tick_ms || !self.is_running() {
                break;
            }
            self.due_ms -= tick_ms;
            self.tick()?;
        }
        // What could not be computed in time is not made up for.
        self.due_ms = if self.is_running() { self.due_ms.min(tick_ms) } else { 0.0 };
        Ok(())
    }

    /// Lets a stretch of the run pass to the next moment at which it is held.
    fn tick(&mut self) -> Result<(), WalkError> {
        if self.is_running() { self.advance() } else { Ok(()) }
    }

    /// Lets the run pass to the moment at which it is held, and takes in what it said.
    fn advance(&mut self) -> Result<(), WalkError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let events = run.advance().map_err(WalkError::Run)?;
        for event in events {
            self.told.push(event.clone());
            if let Some(kept) = self.runs.last_mut().filter(|kept| kept.len() < MOST_EVENTS) {
                kept.push(event.clone());
            }
            let effects = self.session.apply(Input::Event(RunId::Main, event));
            self.carry_out(effects)?;
        }
        self.mark_revealed();
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), WalkError> {
        for effect in effects {
            match effect {
                Effect::Start { plan, pacing, .. } => {
                    let case = Case { plan, ..self.session.case.clone() };
                    self.told = PageData::of(case.manifest(), &case.plan.variants);
                    self.runs.push(Vec::new());
                    let page = self.session.walk.as_ref().map_or(0, |walk| walk.at);
                    let run =
                        PageRun::start(case, &pacing, (self.recording.as_ref(), page), self.heap);
                    self.run = Some(run.map_err(WalkError::Run)?);
                    self.times = 0.0;
                    self.advance()?;
                }
                Effect::Control(_, Control::SetSpeed(speed)) => {
                    self.times = match speed {
                        Speed::Times(times) => times,
                        Speed::Max => f64::MAX,
                    };
                }
                Effect::Control(_, control) => {
                    if let Some(run) = &mut self.run {
                        run.control(control).map_err(WalkError::Run)?;
                    }
                }
                Effect::SaveProgress(progress) => self.progress = progress,
                Effect::End(_) => self.run = None,
            }
        }
        self.mark_revealed();
        Ok(())
    }

    /// Notes when the present page showed its result.
    fn mark_revealed(&mut self) {
        let Some(walk) = &self.session.walk else { return };
        let at_ms = (self.session.main.head.now_s * 1000.0).round() as u64;
        let Some(run) = self.runs.len().checked_sub(1) else { return };
        if walk.stage == Stage::Revealed
            && let Some(first @ None) = self.revealed.get_mut(walk.at)
        {
            *first = Some((run, at_ms));
        }
    }

    /// Makes what the run of a page that is looked back at had shown by then.
    fn look_back(&mut self) {
        let Some(walk) = self.session.walk.as_ref().filter(|walk| walk.is_past()) else {
            self.past = None;
            return;
        };
        if self.past.as_ref().is_some_and(|(page, _)| *page == walk.at) {
            return;
        }
        let Some(Some((run, at_ms))) = self.revealed.get(walk.at) else { return };
        let manifest = self.session.case.manifest();
        let lanes = &self.session.shown().lanes;
        let variants: Vec<String> = lanes.iter().map(|lane| lane.variant.clone()).collect();
        let mut told = PageData::of(manifest, &variants);
        let events = self.runs[*run].iter().filter(|event| event.at_ms <= *at_ms);
        events.cloned().for_each(|event| told.push(event));
        self.past = Some((walk.at, told));
    }

    /// The measurements of the run that is shown.
    fn told(&self) -> &PageData {
        self.past.as_ref().map_or(&self.told, |(_, told)| told)
    }
}

/// The data that a page keeps of a walk, to go on with it later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept<'a> {
    /// The inputs so far.
    pub inputs: &'a [WalkInput],
    /// The progress in the walk.
    pub progress: WalkProgress,
}
