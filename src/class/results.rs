//! The results of a class, for files.

use firedrill_core::figures::number;
use firedrill_core::session::walk::Answer;
use serde_json::{Value, json};

use super::room::{Learner, Room};
use super::room_shift::RoomShift;
use crate::join::message::{LearnerId, Progress};

/// The results of all learners.
pub fn all(room: &Room) -> Value {
    room.learners.keys().map(|learner| of(room, *learner)).collect()
}

/// The results of one learner: walks, votes and shifts.
pub fn of(room: &Room, learner: LearnerId) -> Value {
    let Some(known) = room.learners.get(&learner) else { return Value::Null };
    let votes: Vec<Value> = room
        .votes
        .iter()
        .filter_map(|(question, votes)| {
            let (incident, page) = question.split_once(' ')?;
            let (first, second) = (votes.first.get(&learner), votes.second.get(&learner));
            let page = page.parse::<usize>().ok()?;
            (first.or(second).is_some()).then(|| {
                json!({ "incident": incident, "page": page, "first": first.map(from_1), "second": second.map(from_1) })
            })
        })
        .collect();
    let shifts: Vec<_> = room.shifts.iter().filter_map(|shift| shift.board.get(&learner)).collect();
    let walks: Vec<_> = known.walks.values().collect();
    json!({ "name": known.name, "walks": walks, "votes": votes, "shifts": shifts })
}

/// An answer that counts from 1: an option, or a line of the file.
fn from_1(answer: &Answer) -> Answer {
    match answer {
        Answer::Choice(index) => Answer::Choice(index + 1),
        Answer::Line(index) => Answer::Line(index + 1),
        number @ Answer::Number(_) => *number,
    }
}

/// The walks and shifts of all learners, a row each.
pub fn csv(room: &Room) -> String {
    let head = "name,incident,page,finished,answered,right,hints,points".to_owned();
    let of_learner = |(id, learner): (&LearnerId, &Learner)| {
        let name = quoted(&learner.name);
        let row = |walk: &Progress| {
            let Progress { incident, page, finished, answered, right, hints } = walk;
            format!("{name},{incident},{page},{finished},{answered},{right},{hints},")
        };
        let shift = |(index, shift): (usize, &RoomShift)| {
            let report = shift.board.get(id)?;
            let points = report.result.as_ref().map_or(String::new(), |of| number(of.points));
            let (number, level) = (index + 1, shift.level);
            Some(format!("{name},shift {number} level {level},,{},,,,{points}", report.is_over))
        };
        let walks = learner.walks.values().map(row);
        let shifts = room.shifts.iter().enumerate().filter_map(shift);
        let rows: Vec<String> = walks.chain(shifts).collect();
        if rows.is_empty() { vec![format!("{name},,,,,,,")] } else { rows }
    };
    let rows = room.learners.iter().flat_map(of_learner);
    std::iter::once(head).chain(rows).map(|row| row + "\r\n").collect()
}

/// A field of a CSV row. A spreadsheet takes a text that begins like a formula for one.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_names_for_spreadsheets() {
        assert_eq!(quoted("Ada \"A\", B"), "\"Ada \"\"A\"\", B\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
    }
}
