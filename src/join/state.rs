//! The class as one person sees it, as data: the panel of a browser is drawn from it, and a terminal gets it.

use firedrill_core::session::walk::follow::Place;
use serde::{Deserialize, Serialize};

use super::message::{FromLearner, Round};

/// The state of a class, as a learner's terminal gets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassState {
    /// The version of the program that leads the class.
    pub version: String,
    /// Seed of the order of options.
    pub seed: u64,
    /// The texts for the learner.
    pub standing: Standing,
    /// The incident that is open; none during a shift, and before one is opened.
    pub incident: Option<String>,
    /// The place in its walk.
    pub place: Option<Place>,
    /// The question that a vote would be on.
    pub vote: Option<VoteOn>,
    /// The shift that everybody takes.
    pub shift: Option<ClassShift>,
}

/// An on-call shift of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassShift {
    /// Its number, from 1.
    pub number: usize,
    /// Its seed.
    pub seed: u64,
    /// Its level.
    pub level: u8,
    /// The ids of the incidents that it is drawn from.
    pub of: Vec<String>,
}

/// The question that a vote is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteOn {
    /// The id of the incident.
    pub incident: String,
    /// The page, from 1.
    pub page: usize,
    /// The round.
    pub round: Round,
}

/// The texts for a learner beside the walk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The learner's name.
    pub name: String,
    /// True while the hand is raised.
    pub hand: bool,
    /// The pace of the class: `together, page 3`.
    pub pace: String,
    /// The points of the shift, once the learner has a result.
    pub points: Option<String>,
    /// The state of the vote, where the class is at a question.
    pub vote: Option<String>,
    /// The learner's own vote: what it is called, and the answer.
    pub own: Option<(String, String)>,
    /// All votes, once the result is shown.
    pub votes: Option<VoteTable>,
}

/// The votes on a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteTable {
    /// A row for each answer, in their order.
    pub rows: Vec<VoteRow>,
    /// Answers that have no row.
    pub others: usize,
    /// Number of first votes.
    pub first: usize,
    /// Number of second votes; none where nobody has voted again.
    pub second: Option<usize>,
}

/// The votes for one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteRow {
    /// The answer.
    pub answer: String,
    /// First votes for it.
    pub first: usize,
    /// Second votes for it.
    pub second: usize,
}

/// News of a class for a learner's terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Its state.
    State(Box<ClassState>),
    /// The connection is lost, or could not be made; it is tried again.
    Lost,
    /// A message had no effect, for this reason; none: one that came after it had.
    Refused(Option<String>),
    /// The learner is not part of the class any more, for this reason.
    Out(String),
}

impl FromLearner {
    /// The kind of the message: of each kind only the newest one matters.
    pub fn kind(&self) -> std::mem::Discriminant<Self> {
        std::mem::discriminant(self)
    }
}
