//! The session of one learner: its run or runs, their history, the guided walk, and the facts that may be shown
//! yet. A front end sends [`Input`]s, carries out [`Effect`]s and draws a [`View`].
//!
//! * [`track`]: one run and its past; [`run_state`]: its state, folded from events; [`lane_state`]: one lane of it,
//!   [`lane_words`]: the same in words; [`series`]: the bounded history of a lane; [`history`]: all events that are kept
//! * [`travel`]: moving in time
//! * [`walk`]: the guided walk; [`progress`]: how far it was taken; [`shift`]: an on-call shift
//! * [`disclosure`]: the facts that may be shown now; [`view`]: all of that for a front end
//!
//! A session does nothing by itself: it knows no terminal, process, file or clock. It can be written and read again
//! at every moment, see [`Session::restore`].

pub mod disclosure;
pub mod history;
pub mod lane_state;
pub mod lane_words;
pub mod progress;
pub mod run_state;
pub mod series;
pub mod shift;
#[cfg(test)]
pub(crate) mod tests;
pub mod track;
pub mod travel;
pub mod view;
pub mod walk;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::catalogue::Catalogue;
use crate::event::{Clock, Event};
use crate::incident::Unknown;
use crate::plan::{Case, Plan};
use crate::record::UnreadableLines;
use crate::script::{Control, Pacing};
use history::Lines;
use lane_state::LaneState;
use progress::WalkProgress;
use run_state::RunState;
use shift::{Shift, ShiftInput};
use track::{RunId, Source, Track};
use travel::Travel;
pub use view::View;
use walk::{Answer, Walk};

/// Commands that are kept for a simulated run; beyond, the oldest are dropped.
const MOST_CONTROLS: usize = 1000;

/// The session of one learner.
#[derive(Debug)]
pub struct Session {
    /// The incident and the plan of the main run.
    pub case: Case,
    /// The run that the session was opened for, or a recording.
    pub main: Track,
    /// A simulated run beside it, shown in its place.
    pub lapse: Option<Track>,
    /// The guided walk.
    pub walk: Option<Walk>,
    /// The on-call shift.
    pub shift: Option<Shift>,
    /// Commands that the main run has got, with their times: a simulated run gets them too.
    controls: Vec<(u64, Control)>,
    /// True if the past has moved since [`Session::has_moved`] was called.
    moved: bool,
}

/// An input of a front end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Input {
    /// An event of a run.
    Event(RunId, Event),
    /// A run has failed: it is over before its end.
    Failed(RunId),
    /// A move in time.
    Travel(Travel),
    /// The simulated run is shown, or the live run again.
    TimeLapse,
    /// A command for the run that is looked at.
    Control(Control),
    /// Commits to an answer.
    Answer(Answer),
    /// Goes on: lets the run go on, or turns to the next page.
    Next,
    /// Turns back a page.
    Back,
    /// Asks for a hint.
    Hint,
    /// Skips the question, or the rest of a stretch.
    Skip,
    /// Resumes the walk at the page at which the run of this page (from 0) begins.
    Resume(usize),
    /// An input of the person on call in a shift.
    Shift(ShiftInput),
}

/// Something that a front end has to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Start this run in place of the one that runs; the main one ends a simulated run too.
    Start {
        /// Which of the session's runs.
        run: RunId,
        /// The run.
        plan: Plan,
        /// Pacing of the run.
        pacing: Pacing,
    },
    /// End the run; the main one ends a simulated run too.
    End(RunId),
    /// Pass this command on to the run.
    Control(RunId, Control),
    /// Keep the learner's progress in the walk.
    SaveProgress(WalkProgress),
}

impl Session {
    /// A session with a run that is about to begin.
    pub fn new(case: Case, pacing: &Pacing) -> Self {
        let source = match case.plan.clock {
            Clock::Live => Source::Live,
            Clock::Virtual => Source::TimeLapse(pacing.speed),
        };
        let main = Track::new(source, RunState::new(&case));
        Self::of(case, main)
    }

    /// A session with the guided walk of an incident, played `faster` times as fast. `order_seed` decides the order
    /// in which the options of a question are shown.
    pub fn walk(case: Case, faster: f64, order_seed: u64) -> (Self, Vec<Effect>) {
        let walk = Walk::new(case.manifest(), faster, order_seed);
        let mut session = Self { walk: Some(walk), ..Self::new(case, &Pacing::default()) };
        let effects = session.enter();
        (session, effects)
    }

    /// A session with a recording, playing from its beginning.
    pub fn recorded(case: Case, lines: Lines, faults: &UnreadableLines) -> Self {
        let mut beginning = RunState::new(&case);
        for line in faults.lines() {
            beginning.log(0.0, None, format!("⚠ {line}"));
        }
        let main = Track::recording(&case, beginning, lines, faults.all);
        Self::of(case, main)
    }

    fn of(case: Case, main: Track) -> Self {
        Self {
            case,
            main,
            lapse: None,
            walk: None,
            shift: None,
            controls: Vec::new(),
            moved: false,
        }
    }

    /// Takes in an input. Returns the things that the front end has to do, in order.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Event(run, event) => self.take(run, &event),
            Input::Failed(RunId::Lapse) => {
                self.lapse = None;
                Vec::new()
            }
            Input::Failed(RunId::Main) => Vec::new(),
            Input::Travel(travel) => self.travel(travel),
            Input::TimeLapse => self.toggle_time_lapse(),
            Input::Control(control) => self.control(control),
            Input::Answer(answer) => self.answer(answer),
            Input::Next => self.next_page(),
            Input::Back => self.page_back(),
            Input::Hint => self.hint(),
            Input::Skip => self.skip(),
            Input::Resume(page) => self.take_up(page),
            Input::Shift(input) => self.shift_input(input),
        }
    }

    fn take(&mut self, run: RunId, event: &Event) -> Vec<Effect> {
        match (run, &mut self.lapse) {
            (RunId::Main, _) => self.main.take(&self.case, event),
            (RunId::Lapse, Some(lapse)) => lapse.take(&self.case, event),
            // Events of a simulated run that has been left may still arrive.
            (RunId::Lapse, None) => {}
        }
        match run {
            RunId::Main if self.shift.is_some() => self.observe_shift(event),
            RunId::Main => self.observe(event),
            RunId::Lapse => Vec::new(),
        }
    }

    /// Passes a command on to the run that is looked at, and keeps those of the main one.
    fn control(&mut self, control: Control) -> Vec<Effect> {
        if let Control::Scale { lane, instances } = control {
            let head = self.head_mut();
            let now_s = head.now_s;
            if let Some(lane) = head.lanes.get_mut(lane) {
                lane.wanted = Some((instances, now_s));
            }
        }
        let run = self.run_id();
        if run == RunId::Main {
            if self.controls.len() == MOST_CONTROLS {
                self.controls.remove(0);
            }
            self.controls.push((self.main.history.ends_ms(), control.clone()));
        }
        vec![Effect::Control(run, control)]
    }

    /// The run that is looked at.
    pub fn track(&self) -> &Track {
        self.lapse.as_ref().unwrap_or(&self.main)
    }

    fn track_mut(&mut self) -> &mut Track {
        self.lapse.as_mut().unwrap_or(&mut self.main)
    }

    fn head_mut(&mut self) -> &mut RunState {
        &mut self.track_mut().head
    }

    /// The state of the run that is shown.
    pub fn shown(&self) -> &RunState {
        let looked_back = self.walk.as_ref().and_then(Walk::state);
        looked_back.unwrap_or_else(|| self.track().shown())
    }

    /// The newest state of the lanes of the run that is looked at.
    pub fn lanes(&self) -> &[LaneState] {
        &self.track().head.lanes
    }

    /// The name of a lane: its variant, unless the walk has another name for it.
    pub fn name(&self, lane: usize) -> &str {
        let named = self.walk.as_ref().and_then(|walk| walk.name(lane));
        named.or(self.case.plan.variants.get(lane)).map_or("", String::as_str)
    }

    /// Adds a line to the log of the run that is looked at.
    pub fn log(&mut self, lane: Option<usize>, line: String) {
        let head = self.head_mut();
        let now_s = head.now_s;
        head.log_repeating(now_s, lane, line);
    }

    /// Returns true if the past has moved on since the last call.
    pub fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }
}

/// A session as it was written: all of it but the incident itself.
#[derive(Debug, Deserialize)]
pub struct Saved {
    plan: Plan,
    main: Track,
    lapse: Option<Track>,
    walk: Option<Walk>,
    shift: Option<Shift>,
    controls: Vec<(u64, Control)>,
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { case, main, lapse, walk, shift, controls, moved: _ } = self;
        let mut saved = serializer.serialize_struct("Saved", 6)?;
        saved.serialize_field("plan", &case.plan)?;
        saved.serialize_field("main", main)?;
        saved.serialize_field("lapse", lapse)?;
        saved.serialize_field("walk", walk)?;
        saved.serialize_field("shift", shift)?;
        saved.serialize_field("controls", controls)?;
        saved.end()
    }
}

impl Session {
    /// A session that was written, to go on with.
    ///
    /// # Errors
    ///
    /// When its incident is not one of this catalogue.
    pub fn restore(catalogue: &Catalogue, saved: Saved) -> Result<Self, Unknown> {
        let Saved { plan, main, lapse, walk, shift, controls } = saved;
        let (case, shift) = match Self::restored_shift(shift, catalogue)? {
            Some((case, shift)) => (case, Some(shift)),
            None => (Case::new(catalogue, plan)?, None),
        };
        Ok(Self { case, main, lapse, walk, shift, controls, moved: false })
    }
}
