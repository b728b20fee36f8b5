//! The messages of a class: a closed set, and the reasons why one has no effect.

use firedrill_core::session::shift::scenario::LEVELS;
use firedrill_core::session::shift::state::ShiftState;
use firedrill_core::session::walk::Answer;
use serde::{Deserialize, Serialize};

/// Learners of a class, at most.
pub const MOST_LEARNERS: usize = 1000;

/// Shifts of a class, at most.
pub const MOST_SHIFTS: usize = 100;

/// The id of a learner: a count from 1, in the order in which they joined.
pub type LearnerId = u32;

/// The pace of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Everybody is at the presenter's step.
    Together,
    /// Everybody is free up to the presenter's step.
    UpTo,
    /// Everybody is free.
    Free,
}

/// The stage of a step that the class takes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Round {
    /// Everybody votes alone.
    First,
    /// The votes are closed, and the room discusses.
    Discussion,
    /// Everybody votes again.
    Second,
    /// The run shows its result.
    Revealed,
}

impl Round {
    /// True while votes are taken.
    pub fn is_open(self) -> bool {
        matches!(self, Self::First | Self::Second)
    }
}

/// A message from the presenter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FromPresenter {
    /// Opens an incident at its first page, or at the page where the class left it.
    Open {
        /// The id of the incident.
        incident: String,
    },
    /// Goes to a page, from 1.
    Step(usize),
    /// Begins an on-call shift for everybody, of this level.
    Shift(u8),
    /// Sets the pace.
    Pace(Pace),
    /// Sets the stage of the step.
    Round(Round),
    /// Removes a learner, with the votes.
    Remove(LearnerId),
}

/// A message from a learner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FromLearner {
    /// A vote on the question of a step. The last one of a round counts.
    Vote {
        /// The id of the incident.
        incident: String,
        /// The page of the question, from 1.
        page: usize,
        /// The round that it was given in.
        round: Round,
        /// The answer.
        answer: Answer,
    },
    /// Raises or lowers the hand.
    Hand(bool),
    /// Reports the progress in a walk.
    Progress(Progress),
    /// Reports the state of the shift.
    OnCall(ShiftState),
}

/// Reasons for a message that has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The incident is not part of this class.
    #[error("this class does not have that incident")]
    UnknownIncident,
    /// The page is outside the walk.
    #[error("this walk does not have that page")]
    UnknownPage,
    /// Nothing is open.
    #[error("no incident is open: open one first")]
    NothingOpen,
    /// No vote on that question is open in that round.
    #[error("no vote is open on that question")]
    VoteClosed,
    /// The result is on every screen.
    #[error("the result of this page is shown: a vote on it is over")]
    ResultShown,
    /// The question does not have that answer.
    #[error("the question does not have that answer")]
    NotOffered,
    /// There is no such level.
    #[error("the levels are {} to {}", LEVELS.start(), LEVELS.end())]
    UnknownLevel,
    /// The class has had as many shifts as it can.
    #[error("a class has {MOST_SHIFTS} shifts at most: begin a new one")]
    TooManyShifts,
    /// The report is about another shift.
    #[error("this shift is not the one that the class takes")]
    OtherShift,
    /// A figure of the report is impossible.
    #[error("a figure of that report is impossible")]
    Impossible,
    /// The system gives no random numbers.
    #[error("the presenter's computer gives no random numbers")]
    NoChance,
    /// The class has as many learners as it can take.
    #[error("the class is full: it takes {MOST_LEARNERS} learners")]
    Full,
    /// The name has no letter or digit.
    #[error("a nickname needs at least one letter or digit")]
    NoName,
    /// The class could not be written to its file.
    #[error("the class could not be stored: the presenter's page says why")]
    NotStored,
    /// The learner is unknown: a new class began.
    #[error("this class does not know you: join it again")]
    Stranger,
}

/// Progress of a learner in the walk that is open in the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The id of the incident.
    pub incident: String,
    /// The page, from 1.
    pub page: usize,
    /// Hints that were used.
    pub hints: usize,
    /// Questions that were answered.
    pub answered: usize,
    /// Questions that were answered right.
    pub right: usize,
    /// True once the last page was reached.
    pub finished: bool,
}
