//! The results of a class, for files.

use firedrill_core::session::walk::Answer;
use serde_json::{Value, json};

use super::room::{LearnerId, Room};

/// The results of all learners.
pub fn all(room: &Room) -> Value {
    room.learners.keys().map(|learner| of(room, *learner)).collect()
}

/// The results of one learner: walks and votes.
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
    json!({ "name": known.name, "walks": known.walks.values().collect::<Vec<_>>(), "votes": votes })
}

/// An answer as the page of the walk labels it: options and lines count from 1.
fn from_1(answer: &Answer) -> Answer {
    match answer {
        Answer::Choice(index) => Answer::Choice(index + 1),
        Answer::Line(index) => Answer::Line(index + 1),
        number @ Answer::Number(_) => *number,
    }
}

/// The walks of all learners, a row each.
pub fn csv(room: &Room) -> String {
    let mut rows = "name,incident,page,finished,answered,right,hints\r\n".to_owned();
    for learner in room.learners.values() {
        let name = quoted(&learner.name);
        for walk in learner.walks.values() {
            let figures = [walk.answered, walk.right, walk.hints].map(|n| n.to_string()).join(",");
            rows +=
                &format!("{name},{},{},{},{figures}\r\n", walk.incident, walk.page, walk.finished);
        }
        if learner.walks.is_empty() {
            rows += &format!("{name},,,,,,\r\n");
        }
    }
    rows
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
