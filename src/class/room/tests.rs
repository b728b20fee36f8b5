use super::*;
use firedrill_core::session::shift::state::{ShiftResult, ShiftState};

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
    room.present(&open, &offers, 0).expect("known");
    room.present(&FromPresenter::Step(2), &offers, 0).expect("known");
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
    room.present(&FromPresenter::Round(Round::Second), &offers, 0).expect("open");
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
    room.present(&ahead, &offers, 0).expect("known");
    room.present(&back, &offers, 0).expect("known");
    assert_eq!(room.lesson.as_ref().map(|lesson| lesson.round), Some(Round::Revealed));
    let again = room.present(&FromPresenter::Round(Round::First), &offers, 0);
    assert_eq!(again, Err(Refused::ResultShown));
    assert_eq!(room.learn(1, vote(Round::First, 0), &offers, 0), Err(Refused::VoteClosed));

    room.present(&ahead, &offers, 0).expect("known");
    room.present(&FromPresenter::Round(Round::Discussion), &offers, 0).expect("open");
    let open = |id: &str| FromPresenter::Open { incident: id.to_owned() };
    room.present(&open("retry-storm"), &offers, 0).expect("known");
    room.present(&open("pool-leak"), &offers, 0).expect("known");
    let left = room.lesson.as_ref().map(|lesson| (lesson.page, lesson.round));
    assert_eq!(left, Some((3, Round::Discussion)));
}

#[test]
fn refuses_messages_outside_the_class_and_changes_nothing() {
    let (mut room, offers) = asked();
    let before = room.clone();
    let elsewhere = FromPresenter::Open { incident: "../etc".to_owned() };
    assert_eq!(room.present(&elsewhere, &offers, 0), Err(Refused::UnknownIncident));
    for page in [0, 5, usize::MAX] {
        let step = FromPresenter::Step(page);
        assert_eq!(room.present(&step, &offers, 0), Err(Refused::UnknownPage));
    }
    assert_eq!(room.learn(9, FromLearner::Hand(true), &offers, 0), Err(Refused::Stranger));
    for answer in [Answer::Choice(3), Answer::Line(0), Answer::Number(1.0)] {
        let incident = "pool-leak".to_owned();
        let unknown = FromLearner::Vote { incident, page: 2, round: Round::First, answer };
        assert_eq!(room.learn(1, unknown, &offers, 0), Err(Refused::NotOffered));
    }
    let far = Progress { incident: "pool-leak".to_owned(), page: 10_000, ..Progress::default() };
    assert_eq!(room.learn(1, FromLearner::Progress(far), &offers, 0), Err(Refused::UnknownPage));
    let more =
        Progress { incident: "pool-leak".to_owned(), right: 9, answered: 5, ..Progress::default() };
    assert_eq!(room.learn(1, FromLearner::Progress(more), &offers, 0), Err(Refused::Impossible));
    assert_eq!(room, before);
}

#[test]
fn a_shift_is_the_same_for_all_and_its_first_result_counts() {
    let (mut room, offers) = asked();
    assert_eq!(room.present(&FromPresenter::Shift(4), &offers, 0), Err(Refused::UnknownLevel));
    room.present(&FromPresenter::Shift(2), &offers, 0).expect("it begins");
    let (number, shift) = room.shift().expect("it has begun");
    assert_eq!((number, shift.level), (1, 2));
    let report = ShiftState { seed: shift.seed, level: 2, ..ShiftState::default() };
    let done = |points| ShiftState {
        is_over: true,
        result: Some(ShiftResult { points, ..ShiftResult::default() }),
        ..report.clone()
    };
    for report in [report.clone(), done(70.0), done(100.0)] {
        room.learn(1, FromLearner::OnCall(report), &offers, 0).expect("it is taken in");
    }
    for (report, why) in [
        (ShiftState { seed: 1, ..report.clone() }, Refused::OtherShift),
        (done(f64::NAN), Refused::Impossible),
        (ShiftState { is_over: false, ..done(1.0) }, Refused::Impossible),
        (
            ShiftState {
                result: Some(ShiftResult { named_s: Some(-1.0), ..ShiftResult::default() }),
                ..report.clone()
            },
            Refused::Impossible,
        ),
    ] {
        assert_eq!(room.learn(2, FromLearner::OnCall(report), &offers, 0), Err(why));
    }
    let board = &room.shift().expect("it goes on").1.board;
    assert_eq!(board.len(), 1);
    assert_eq!(board[&1].result.as_ref().map(|result| result.points), Some(70.0));
    room.present(&FromPresenter::Shift(2), &offers, 8).expect("another");
    assert_eq!(room.shift().map(|(number, shift)| (number, shift.seed)), Some((2, 8)));
    let open = FromPresenter::Open { incident: "pool-leak".to_owned() };
    room.present(&open, &offers, 0).expect("known");
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
        room.present(&open, &offers, 0).expect("known");
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
