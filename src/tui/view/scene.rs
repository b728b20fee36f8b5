//! The lab as it is drawn in one frame: the state of the screen, and the view of its session.

use std::ops::Deref;

use firedrill_core::incident::Manifest;
use firedrill_core::session::View;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::walk::follow::Place;
use firedrill_core::session::walk::{Stage, WalkInput};

use crate::tui::model::Lab;

/// The lab in one frame.
#[derive(Debug)]
pub struct Scene<'a> {
    lab: &'a Lab,
    /// The view of its session.
    pub view: View<'a>,
    /// The place of the class that takes its walk.
    place: Option<Place>,
}

impl<'a> Scene<'a> {
    /// The lab as it is now, at this place of a class.
    pub fn new(lab: &'a Lab, place: Option<Place>) -> Self {
        Self { lab, view: lab.session.view(), place }
    }

    /// The action that the class allows on the page of its walk, or what it waits for; none: all is allowed.
    pub fn held(&self) -> Option<&'static str> {
        let place = self.place?;
        let step = self.view.page.as_ref()?.step()?;
        if step.stage == Stage::Running || step.is_starting {
            return None;
        }
        if place.votes && step.stage == Stage::Revealed {
            return Some(" you have answered this before the class ");
        }
        let is_asked = step.stage == Stage::Prompt && step.question.is_some();
        match is_asked {
            true if place.votes => Some(" enter votes · h hint "),
            true if place.at.is_some() => Some(" the vote is closed "),
            true => None,
            false if place.lets(&self.lab.session, WalkInput::Next) => None,
            false if place.at.is_some() => Some(" the presenter continues "),
            false => Some(" the class has not come further "),
        }
    }

    /// The manifest of its incident.
    pub fn manifest(&self) -> &'a Manifest {
        self.lab.session.case.manifest()
    }

    /// Returns the sentence about the current state of a lane.
    pub fn sentence(&self, lane: &LaneState) -> Option<String> {
        lane.sentence(self.manifest(), self.view.run.param_history.now())
    }

    /// The lane that keys act on.
    pub fn lane(&self) -> &'a LaneState {
        &self.view.run.lanes[self.lab.selected]
    }
}

impl Deref for Scene<'_> {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        self.lab
    }
}
