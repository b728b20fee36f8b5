//! A walk that a class takes: the presenter's step holds it, and it catches up by itself.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{PageInput, WalkError, WalkPage};
use crate::session::walk::{Answer, Stage};

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

impl WalkPage {
    /// Returns true if the class lets the learner do this now.
    pub(super) fn may(&self, input: PageInput) -> bool {
        let Some(place) = self.place else { return true };
        match input {
            PageInput::Hint => true,
            _ if place.at.is_some() => false,
            PageInput::Next => place.limit.is_none_or(|limit| self.is_before(limit)),
            PageInput::Answer(_) | PageInput::Skip | PageInput::Back => true,
        }
    }

    /// Returns true if going on opens no page behind this one, from 1.
    pub(super) fn is_before(&self, limit: usize) -> bool {
        let Some(page) = self.session.page() else { return false };
        let stays = page.step().is_some_and(|step| step.stage != Stage::Revealed && step.goes_on);
        stays || page.number < limit
    }

    /// Goes to the place of the class. Stretches on the way pass at once; the stretch of the place itself is shown.
    pub(super) fn follow(&mut self, place: Place) -> Result<(), WalkError> {
        self.place = Some(place);
        let Some(at) = place.at else { return Ok(()) };
        let pages = self.session.case.manifest().pages();
        // Each page takes two inputs at most, and may be gone back to first.
        for _ in 0..4 * pages {
            let Some(page) = self.session.page() else { break };
            let stage = page.step().map_or(Stage::Revealed, |step| step.stage);
            let is_asked = page.step().is_some_and(|step| step.question.is_some());
            let input = match (page.number.cmp(&at), stage) {
                (Ordering::Less | Ordering::Greater, Stage::Running) => {
                    while self.is_running() {
                        self.tick()?;
                    }
                    continue;
                }
                (Ordering::Less, Stage::Prompt) if is_asked => PageInput::Skip,
                (Ordering::Less, _) => PageInput::Next,
                (Ordering::Greater, _) => PageInput::Back,
                (Ordering::Equal, Stage::Prompt) if place.revealed => match place.answer {
                    Some(answer) if is_asked => PageInput::Answer(answer),
                    None if is_asked => PageInput::Skip,
                    _ if page.step().is_some_and(|step| step.goes_on) => PageInput::Next,
                    _ => break,
                },
                (Ordering::Equal, _) => break,
            };
            self.apply(input)?;
        }
        Ok(())
    }
}
