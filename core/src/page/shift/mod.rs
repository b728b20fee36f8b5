//! An on-call shift in a page, in simulated time: time passes only while the person on call acts or waits. A page sends
//! what its reader does and how much time has passed, and shows what comes back.
//!
//! * `local`: the shift and its runs in this process; `draw`: its state as HTML; `debrief`: its end as HTML

mod debrief;
mod draw;
pub mod local;

use serde::{Deserialize, Serialize};

use super::{Drawn, PageData};
use crate::catalogue::Catalogue;
use crate::lane::HeapMeter;
use crate::session::shift::debrief::Debrief;
use crate::session::shift::menu::Menu;
use crate::session::shift::scenario::Scenario;
use crate::session::shift::state::ShiftState;
use crate::session::shift::task::Task;
use crate::session::shift::{ShiftInput, ShiftStage};
use local::{LocalComparison, LocalShift};

/// Virtual milliseconds a millisecond of waiting for a page, a task, or the end.
const TIMES: f64 = 8.0;

/// Virtual milliseconds of a step.
const STEP_MS: f64 = 500.0;

/// Wall time that one call lets pass at most, in milliseconds: a page that was hidden goes on where it was.
const MOST_MS: f64 = 250.0;

/// Steps that one call makes at most as fast as it can, so that the page stays responsive.
const MOST_STEPS: usize = 10;

/// Inputs that are kept, to come back to the same shift later.
const MOST_INPUTS: usize = 1000;

/// A request of a page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub enum Asked {
    /// The shift begins at this level.
    Begin(u8),
    /// The person on call has done this.
    Input(ShiftInput),
    /// Another menu is opened.
    Open(Menu),
    /// A value was typed for the parameter whose menu is open.
    Value(f64),
    /// Wall time has passed, in milliseconds.
    Passed(f64),
    /// Time passes as fast as it can, up to the next input.
    Faster,
    /// Nothing: only what is shown is asked for.
    Show,
}

/// A shift to open.
#[derive(Debug, Clone, Deserialize)]
pub struct ShiftToOpen {
    /// The seed of the shift.
    pub seed: u64,
    /// Its level; none: it has not begun.
    #[serde(default)]
    pub level: Option<u8>,
    /// The incidents that it may be about: those that can run in a browser.
    pub of: Vec<String>,
    /// Inputs of an earlier visit, which are made again.
    #[serde(default)]
    pub inputs: Vec<ShiftInput>,
}

/// An on-call shift in a page.
#[derive(Debug)]
pub struct ShiftPage {
    catalogue: Catalogue,
    heap: HeapMeter,
    seed: u64,
    of: Vec<String>,
    played: Option<Played>,
}

/// A shift that has begun.
#[derive(Debug)]
struct Played {
    local: LocalShift,
    /// The measurements so far.
    told: PageData,
    menu: Menu,
    inputs: Vec<ShiftInput>,
    /// Virtual milliseconds that are due.
    due_ms: f64,
    comparison: Option<LocalComparison>,
    debrief: Option<Ended>,
}

/// A shift that has been compared.
#[derive(Debug)]
struct Ended {
    debrief: Debrief,
    /// The draft of a post-mortem, in Markdown.
    draft: String,
}

/// The data that a page keeps of a shift, to go on with it later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept<'a> {
    /// Its level; none: it has not begun.
    pub level: Option<u8>,
    /// The inputs so far.
    pub inputs: &'a [ShiftInput],
    /// The state, for a board; none before the shift begins.
    pub on_call: Option<ShiftState>,
}

impl ShiftPage {
    /// Opens a shift, with the inputs of an earlier visit; `heap` measures the heap of this process.
    ///
    /// # Errors
    ///
    /// Returns an error if an incident is unknown, or the run fails.
    pub fn open(
        catalogue: Catalogue,
        to_open: ShiftToOpen,
        heap: HeapMeter,
    ) -> anyhow::Result<Self> {
        let ShiftToOpen { seed, level, of, inputs } = to_open;
        let mut page = Self { catalogue, heap, seed, of, played: None };
        if let Some(level) = level {
            page.begin(level)?;
        }
        for input in inputs.into_iter().take(MOST_INPUTS) {
            page.settle()?;
            page.input(input)?;
        }
        Ok(page)
    }

    /// Does what the page asks, and returns what is shown then.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn obey(&mut self, asked: Asked) -> anyhow::Result<Drawn> {
        match asked {
            Asked::Begin(level) if self.played.is_none() => self.begin(level)?,
            Asked::Input(input) => self.input(input)?,
            Asked::Open(menu) => {
                if let Some(played) = &mut self.played {
                    played.menu = menu;
                }
            }
            Asked::Value(value) => {
                let menu = self.played.as_ref().map(|played| played.menu.clone());
                if let Some(Menu::Value(name)) = menu {
                    self.input(ShiftInput::Begin(Task::Set { name, value }))?;
                }
            }
            Asked::Passed(wall_ms) => self.pass(wall_ms)?,
            Asked::Faster => {
                for _ in 0..MOST_STEPS {
                    self.step()?;
                }
            }
            // It has begun.
            Asked::Begin(_) | Asked::Show => {}
        }
        Ok(draw::drawn(self))
    }

    fn begin(&mut self, level: u8) -> anyhow::Result<()> {
        let scenario = Scenario::draw(&self.catalogue, self.seed, level, &self.of)?;
        let local = LocalShift::begin(&self.catalogue, scenario, self.heap)?;
        let case = &local.session.case;
        let told = PageData::of(case.manifest(), &case.plan.variants);
        self.played = Some(Played {
            local,
            told,
            menu: Menu::Top,
            inputs: Vec::new(),
            due_ms: 0.0,
            comparison: None,
            debrief: None,
        });
        Ok(())
    }

    fn input(&mut self, input: ShiftInput) -> anyhow::Result<()> {
        let Some(played) = &mut self.played else { return Ok(()) };
        // The same inputs lead to the same shift: none comes in the middle of a step.
        if played.local.shift().is_busy() || played.inputs.len() >= MOST_INPUTS {
            return Ok(());
        }
        played.inputs.push(input.clone());
        let names_cause = matches!(input, ShiftInput::Name(Some(_)));
        played.local.input(input)?;
        if played.local.shift().refused().is_none() {
            played.menu = if names_cause { Menu::Lines } else { Menu::Top };
        }
        Ok(())
    }

    /// Returns true while something is waited for.
    fn is_running(&self) -> bool {
        self.played.as_ref().is_some_and(Played::is_running)
    }

    fn pass(&mut self, wall_ms: f64) -> anyhow::Result<()> {
        if let Some(played) = &mut self.played {
            played.due_ms += wall_ms.clamp(0.0, MOST_MS) * TIMES;
        }
        while self.is_running() && self.played.as_ref().is_some_and(|p| p.due_ms >= STEP_MS) {
            if let Some(played) = &mut self.played {
                played.due_ms -= STEP_MS;
            }
            self.step()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        let is_busy = |page: &Self| page.played.as_ref().is_some_and(|p| p.local.shift().is_busy());
        while is_busy(self) {
            self.step()?;
        }
        Ok(())
    }

    /// Goes on by one step: of the run, or after its end of the runs that it is compared with.
    fn step(&mut self) -> anyhow::Result<()> {
        match &mut self.played {
            Some(played) => played.step(&self.catalogue, self.heap),
            None => Ok(()),
        }
    }
}

impl Played {
    fn is_running(&self) -> bool {
        let has_ended = self.local.shift().stage() == ShiftStage::Ended;
        self.local.shift().is_busy() || has_ended && self.debrief.is_none()
    }

    fn step(&mut self, catalogue: &Catalogue, heap: HeapMeter) -> anyhow::Result<()> {
        self.local.step()?;
        for event in self.local.take_events() {
            self.told.push(event);
        }
        let shift = self.local.shift();
        if shift.stage() != ShiftStage::Ended || self.debrief.is_some() {
            return Ok(());
        }
        let comparison =
            self.comparison.get_or_insert_with(|| LocalComparison::new(shift, catalogue, heap));
        if comparison.step(shift, catalogue)? {
            return Ok(());
        }
        if let Some(comparison) = self.comparison.take() {
            let compared = comparison.finish();
            self.debrief = Debrief::new(shift, catalogue, &compared).map(|debrief| {
                let draft = shift.post_mortem(catalogue, &compared, &debrief.score);
                Ended { debrief, draft }
            });
        }
        Ok(())
    }

    /// The state for a board.
    fn state(&self) -> ShiftState {
        let score = self.debrief.as_ref().map(|ended| &ended.debrief.score);
        self.local.shift().state(score)
    }
}
