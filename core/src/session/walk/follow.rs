//! A walk that a class takes: the presenter's step holds it, and its front end leads it there.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Answer, Stage, WalkInput};
use crate::session::Session;

/// The place to which a class has come in a walk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The page that everybody is at, from 1; none: each learner turns the pages.
    pub at: Option<usize>,
    /// The last page that may be opened, from 1; none: all may.
    pub limit: Option<usize>,
    /// True while an answer is a vote: then the class takes it, and the walk stays as it is.
    pub votes: bool,
    /// True once the page at which everybody is shows its result.
    pub revealed: bool,
    /// True on the page of the presenter, which shows the notes for one.
    pub leads: bool,
    /// The answer to commit to when the result is shown; none: the question is skipped.
    pub answer: Option<Answer>,
}

/// The next thing that brings a walk nearer to the place of its class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Toward {
    /// This input.
    Input(WalkInput),
    /// The stretch on the way passes as fast as it can, or the servers start.
    Pass,
    /// Nothing: it is there, and time passes as it is shown.
    There,
}

impl Place {
    /// Returns true if the class lets the learner do this now.
    pub fn lets(&self, session: &Session, input: WalkInput) -> bool {
        match input {
            WalkInput::Hint => true,
            _ if self.at.is_some() => false,
            WalkInput::Next => self.limit.is_none_or(|limit| session.stays_within(limit)),
            WalkInput::Answer(_) | WalkInput::Skip | WalkInput::Back => true,
        }
    }
}

impl Session {
    /// Returns true if going on opens no page behind this one, from 1.
    pub fn stays_within(&self, limit: usize) -> bool {
        let Some(page) = self.page() else { return false };
        let stays = page.step().is_some_and(|step| step.stage != Stage::Revealed && step.goes_on);
        stays || page.number < limit
    }

    /// Returns the next thing that brings the walk nearer to this place. The stretch of the place itself is shown.
    pub fn toward(&self, place: &Place) -> Toward {
        let (Some(at), Some(walk), Some(page)) = (place.at, &self.walk, self.page()) else {
            return Toward::There;
        };
        if walk.is_starting() {
            return Toward::Pass;
        }
        let step = page.step();
        let stage = step.map_or(Stage::Revealed, |step| step.stage);
        let is_asked = step.is_some_and(|step| step.question.is_some());
        Toward::Input(match (page.number.cmp(&at), stage) {
            (Ordering::Less | Ordering::Greater, Stage::Running) => return Toward::Pass,
            (Ordering::Less, Stage::Prompt) if is_asked => WalkInput::Skip,
            (Ordering::Less, _) => WalkInput::Next,
            (Ordering::Greater, _) => WalkInput::Back,
            (Ordering::Equal, Stage::Prompt) if place.revealed => match place.answer {
                Some(answer) if is_asked => WalkInput::Answer(answer),
                None if is_asked => WalkInput::Skip,
                _ if step.is_some_and(|step| step.goes_on) => WalkInput::Next,
                _ => return Toward::There,
            },
            (Ordering::Equal, _) => return Toward::There,
        })
    }
}
