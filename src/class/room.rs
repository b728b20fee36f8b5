//! The room of a class: learners, the step that all are at, and their votes. Plain data: [`Room::present`] and
//! [`Room::learn`] take one message after the other, and nothing in here reads a clock or a socket.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use firedrill_core::page::shift::OnCall;
use firedrill_core::session::shift::scenario::{LEVELS, LIMIT_MS};
use firedrill_core::session::walk::Answer;
use serde::{Deserialize, Serialize};

use super::offer::{Offer, OfferPage, page_of};

/// Learners of a class, at most.
pub const MOST_LEARNERS: usize = 1000;

/// Characters of a nickname, at most.
pub const LONGEST_NAME: usize = 32;

/// Pages of a walk that a learner may report, at most: far more than any walk has.
const MOST_PAGES: usize = 200;

/// Shifts of a class, at most.
const MOST_SHIFTS: usize = 100;

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
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    OnCall(OnCall),
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

/// An on-call shift that everybody takes: the same seed for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomShift {
    /// The seed.
    pub seed: u64,
    /// The level.
    pub level: u8,
    /// The newest report of each learner.
    pub board: BTreeMap<LearnerId, OnCall>,
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

    /// Carries out a message of the presenter.
    ///
    /// # Errors
    ///
    /// When it has no effect; the room is unchanged.
    pub fn present(&mut self, message: &FromPresenter, offers: &[Offer]) -> Result<(), Refused> {
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
                if !LEVELS.contains(level) {
                    return Err(Refused::UnknownLevel);
                }
                if self.shifts.len() >= MOST_SHIFTS {
                    return Err(Refused::TooManyShifts);
                }
                // Another class has other shifts, and this one none twice.
                let seed =
                    u64::from(self.order_seed) * MOST_SHIFTS as u64 + self.shifts.len() as u64;
                self.shifts.push(RoomShift { seed, level: *level, board: BTreeMap::new() });
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
                if progress.page > MOST_PAGES || progress.answered > MOST_PAGES {
                    return Err(Refused::UnknownPage);
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
                let same = |shift: &&mut RoomShift| {
                    (shift.seed, shift.level) == (report.seed, report.level)
                };
                let shift = shift.filter(same).ok_or(Refused::OtherShift)?;
                if !is_possible(&report) {
                    return Err(Refused::Impossible);
                }
                // The first result counts: the cause is known after it.
                if shift.board.get(&learner).is_none_or(|before| before.result.is_none()) {
                    known.since_s = now_s;
                    shift.board.insert(learner, report);
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

/// Returns true if a shift can have these figures.
fn is_possible(report: &OnCall) -> bool {
    let longest_s = LIMIT_MS as f64 / 1000.0;
    let result = report.result.iter();
    let times = result.clone().flat_map(|of| [of.detected_s, of.mitigated_s, of.named_s]);
    let mut times = times.chain([report.paged_s]).flatten();
    // After its end a shift is watched for as long again, at most.
    times.all(|time_s| (0.0..=2.0 * longest_s).contains(&time_s))
        && result.clone().all(|of| (0.0..=100.0).contains(&of.points))
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
mod tests {
    use super::*;
    use firedrill_core::page::shift::OnCallResult;

    use crate::class::offer::OfferPage::{Choice, Number, Reads};

    fn offers() -> Vec<Offer> {
        let offer = |id: &str| Offer {
            id: id.to_owned(),
            seen_as: String::new(),
            pages: vec![Reads, Choice(3), Number, Reads],
        };
        vec![offer("pool-leak"), offer("retry-storm")]
    }

    /// A room with two learners, at a question.
    fn asked() -> (Room, Vec<Offer>) {
        let (mut room, offers) = (Room::new(7), offers());
        room.join("Ada", 0).expect("there is room");
        room.join("Ada", 0).expect("there is room");
        let open = FromPresenter::Open { incident: "pool-leak".to_owned() };
        room.present(&open, &offers).expect("known");
        room.present(&FromPresenter::Step(2), &offers).expect("known");
        (room, offers)
    }

    fn vote(round: Round, choice: usize) -> FromLearner {
        let incident = "pool-leak".to_owned();
        FromLearner::Vote { incident, page: 2, round, answer: Answer::Choice(choice) }
    }

    #[test]
    fn counts_the_last_vote_of_each_round_once() {
        let (mut room, offers) = asked();
        for choice in [2, 2, 0] {
            room.learn(1, vote(Round::First, choice), &offers, 0).expect("open");
        }
        room.learn(2, vote(Round::First, 1), &offers, 0).expect("open");
        let late = room.learn(1, vote(Round::Second, 1), &offers, 0);
        assert_eq!(late, Err(Refused::VoteClosed), "the second round has not begun");
        room.present(&FromPresenter::Round(Round::Second), &offers).expect("open");
        let late = room.learn(2, vote(Round::First, 0), &offers, 0);
        assert_eq!(late, Err(Refused::VoteClosed), "a first vote that comes late");
        room.learn(1, vote(Round::Second, 1), &offers, 0).expect("open");
        let votes = room.present_votes().expect("there are votes");
        let one = |choice| (Answer::Choice(choice), 1);
        assert_eq!(histogram(&votes.first), [one(0), one(1)]);
        assert_eq!(histogram(&votes.second), [one(1)]);
        let (one, two) = (room.vote_of(1), room.vote_of(2));
        assert_eq!(one, Some((Answer::Choice(1), true)));
        assert_eq!(two, Some((Answer::Choice(1), false)));
    }

    #[test]
    fn a_question_that_was_passed_has_no_vote_any_more_and_one_that_was_left_goes_on() {
        let (mut room, offers) = asked();
        let (back, ahead) = (FromPresenter::Step(2), FromPresenter::Step(3));
        room.present(&ahead, &offers).expect("known");
        room.present(&back, &offers).expect("known");
        assert_eq!(room.lesson.as_ref().map(|lesson| lesson.round), Some(Round::Revealed));
        let again = room.present(&FromPresenter::Round(Round::First), &offers);
        assert_eq!(again, Err(Refused::ResultShown));
        assert_eq!(room.learn(1, vote(Round::First, 0), &offers, 0), Err(Refused::VoteClosed));

        room.present(&ahead, &offers).expect("known");
        room.present(&FromPresenter::Round(Round::Discussion), &offers).expect("open");
        let open = |id: &str| FromPresenter::Open { incident: id.to_owned() };
        room.present(&open("retry-storm"), &offers).expect("known");
        room.present(&open("pool-leak"), &offers).expect("known");
        let left = room.lesson.as_ref().map(|lesson| (lesson.page, lesson.round));
        assert_eq!(left, Some((3, Round::Discussion)));
    }

    #[test]
    fn refuses_messages_outside_the_class_and_changes_nothing() {
        let (mut room, offers) = asked();
        let before = room.clone();
        let elsewhere = FromPresenter::Open { incident: "../etc".to_owned() };
        assert_eq!(room.present(&elsewhere, &offers), Err(Refused::UnknownIncident));
        for page in [0, 5, usize::MAX] {
            let step = FromPresenter::Step(page);
            assert_eq!(room.present(&step, &offers), Err(Refused::UnknownPage));
        }
        assert_eq!(room.learn(9, FromLearner::Hand(true), &offers, 0), Err(Refused::Stranger));
        for answer in [Answer::Choice(3), Answer::Line(0), Answer::Number(1.0)] {
            let incident = "pool-leak".to_owned();
            let unknown = FromLearner::Vote { incident, page: 2, round: Round::First, answer };
            assert_eq!(room.learn(1, unknown, &offers, 0), Err(Refused::NotOffered));
        }
        let far =
            Progress { incident: "pool-leak".to_owned(), page: 10_000, ..Progress::default() };
        assert_eq!(
            room.learn(1, FromLearner::Progress(far), &offers, 0),
            Err(Refused::UnknownPage)
        );
        assert_eq!(room, before);
    }

    #[test]
    fn a_shift_is_the_same_for_all_and_its_first_result_counts() {
        let (mut room, offers) = asked();
        assert_eq!(room.present(&FromPresenter::Shift(4), &offers), Err(Refused::UnknownLevel));
        room.present(&FromPresenter::Shift(2), &offers).expect("it begins");
        let (number, shift) = room.shift().expect("it has begun");
        assert_eq!((number, shift.level), (1, 2));
        let report = OnCall { seed: shift.seed, level: 2, ..OnCall::default() };
        let done = |points| OnCall {
            is_over: true,
            result: Some(OnCallResult { points, ..OnCallResult::default() }),
            ..report.clone()
        };
        for report in [report.clone(), done(70.0), done(100.0)] {
            room.learn(1, FromLearner::OnCall(report), &offers, 0).expect("it is taken in");
        }
        for (report, why) in [
            (OnCall { seed: 1, ..report.clone() }, Refused::OtherShift),
            (done(f64::NAN), Refused::Impossible),
            (OnCall { paged_s: Some(-1.0), ..report.clone() }, Refused::Impossible),
        ] {
            assert_eq!(room.learn(2, FromLearner::OnCall(report), &offers, 0), Err(why));
        }
        let board = &room.shift().expect("it goes on").1.board;
        assert_eq!(board.len(), 1);
        assert_eq!(board[&1].result.as_ref().map(|result| result.points), Some(70.0));
        let before = room.shifts[0].seed;
        room.present(&FromPresenter::Shift(2), &offers).expect("another");
        assert_ne!(room.shift().expect("it has begun").1.seed, before);
        let open = FromPresenter::Open { incident: "pool-leak".to_owned() };
        room.present(&open, &offers).expect("known");
        assert!(room.shift().is_none());
        let late = room.learn(2, FromLearner::OnCall(report), &offers, 0);
        assert_eq!(late, Err(Refused::OtherShift));
    }

    #[test]
    fn bounds_names_and_keeps_them_apart() {
        let (mut room, _) = asked();
        assert_eq!(room.learners[&2].name, "Ada 2");
        assert_eq!(room.join(" \u{7}\t ", 0), Err(Refused::NoName));
        let id = room.join(&"<b>\n".repeat(10_000), 0).expect("there is room");
        let name = &room.learners[&id].name;
        assert!(name.chars().count() <= LONGEST_NAME && !name.contains('\n'), "{name}");
        for n in room.learners.len()..MOST_LEARNERS {
            room.join(&n.to_string(), 0).expect("there is room");
        }
        assert_eq!(room.join("one more", 0), Err(Refused::Full));
    }

    #[test]
    fn a_stored_room_with_an_impossible_step_opens_nothing() {
        let (mut room, offers) = asked();
        for (incident, page) in [("pool-leak", 0), ("pool-leak", 99), ("nowhere", 1)] {
            let lesson = room.lesson.clone().unwrap_or(Lesson {
                incident: String::new(),
                page: 1,
                pace: Pace::Together,
                round: Round::First,
            });
            room.lesson = Some(Lesson { incident: incident.to_owned(), page, ..lesson });
            room.reached.insert(incident.to_owned(), (page, Round::First));
            room.fit(&offers);
            assert_eq!(room.lesson, None);
            let open = FromPresenter::Open { incident: "pool-leak".to_owned() };
            room.present(&open, &offers).expect("known");
            assert_eq!(room.lesson.as_ref().map(|lesson| lesson.page), Some(1));
        }
    }

    #[test]
    fn a_room_that_was_stored_is_the_same() {
        let (mut room, offers) = asked();
        room.learn(1, vote(Round::First, 1), &offers, 5).expect("open");
        let stored = serde_json::to_string(&room).expect("plain data");
        assert_eq!(serde_json::from_str::<Room>(&stored).expect("its own"), room);
    }
}
