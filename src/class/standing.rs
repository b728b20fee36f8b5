//! The texts for a learner beside the walk.

use std::collections::BTreeSet;

use firedrill_core::figures::number;
use firedrill_core::session::shift::state::ShiftState;
use firedrill_core::session::walk::Answer;

use super::offer::{Offer, OfferPage, page_of};
use super::room::{Lesson, Room, histogram, order};
use super::room_shift::RoomShift;
use crate::join::message::{LearnerId, Pace, Round};
use crate::join::state::{Standing, VoteRow, VoteTable};

/// Rows of a table of votes, at most: numbers that were typed can all differ.
const MOST_ROWS: usize = 12;

/// The standing of a learner who is known; `here` are the learners whose page is open.
pub fn standing(
    room: &Room,
    learner: LearnerId,
    here: &BTreeSet<LearnerId>,
    offers: &[Offer],
) -> Option<Standing> {
    let known = room.learners.get(&learner)?;
    let lesson = room.lesson.as_ref().filter(|_| !room.is_on_call);
    let asked = lesson.filter(|lesson| asks(lesson, offers));
    let own = asked.and_then(|lesson| {
        let (vote, is_second) = room.vote_of(learner)?;
        let is_old = lesson.round == Round::Second && !is_second;
        let called = if is_old { "your first vote" } else { "your vote" };
        Some((called.to_owned(), answer(vote, lesson, offers)))
    });
    let revealed = lesson.filter(|lesson| lesson.round == Round::Revealed);
    let pace =
        if room.is_on_call { "on call, the same shift for all".to_owned() } else { pace(lesson) };
    Some(Standing {
        name: known.name.clone(),
        hand: known.hand,
        points: room.shift().and_then(|(_, shift)| points(room, shift, learner)),
        pace,
        vote: asked.map(|lesson| state(room, lesson, here)),
        own,
        votes: revealed.and_then(|lesson| votes(room, lesson, offers)),
    })
}

/// The learner's points in a shift, and the best ones; none before the learner has a result.
fn points(room: &Room, shift: &RoomShift, learner: LearnerId) -> Option<String> {
    let of = |report: &ShiftState| report.result.as_ref().map(|result| result.points);
    let own = shift.board.get(&learner).and_then(of)?;
    let all = shift.board.iter().filter_map(|(id, report)| Some((of(report)?, id)));
    let (best, id) = all.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let name = room.learners.get(id).map_or("", |learner| &*learner.name);
    Some(format!("Your points: {}. The best: {} ({name}).", number(own), number(best)))
}

fn pace(lesson: Option<&Lesson>) -> String {
    let Some(Lesson { pace, page, .. }) = lesson else { return "in the room".to_owned() };
    match pace {
        Pace::Together => format!("together, page {page}"),
        Pace::UpTo => format!("at your own pace, up to page {page}"),
        Pace::Free => "at your own pace".to_owned(),
    }
}

/// The page that everybody is at; none where each learner turns the pages.
pub fn shared<'a>(lesson: &Lesson, offers: &'a [Offer]) -> Option<&'a OfferPage> {
    page_of(offers, &lesson.incident, lesson.page).filter(|_| lesson.pace == Pace::Together)
}

/// Returns true if the class is at a question together.
pub fn asks(lesson: &Lesson, offers: &[Offer]) -> bool {
    shared(lesson, offers).is_some_and(OfferPage::asks)
}

/// The state of the vote on the question that the class is at.
pub fn state(room: &Room, lesson: &Lesson, here: &BTreeSet<LearnerId>) -> String {
    let votes = room.present_votes();
    let first = votes.map_or(0, |votes| votes.first.len());
    let second = votes.map_or(0, |votes| votes.second.len());
    // A learner who has voted and left counts; one who has only left does not.
    let by_first = lesson.round == Round::First;
    let voted = votes.map(|votes| if by_first { &votes.first } else { &votes.second });
    let has_left = |learner: &&LearnerId| !here.contains(*learner);
    let of = here.len() + voted.map_or(0, |voted| voted.keys().filter(has_left).count());
    match lesson.round {
        Round::First => format!("First vote: choose alone. {first} of {of} have voted."),
        Round::Discussion => {
            "The vote is closed. Explain your answer to your neighbour.".to_owned()
        }
        Round::Second => format!("Second vote: choose again. {second} of {of} have voted."),
        Round::Revealed => "The run shows the answer.".to_owned(),
    }
}

/// An answer, as the options, lines and numbers are labelled on the page of the walk.
fn answer(answer: Answer, lesson: &Lesson, offers: &[Offer]) -> String {
    match answer {
        Answer::Choice(index) => format!("option {}", index + 1),
        // With its result, the page of the walk shows the numbers of the file.
        Answer::Line(index) if lesson.round == Round::Revealed => format!("line {}", index + 1),
        Answer::Line(index) => {
            let number = match page_of(offers, &lesson.incident, lesson.page) {
                Some(OfferPage::Line(numbers)) => numbers.get(index).copied().flatten(),
                _ => None,
            };
            number.map_or_else(String::new, |number| format!("line {number}"))
        }
        Answer::Number(value) => number(value),
    }
}

/// First and second votes on the question that the class is at; none where nobody has voted.
pub fn votes(room: &Room, lesson: &Lesson, offers: &[Offer]) -> Option<VoteTable> {
    let votes = room.present_votes()?;
    let (first, second) = (histogram(&votes.first), histogram(&votes.second));
    let mut answers: Vec<Answer> = first.iter().chain(&second).map(|(answer, _)| *answer).collect();
    answers.sort_by(|one, other| order(*one).total_cmp(&order(*other)));
    answers.dedup();
    let count = |of: &[(Answer, usize)], wanted: Answer| {
        of.iter().find(|(answer, _)| *answer == wanted).map_or(0, |(_, count)| *count)
    };
    let row = |of: &Answer| VoteRow {
        answer: answer(*of, lesson, offers),
        first: count(&first, *of),
        second: count(&second, *of),
    };
    Some(VoteTable {
        rows: answers.iter().take(MOST_ROWS).map(row).collect(),
        others: answers.len().saturating_sub(MOST_ROWS),
        first: votes.first.len(),
        second: (!second.is_empty()).then_some(votes.second.len()),
    })
}
