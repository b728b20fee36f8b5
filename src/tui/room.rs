//! A class that the terminal takes part in.

use firedrill_core::session::shift::state::ShiftState;
use firedrill_core::session::walk::follow::Place;

use crate::join::message::{FromLearner, Progress};
use crate::join::state::{ClassShift, ClassState, VoteOn};

/// A class, as its hub has told of it.
#[derive(Debug, Default)]
pub struct Room {
    /// Its state; none before it was heard for the first time.
    pub state: Option<Box<ClassState>>,
    /// Tries to connect that failed since the class was heard last.
    pub losses: u32,
    /// Why the newest message had no effect.
    pub refused: Option<String>,
    /// The progress that was reported last.
    pub reported: Progress,
    /// The state of the shift that was reported last.
    pub reported_shift: Option<ShiftState>,
    /// The number of the newest shift that was begun here.
    pub begun: usize,
    /// The page, from 0, whose stretch passes as fast as it can, on the way to the place of the class.
    pub hastened: Option<usize>,
}

/// Failed tries, of which there is one a second at most, after which the learner may go on without the class.
const MOST_LOSSES: u32 = 10;

impl Room {
    /// Returns true once the class has been away for so long that the learner goes on without it.
    pub fn is_away(&self) -> bool {
        self.losses > MOST_LOSSES
    }

    /// The place in the walk of this incident, if the class is in it.
    pub fn place(&self, incident: &str) -> Option<Place> {
        let state = self.state.as_ref().filter(|_| !self.is_away())?;
        state.place.filter(|_| state.incident.as_deref() == Some(incident))
    }

    /// The incident whose walk the class holds its learners in; none while each is free.
    pub fn holds_in(&self) -> Option<&str> {
        let state = self.state.as_ref().filter(|_| !self.is_away())?;
        let place = state.place?;
        let holds = place.at.is_some() || place.limit.is_some();
        state.incident.as_deref().filter(|_| holds)
    }

    /// The question that is voted on now.
    pub fn vote(&self) -> Option<&VoteOn> {
        let state = self.state.as_ref()?;
        state.vote.as_ref().filter(|_| state.place.is_some_and(|place| place.votes))
    }

    /// The shift that the class takes and that has not begun here.
    pub fn new_shift(&self) -> Option<&ClassShift> {
        self.state.as_ref()?.shift.as_ref().filter(|shift| shift.number != self.begun)
    }

    /// Returns true while the class takes a shift.
    pub fn is_on_call(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.shift.is_some()) && !self.is_away()
    }

    /// The message that raises or lowers the hand.
    pub fn hand(&self) -> FromLearner {
        FromLearner::Hand(!self.state.as_ref().is_some_and(|state| state.standing.hand))
    }
}
