//! The room of a class: learners, the step that all are at, and their votes. Plain data: [`Room::present`] and
//! [`Room::learn`] take one message after the other, and nothing in here reads a clock or a socket.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use firedrill_core::session::walk::Answer;
use serde::{Deserialize, Serialize};

use super::offer::{Offer, OfferPage, page_of};
use super::room_shift::RoomShift;
use crate::join::message::{
    FromLearner, FromPresenter, LearnerId, MOST_LEARNERS, Pace, Progress, Refused, Round,
};

/// Characters of a nickname, at most.
pub const LONGEST_NAME: usize = 32;

/// Pages of a walk that a learner may report, at most: far more than any walk has.
const MOST_PAGES: usize = 200;

/// The step that the presenter has pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The id of the incident.
    pub incident: String,
    /// The page of its walk, from 1.
    pub page: usize,
    /// The pace.
    pub pace: Pace,
    /// The stage of the step.
    pub round: Round,
}

/// A learner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learner {
    /// The nickname: the only thing that the class knows of a person.
    pub name: String,
    /// True while the hand is raised.
    pub hand: bool,
    /// The newest progress of each walk.
    pub walks: BTreeMap<String, Progress>,
    /// The walk that is open in the browser.
    pub at: Option<String>,
    /// Time of the last progress, in seconds since 1970.
    pub since_s: u64,
}

/// The votes on one question, by learner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// First votes.
    pub first: BTreeMap<LearnerId, Answer>,
    /// Second votes, after the discussion.
    pub second: BTreeMap<LearnerId, Answer>,
}

/// The room of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Seed of the order of options: the same for everybody, so that a vote for the second means the same to all.
    pub order_seed: u32,
    /// The learners.
    pub learners: BTreeMap<LearnerId, Learner>,
    /// The step that was pushed.
    pub lesson: Option<Lesson>,
    /// For each incident that was opened, the furthest page and its round. Earlier pages have shown their results.
    pub reached: BTreeMap<String, (usize, Round)>,
    /// The votes on the question of a page, by `incident page`.
    pub votes: BTreeMap<String, Votes>,
    /// The shifts that the class has taken together, in order.
    #[serde(default)]
    pub shifts: Vec<RoomShift>,
    /// True while the class takes the last of them.
    #[serde(default)]
    pub is_on_call: bool,
}

impl Room {
    /// An empty room.
    pub fn new(order_seed: u32) -> Self {
        Self {
            order_seed,
            learners: BTreeMap::new(),
            lesson: None,
            reached: BTreeMap::new(),
            votes: BTreeMap::new(),
            shifts: Vec::new(),
            is_on_call: false,
        }
    }

    /// The shift that the class takes now, and its number, from 1.
    pub fn shift(&self) -> Option<(usize, &RoomShift)> {
        let shift = self.shifts.last().filter(|_| self.is_on_call)?;
        Some((self.shifts.len(), shift))
    }

    /// Closes what these offers do not have: they may be others than when the room was stored.
    pub fn fit(&mut self, offers: &[Offer]) {
        let has = |incident: &str, page: usize| page_of(offers, incident, page).is_some();
        self.lesson = self.lesson.take().filter(|lesson| has(&lesson.incident, lesson.page));
    }

    /// Lets a learner in.
    ///
    /// # Errors
    ///
    /// When the room is full, or the name has no letter or digit.
    pub fn join(&mut self, name: &str, now_s: u64) -> Result<LearnerId, Refused> {
        if self.learners.len() >= MOST_LEARNERS {
            return Err(Refused::Full);
        }
        let name = self.free_name(&clean(name).ok_or(Refused::NoName)?);
        let id = self.learners.keys().next_back().map_or(1, |last| last + 1);
        let learner =
            Learner { name, hand: false, walks: BTreeMap::new(), at: None, since_s: now_s };
        self.learners.insert(id, learner);
        Ok(id)
    }

    /// The name, with a number if somebody has it already.
    fn free_name(&self, name: &str) -> String {
        let is_taken = |name: &str| self.learners.values().any(|learner| learner.name == name);
        if !is_taken(name) {
            return name.to_owned();
        }
        let numbered = (2..).map(|n: u32| format!("{name} {n}"));
        numbered.into_iter().find(|name| !is_taken(name)).unwrap_or_default()
    }

    /// Carries out a message of the presenter. `chance` is a random number, for what nobody may know before.
    ///
    /// # Errors
    ///
    /// When it has no effect; the room is unchanged.
    pub fn present(
        &mut self,
        message: &FromPresenter,
        offers: &[Offer],
        chance: u32,
    ) -> Result<(), Refused> {
        match message {
            FromPresenter::Open { incident } => {
                if !offers.iter().any(|offer| offer.id == *incident) {
                    return Err(Refused::UnknownIncident);
                }
                let pace = self.lesson.as_ref().map_or(Pace::Together, |lesson| lesson.pace);
                let incident = incident.clone();
                let is_there =
                    |(page, _): &(usize, Round)| page_of(offers, &incident, *page).is_some();
                let reached = self.reached.get(&incident).copied().filter(is_there);
                let (page, round) = reached.unwrap_or((1, Round::First));
                self.lesson = Some(Lesson { incident, page, pace, round });
                self.is_on_call = false;
            }
            FromPresenter::Shift(level) => {
                let shift = RoomShift::begin(chance, self.shifts.len(), *level)?;
                self.shifts.push(shift);
                self.is_on_call = true;
            }
            FromPresenter::Step(page) => {
                let lesson = self.lesson.as_mut().ok_or(Refused::NothingOpen)?;
                page_of(offers, &lesson.incident, *page).ok_or(Refused::UnknownPage)?;
                let furthest = self.reached.get(&lesson.incident);
                // A browser that goes past a question has shown its answer: a vote on it is over.
                lesson.round = match furthest.map(|(furthest, round)| (page.cmp(furthest), round)) {
                    Some((Ordering::Less, _)) => Round::Revealed,
                    Some((Ordering::Equal, round)) => *round,
                    Some((Ordering::Greater, _)) | None => Round::First,
                };
                lesson.page = *page;
            }
            FromPresenter::Pace(pace) => {
                let lesson = self.lesson.as_mut().ok_or(Refused::NothingOpen)?;
                let asks =
                    page_of(offers, &lesson.incident, lesson.page).is_some_and(OfferPage::asks);
                // Free learners may have answered the question: no vote on it can begin.
                if lesson.pace != Pace::Together && *pace == Pace::Together && asks {
                    lesson.round = Round::Revealed;
                }
                lesson.pace = *pace;
            }
            FromPresenter::Round(round) => {
                let lesson = self.lesson.as_mut().ok_or(Refused::NothingOpen)?;
                if lesson.round == Round::Revealed {
                    return Err(Refused::ResultShown);
                }
                lesson.round = *round;
            }
            FromPresenter::Remove(_) => {}
        }
        if let FromPresenter::Remove(learner) = message {
            self.learners.remove(learner).ok_or(Refused::Stranger)?;
            for votes in self.votes.values_mut() {
                votes.first.remove(learner);
                votes.second.remove(learner);
            }
            for shift in &mut self.shifts {
                shift.board.remove(learner);
            }
        }
        if let Some(Lesson { incident, page, round, .. }) = &self.lesson {
            let before = self.reached.get(incident).map_or(0, |(furthest, _)| *furthest);
            if *page >= before {
                self.reached.insert(incident.clone(), (*page, *round));
            }
        }
        Ok(())
    }

    /// Carries out a message of a learner.
    ///
    /// # Errors
    ///
    /// When it has no effect; the room is unchanged.
    pub fn learn(
        &mut self,
        learner: LearnerId,
        message: FromLearner,
        offers: &[Offer],
        now_s: u64,
    ) -> Result<(), Refused> {
        let known = self.learners.get_mut(&learner).ok_or(Refused::Stranger)?;
        match message {
            FromLearner::Hand(is_raised) => known.hand = is_raised,
            FromLearner::Progress(progress) => {
                if !offers.iter().any(|offer| offer.id == progress.incident) {
                    return Err(Refused::UnknownIncident);
                }
                let Progress { page, hints, answered, right, .. } = progress;
                if page > MOST_PAGES || answered > MOST_PAGES {
                    return Err(Refused::UnknownPage);
                }
                // A question has three hints at most.
                if hints > 3 * MOST_PAGES || right > answered {
                    return Err(Refused::Impossible);
                }
                let before = known.walks.get(&progress.incident);
                if before.is_none_or(|before| before.page != progress.page) {
                    known.since_s = now_s;
                }
                known.at = Some(progress.incident.clone());
                // Going back from the last page does not undo that it was reached.
                let finished = progress.finished || before.is_some_and(|before| before.finished);
                let mut progress = Progress { finished, ..progress };
                // A browser that has lost its stored inputs counts from 0.
                if let Some(before) = before.filter(|before| before.answered > progress.answered) {
                    let Progress { hints, answered, right, .. } = *before;
                    progress = Progress { hints, answered, right, ..progress };
                }
                known.walks.insert(progress.incident.clone(), progress);
            }
            FromLearner::OnCall(report) => {
                let shift = self.shifts.last_mut().filter(|_| self.is_on_call);
                let shift = shift.ok_or(Refused::OtherShift)?;
                if shift.take(learner, report)? {
                    known.since_s = now_s;
                }
            }
            FromLearner::Vote { incident, page, round, answer } => {
                let lesson = self.lesson.as_ref().ok_or(Refused::VoteClosed)?;
                let asked = page_of(offers, &lesson.incident, page).filter(|page| page.asks());
                let is_open = lesson.pace == Pace::Together
                    && round.is_open()
                    && (&lesson.incident, lesson.page, lesson.round) == (&incident, page, round);
                let asked = asked.filter(|_| is_open).ok_or(Refused::VoteClosed)?;
                if !asked.takes(answer) {
                    return Err(Refused::NotOffered);
                }
                let votes = self.votes.entry(key(&incident, page)).or_default();
                let of_round =
                    if round == Round::First { &mut votes.first } else { &mut votes.second };
                of_round.insert(learner, answer);
            }
        }
        Ok(())
    }

    /// The votes on the question of the present step.
    pub fn present_votes(&self) -> Option<&Votes> {
        let lesson = self.lesson.as_ref()?;
        self.votes.get(&key(&lesson.incident, lesson.page))
    }

    /// The last vote of a learner, and true if it is a second one, on the question of the present step.
    pub fn vote_of(&self, learner: LearnerId) -> Option<(Answer, bool)> {
        let votes = self.present_votes()?;
        let of = |votes: &BTreeMap<LearnerId, Answer>, second: bool| {
            votes.get(&learner).map(|answer| (*answer, second))
        };
        of(&votes.second, true).or_else(|| of(&votes.first, false))
    }
}

fn key(incident: &str, page: usize) -> String {
    format!("{incident} {page}")
}

/// A nickname without control characters and surplus spaces, of at most [`LONGEST_NAME`] characters; none where
/// nothing is left to read.
fn clean(name: &str) -> Option<String> {
    let readable =
        name.chars().take(10 * LONGEST_NAME).map(|c| if c.is_control() { ' ' } else { c });
    let readable: String = readable.collect();
    let short: String = readable.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = short.chars().take(LONGEST_NAME).collect();
    let short = short.trim_end().to_owned();
    short.chars().any(char::is_alphanumeric).then_some(short)
}

/// The number of votes for each answer, in the order of the answers.
pub fn histogram(votes: &BTreeMap<LearnerId, Answer>) -> Vec<(Answer, usize)> {
    let mut answers: Vec<Answer> = votes.values().copied().collect();
    answers.sort_by(|one, other| order(*one).total_cmp(&order(*other)));
    answers.chunk_by(PartialEq::eq).map(|same| (same[0], same.len())).collect()
}

/// The place of an answer among others: an index, or the number itself.
pub fn order(answer: Answer) -> f64 {
    match answer {
        Answer::Choice(index) | Answer::Line(index) => index as f64,
        Answer::Number(number) => number,
    }
}

#[cfg(test)]
mod tests;
