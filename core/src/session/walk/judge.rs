//! Judges answers, and reveals the result of a page.

use super::listing::{answer_line, listing, statement};
use super::values::{lane_of, of_step};
use super::{Answer, Done, Reply, Texts, Walk, question};
use serde::{Deserialize, Serialize};

use crate::figures::number;
use crate::incident::formula::Values;
use crate::incident::show::Text;
use crate::incident::walk::{AnswerKind, Choice, Question, WalkStep};
use crate::session::Session;

/// Characters of a formula that is shown.
const LONGEST_FORMULA: usize = 60;

/// The answers to a question that are right, with the figures of a run: everything that judging needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AnswerKey {
    /// For each option, the ruling on it.
    Choice(Vec<Ruling>),
    /// The numbers from the first to the second are right.
    Number(f64, f64),
    /// For each line of the code, the ruling on it.
    Line(Vec<Ruling>),
}

/// The ruling on an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// True if it is right.
    pub right: bool,
    /// The reply to it; empty: none.
    pub says: String,
}

impl AnswerKey {
    /// The ruling on an answer; none where it does not answer this kind of question, or not one of its options.
    pub fn judge(&self, answer: Answer) -> Option<Ruling> {
        match (self, answer) {
            (Self::Choice(rulings), Answer::Choice(at))
            | (Self::Line(rulings), Answer::Line(at)) => rulings.get(at).cloned(),
            (Self::Number(from, to), Answer::Number(number)) if number.is_finite() => {
                let right = (*from..=*to).contains(&number);
                Some(Ruling { right, says: String::new() })
            }
            _ => None,
        }
    }

    /// The key of a question, with the present figures; none as long as they are not known.
    pub(in crate::session) fn of(session: &Session, walk: &Walk, step: &WalkStep) -> Option<Self> {
        let question = question(session.case.manifest(), step)?;
        let values = of_step(session, walk, Some(step));
        match &question.kind {
            AnswerKind::Choice(choices) => {
                let ruling = |choice: &Choice| Ruling {
                    right: choice.right,
                    says: fill(&choice.says, &values),
                };
                let order = walk.order(question).into_iter();
                Some(Self::Choice(order.map(|at| ruling(&choices[at])).collect()))
            }
            AnswerKind::Number { theory, measured, tolerance, .. } => {
                let seen = measured.as_ref().unwrap_or(theory).eval(&values).ok()?;
                let (from, to) = tolerance.bounds(seen);
                Some(Self::Number(from, to))
            }
            AnswerKind::Line { variant: of, at, lines: replies, elsewhere, .. } => {
                let (_, text) = listing(session, step)?;
                let lines: Vec<&str> = text.lines().collect();
                let line = answer_line(session, (lane_of(session, Some(of)), of), *at)?;
                let asked = statement(&lines, line);
                let ruling = |(i, line): (usize, &&str)| {
                    if asked.contains(&i) {
                        return Ruling { right: true, says: String::new() };
                    }
                    match replies.iter().find(|reply| line.contains(reply.code.as_str())) {
                        Some(reply) => {
                            Ruling { right: reply.right, says: fill(&reply.says, &values) }
                        }
                        None => Ruling { right: false, says: fill(elsewhere, &values) },
                    }
                };
                Some(Self::Line(lines.iter().enumerate().map(ruling).collect()))
            }
        }
    }
}

/// A text with its figures, or a remark that they are not known.
fn fill(text: &Text, values: &Values) -> String {
    text.fill(values).unwrap_or_else(|error| format!("(not known: {error})"))
}

/// Returns true if an answer is of the question's kind, and one of its options.
pub(super) fn fits(question: &Question, answer: Answer) -> bool {
    match (&question.kind, answer) {
        (AnswerKind::Choice(choices), Answer::Choice(choice)) => choice < choices.len(),
        (AnswerKind::Number { .. }, Answer::Number(number)) => number.is_finite(),
        (AnswerKind::Line { .. }, Answer::Line(_)) => true,
        _ => false,
    }
}

/// The texts of a page with the present figures.
pub(super) fn texts(session: &Session, walk: &Walk, step: &WalkStep) -> Texts {
    let values = of_step(session, walk, Some(step));
    // A text whose figures cannot be computed yet is not shown.
    let fill = |text: &Text| text.fill(&values).unwrap_or_default();
    let question = question(session.case.manifest(), step);
    let choices = match question.map(|question| &question.kind) {
        Some(AnswerKind::Choice(choices)) => {
            let order = question.map(|question| walk.order(question)).unwrap_or_default();
            order.into_iter().map(|at| fill(&choices[at].text)).collect()
        }
        _ => Vec::new(),
    };
    let prompt = question.map(|question| fill(&question.prompt)).unwrap_or_default();
    let pace = step.pace.as_ref().map(fill).unwrap_or_default();
    Texts { says: fill(&step.says), pace, prompt, choices }
}

/// The outcome of a page with the present figures.
pub(super) fn reveal(session: &Session, walk: &Walk, step: &WalkStep, reply: Reply) -> Done {
    let values = of_step(session, walk, Some(step));
    let fill = |text: &Text| fill(text, &values);
    let reveals = step.reveals.as_ref().map(fill);
    // The texts stay as they were when the answer was given.
    let before = walk.done[walk.at].as_ref().map(|done| done.texts.clone());
    let mut done = Done {
        texts: before.unwrap_or_else(|| texts(session, walk, step)),
        reply,
        right: None,
        figures: Vec::new(),
        says: String::new(),
        why: reveals.clone().unwrap_or_default(),
        right_option: None,
        line: None,
    };
    let Some(question) = question(session.case.manifest(), step) else { return done };
    let answer = match reply {
        Reply::Answer(answer) => Some(answer),
        Reply::Nothing | Reply::Skipped => None,
    };
    let key = AnswerKey::of(session, walk, step);
    let ruling = answer.zip(key.as_ref()).and_then(|(answer, key)| key.judge(answer));
    done.right = ruling.as_ref().map(|ruling| ruling.right);
    match &question.kind {
        AnswerKind::Choice(choices) => {
            let order = walk.order(question);
            done.right_option = order.iter().position(|at| choices[*at].right);
            let right = choices.iter().find(|choice| choice.right);
            let of_right = || right.map(|choice| fill(&choice.says)).unwrap_or_default();
            done.says = ruling.map_or_else(of_right, |ruling| ruling.says);
        }
        AnswerKind::Number { .. } => {
            let guess = match answer {
                Some(Answer::Number(guess)) => Some((guess, done.right == Some(true))),
                _ => None,
            };
            done.figures = numbers(&question.kind, &values, guess);
        }
        AnswerKind::Line { variant: of, at, .. } => {
            done.line = answer_line(session, (lane_of(session, Some(of)), of), *at);
            if let (Some(Answer::Line(pointed)), Some(ruling)) = (answer, ruling) {
                done.figures.push(("you".to_owned(), format!("line {}", pointed + 1)));
                done.says = ruling.says;
            }
            if let Some(line) = done.line {
                done.figures.push(("answer".to_owned(), format!("line {}", line + 1)));
            }
        }
    }
    let why: Vec<String> = std::iter::once(fill(&question.why)).chain(reveals).collect();
    done.why = why.join(" ");
    done
}

/// Returns the figures of a number question: answer, measurement and theory.
fn numbers(
    kind: &AnswerKind,
    values: &Values,
    guess: Option<(f64, bool)>,
) -> Vec<(String, String)> {
    let AnswerKind::Number { unit, theory, measured, .. } = kind else { return Vec::new() };
    let with_unit = |value: f64| {
        let joint = if unit.is_empty() || unit.starts_with('/') { "" } else { " " };
        format!("{}{joint}{unit}", number(value))
    };
    let computed = theory.eval(values).ok();
    let seen = match measured {
        Some(measured) => measured.eval(values).ok(),
        None => computed,
    };
    let mut figures = Vec::new();
    if let Some((guess, right)) = guess {
        let off = seen.filter(|_| !right).and_then(|seen| off(guess, seen));
        figures.push(("you".to_owned(), with_unit(guess) + &off.unwrap_or_default()));
    }
    if measured.is_some() {
        figures.push(("measured".to_owned(), seen.map_or("nothing".to_owned(), with_unit)));
    }
    let text = theory.text();
    // A long formula is no help, and a plain number is not a formula.
    let is_name = text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_plain = text.len() > LONGEST_FORMULA || is_name || text.parse::<f64>().is_ok();
    let theory = match computed {
        Some(value) if is_plain => with_unit(value),
        Some(value) => format!("{} = {}", theory.with_numbers(values), with_unit(value)),
        None => "–".to_owned(),
    };
    figures.push(("theory".to_owned(), theory));
    figures
}

/// The factor by which a guess is off, in words: a forgotten step is often a factor.
fn off(guess: f64, seen: f64) -> Option<String> {
    let (more, less) = (guess / seen, seen / guess);
    match () {
        () if guess <= 0.0 || seen <= 0.0 => None,
        () if more >= 1.2 => Some(format!(", {} times too high", number(more))),
        () if less >= 1.2 => Some(format!(", {} times too low", number(less))),
        () => None,
    }
}
