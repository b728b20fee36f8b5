//! A shift in simulated time with its run in this process, for a page and for tests.

use std::collections::VecDeque;

use crate::catalogue::Catalogue;
use crate::event::{Clock, Event, EventKind};
use crate::lane::HeapMeter;
use crate::lane::local::LocalRun;
use crate::plan::Case;
use crate::script::{Control, Pacing};
use crate::session::shift::comparison::Comparison;
use crate::session::shift::reference::Reference;
use crate::session::shift::scenario::Scenario;
use crate::session::shift::score::Compared;
use crate::session::shift::{Shift, ShiftInput};
use crate::session::track::RunId;
use crate::session::{Effect, Input, Session};

/// Virtual time that a reference passes in one step, in milliseconds.
const SLICE_MS: u64 = 10_000;

/// A shift and its run.
#[derive(Debug)]
pub struct LocalShift {
    /// The session. It can be put away and restored while its run is held.
    pub session: Session,
    run: Option<LocalRun>,
    heap: HeapMeter,
    /// The events since they were last taken.
    events: Vec<Event>,
}

impl LocalShift {
    /// A shift before its first moment; `heap` measures the heap of this process.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown, or its run cannot start.
    pub fn begin(
        catalogue: &Catalogue,
        scenario: Scenario,
        heap: HeapMeter,
    ) -> anyhow::Result<Self> {
        let (session, effects) = Session::shift(catalogue, scenario, Clock::Virtual)?;
        let mut shift = Self { session, run: None, heap, events: Vec::new() };
        shift.carry_out(effects)?;
        Ok(shift)
    }

    /// The shift.
    ///
    /// # Panics
    ///
    /// Never: the session was made with a shift.
    pub fn shift(&self) -> &Shift {
        self.session.shift.as_ref().expect("the session was made with a shift")
    }

    /// The events since this was last called.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Passes an input on to the shift. [`Shift::refused`] says why if it had no effect.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn input(&mut self, input: ShiftInput) -> anyhow::Result<()> {
        let effects = self.session.apply(Input::Shift(input));
        self.carry_out(effects)
    }

    /// Lets time pass to the next moment at which the run is held. Nothing happens unless the shift is busy.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn step(&mut self) -> anyhow::Result<()> {
        if !self.shift().is_busy() {
            return Ok(());
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        for event in run.advance()? {
            self.events.push(event.clone());
            let effects = self.session.apply(Input::Event(RunId::Main, event));
            self.carry_out(effects)?;
        }
        Ok(())
    }

    /// Lets time pass until the shift waits for an input, or has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        while self.run.is_some() && self.shift().is_busy() {
            self.step()?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<()> {
        for effect in effects {
            match effect {
                Effect::Start { plan, pacing, .. } => {
                    let case = Case { plan, ..self.session.case.clone() };
                    self.run = Some(LocalRun::start(case, &pacing, self.heap)?);
                }
                Effect::Control(_, control) => {
                    if let Some(run) = &mut self.run {
                        run.control(control)?;
                    }
                }
                Effect::End(_) => self.run = None,
                Effect::SaveProgress(_) => {}
            }
        }
        Ok(())
    }
}

/// The comparison of a shift with its references, whose runs are made in this process, step by step.
#[derive(Debug)]
pub struct LocalComparison {
    comparison: Comparison,
    run: Option<ReferenceRun>,
    heap: HeapMeter,
}

/// A reference under way.
#[derive(Debug)]
struct ReferenceRun {
    run: LocalRun,
    /// The ends of its steps that are still to come, in milliseconds.
    holds_ms: VecDeque<u64>,
    samples: Vec<Event>,
}

impl LocalComparison {
    /// The comparison of a shift that has ended.
    pub fn new(shift: &Shift, catalogue: &Catalogue, heap: HeapMeter) -> Self {
        Self { comparison: Comparison::new(shift, catalogue), run: None, heap }
    }

    /// The number of runs that have been made, and of all.
    pub fn progress(&self) -> (usize, usize) {
        self.comparison.progress()
    }

    /// Computes a part of a run. Returns false once all have been made.
    ///
    /// # Errors
    ///
    /// Returns an error if a run cannot start or fails.
    pub fn step(&mut self, shift: &Shift, catalogue: &Catalogue) -> anyhow::Result<bool> {
        let Some(reference) = &mut self.run else {
            let Some(next) = self.comparison.next(shift, catalogue)? else { return Ok(false) };
            self.run = Some(ReferenceRun::start(next, self.heap)?);
            return Ok(true);
        };
        if let Some(hold_ms) = reference.holds_ms.pop_front() {
            reference.run.control(Control::HoldAt(hold_ms))?;
            let is_sample = |event: &Event| matches!(event.what, EventKind::Sample(_));
            reference.samples.extend(reference.run.advance()?.into_iter().filter(is_sample));
            return Ok(true);
        }
        let samples = self.run.take().map(|reference| reference.samples).unwrap_or_default();
        self.comparison.take(shift, catalogue, &samples);
        Ok(true)
    }

    /// The results of all runs.
    pub fn finish(self) -> Compared {
        self.comparison.finish()
    }
}

impl ReferenceRun {
    fn start(reference: Reference, heap: HeapMeter) -> anyhow::Result<Self> {
        let Reference { case, pacing, until_ms } = reference;
        let slices = (1..=until_ms / SLICE_MS).map(|slice| slice * SLICE_MS);
        let rest = (until_ms % SLICE_MS > 0).then_some(until_ms);
        let holds_ms = slices.chain(rest).collect();
        let pacing = Pacing { hold_ms: None, ..pacing };
        let run = LocalRun::start(case, &pacing, heap)?;
        Ok(Self { run, holds_ms, samples: Vec::new() })
    }
}
