//! A shift and its run, for front ends that wait for the end of each task.

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event};
use firedrill_core::plan::Case;
use firedrill_core::script::Control;
use firedrill_core::session::shift::scenario::Scenario;
use firedrill_core::session::shift::{Shift, ShiftInput};
use firedrill_core::session::track::RunId;
use firedrill_core::session::{Effect, Input, Session};

use crate::run::{Run, Spec, Venue};

/// A shift and its run.
#[derive(Debug)]
pub struct Player {
    session: Session,
    run: Option<Run>,
    venue: Venue,
    /// The events of the run, for a recording.
    events: Vec<Event>,
}

impl Player {
    /// Begins a shift.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown or the run cannot start.
    pub async fn begin(
        catalogue: &Catalogue,
        scenario: Scenario,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let (session, effects) = Session::shift(catalogue, scenario, clock)?;
        let mut player = Self { session, run: None, venue: Venue::new()?, events: Vec::new() };
        player.carry_out(effects).await?;
        Ok(player)
    }

    /// The shift.
    ///
    /// # Panics
    ///
    /// Never: the session was made with a shift.
    pub fn shift(&self) -> &Shift {
        self.session.shift.as_ref().expect("the session was made with a shift")
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The events of the run so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Passes an input on to the shift. Returns the reason if it had no effect.
    ///
    /// # Errors
    ///
    /// Returns an error if the run has ended.
    pub async fn input(&mut self, input: ShiftInput) -> anyhow::Result<Option<String>> {
        let effects = self.session.apply(Input::Shift(input));
        self.carry_out(effects).await?;
        Ok(self.shift().refused().map(str::to_owned))
    }

    /// Lets time pass until the shift waits for an input, or has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the run has ended before.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        while self.shift().is_busy() {
            self.take().await?;
        }
        Ok(())
    }

    /// Takes in the next event of the run.
    ///
    /// # Errors
    ///
    /// Returns an error if the run has ended.
    pub async fn take(&mut self) -> anyhow::Result<()> {
        let run = self.run.as_mut().context("there is no run")?;
        let Some(event) = run.events.recv().await else {
            if let Some(run) = self.run.take() {
                run.ended().await?;
            }
            anyhow::bail!("the run has ended before the shift");
        };
        self.events.push(event.clone());
        let effects = self.session.apply(Input::Event(RunId::Main, event));
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> anyhow::Result<()> {
        for effect in effects {
            match effect {
                Effect::Start { plan, pacing, .. } => {
                    let case = Case { plan, ..self.session.case.clone() };
                    self.run = Some(Run::start(Spec::at(self.venue.clone(), case, pacing))?);
                }
                Effect::Control(_, control) => {
                    let run = self.run.as_ref().context("there is no run")?;
                    run.control.send(control).await.context("the run has ended")?;
                }
                Effect::End(_) => self.end().await,
                Effect::SaveProgress(_) => {}
            }
        }
        Ok(())
    }

    /// Ends the run.
    pub async fn end(&mut self) {
        let Some(run) = self.run.take() else { return };
        // It may have ended by itself.
        run.control.send(Control::Stop).await.ok();
        run.ended().await.ok();
    }
}
