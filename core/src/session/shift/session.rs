//! A session with an on-call shift.

use super::scenario::Scenario;
use super::{Shift, ShiftInput};
use crate::catalogue::Catalogue;
use crate::event::{Clock, Event};
use crate::incident::Unknown;
use crate::plan::Case;
use crate::session::track::RunId;
use crate::session::{Effect, Session};

impl Session {
    /// A session with an on-call shift.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident of the scenario is unknown.
    pub fn shift(
        catalogue: &Catalogue,
        scenario: Scenario,
        clock: Clock,
    ) -> Result<(Self, Vec<Effect>), Unknown> {
        let case = scenario.case(catalogue, clock)?;
        let shift = Shift::new(scenario, &case);
        let (plan, pacing) = (case.plan.clone(), shift.pacing());
        let session = Self { shift: Some(shift), ..Self::new(case, &pacing) };
        Ok((session, vec![Effect::Start { run: RunId::Main, plan, pacing }]))
    }

    pub(in crate::session) fn shift_input(&mut self, input: ShiftInput) -> Vec<Effect> {
        let Some(shift) = &mut self.shift else { return Vec::new() };
        shift.input(input, &self.case, &self.main.head)
    }

    pub(in crate::session) fn observe_shift(&mut self, event: &Event) -> Vec<Effect> {
        let Some(shift) = &mut self.shift else { return Vec::new() };
        shift.observe(event, &self.case, &self.main.head)
    }

    pub(in crate::session) fn restored_shift(
        shift: Option<Shift>,
        catalogue: &Catalogue,
    ) -> Result<Option<(Case, Shift)>, Unknown> {
        let Some(shift) = shift else { return Ok(None) };
        let case = shift.scenario.case(catalogue, shift.clock)?;
        Ok(Some((case, shift.restored(catalogue))))
    }
}
