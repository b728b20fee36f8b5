//! The lab as it is drawn in one frame: the state of the screen, and the view of its session.

use std::ops::Deref;

use firedrill_core::incident::Manifest;
use firedrill_core::session::View;
use firedrill_core::session::lane_state::LaneState;

use crate::tui::model::Lab;

/// The lab in one frame.
#[derive(Debug)]
pub struct Scene<'a> {
    lab: &'a Lab,
    /// The view of its session.
    pub view: View<'a>,
}

impl<'a> Scene<'a> {
    /// The lab as it is now.
    pub fn new(lab: &'a Lab) -> Self {
        Self { lab, view: lab.session.view() }
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
