//! What a page of a walk tells and asks, and what it tells once the run has shown it.

use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::marks::marks;
use firedrill_core::incident::show::Text;
use firedrill_core::incident::walk::{Kind, Pointed, Step, accepts};
use firedrill_core::prose::figures::number;

use super::measured::{lane_of, values};
use super::{Asked, Done, Said, Walk, question};
use crate::tui::model::Lab;

/// Characters of a formula that is shown.
const LONGEST_FORMULA: usize = 60;

/// What a page tells and asks as things are now.
pub fn asked(lab: &Lab, walk: &Walk, step: &Step) -> Asked {
    let values = values(lab, walk, Some(step));
    // What cannot be computed yet is not on the screen.
    let fill = |text: &Text| text.fill(&values).unwrap_or_default();
    let question = question(lab, step);
    let choices = match question.map(|question| &question.kind) {
        Some(Kind::Choice(choices)) => choices.iter().map(|choice| fill(&choice.text)).collect(),
        _ => Vec::new(),
    };
    let prompt = question.map(|question| fill(&question.prompt)).unwrap_or_default();
    Asked { says: fill(&step.says), prompt, choices }
}

/// What is to be told of a step as things are now.
pub(super) fn shown(lab: &Lab, walk: &Walk, step: &Step, said: Said) -> Done {
    let values = values(lab, walk, Some(step));
    let fill =
        |text: &Text| text.fill(&values).unwrap_or_else(|error| format!("(not known: {error})"));
    let reveals = step.reveals.as_ref().map(fill);
    // What was asked stays as it was asked.
    let before = walk.done[walk.at].as_ref().map(|done| done.asked.clone());
    let mut done = Done {
        asked: before.unwrap_or_else(|| asked(lab, walk, step)),
        said,
        right: None,
        figures: Vec::new(),
        why: reveals.clone().unwrap_or_default(),
        line: None,
    };
    let Some(question) = question(lab, step) else { return done };
    let mut why = Vec::new();
    match &question.kind {
        Kind::Choice(choices) => {
            let right = choices.iter().position(|choice| choice.right).unwrap_or_default();
            if let Said::Choice(chosen) = said {
                done.right = Some(chosen == right);
                why.push(fill(&choices[chosen].says));
            }
            if said != Said::Choice(right) {
                let answer = done.asked.choices.get(right).cloned().unwrap_or_default();
                done.figures.push(("answer".to_owned(), answer));
            }
            // A wrong one's word tells what was measured, too.
            if said == Said::Skipped {
                why.push(fill(&choices[right].says));
            }
        }
        Kind::Number { unit, theory, measured, within, near } => {
            let with_unit = |value: f64| {
                let joint = if unit.is_empty() || unit.starts_with('/') { "" } else { " " };
                format!("{}{joint}{unit}", number(value))
            };
            let computed = theory.eval(&values).ok();
            let seen = match measured {
                Some(measured) => measured.eval(&values).ok(),
                None => computed,
            };
            if let Said::Number(guess) = said {
                done.right = seen.map(|seen| {
                    let (low, high) = accepts(seen, *within, *near);
                    (low..=high).contains(&guess)
                });
                let off =
                    seen.filter(|_| done.right == Some(false)).and_then(|seen| off(guess, seen));
                done.figures.push(("you".to_owned(), with_unit(guess) + &off.unwrap_or_default()));
            }
            if measured.is_some() {
                let seen = seen.map_or("nothing".to_owned(), with_unit);
                done.figures.push(("measured".to_owned(), seen));
            }
            let theory = match computed {
                // A long formula is no help, and a number is none.
                Some(value)
                    if theory.text().len() > LONGEST_FORMULA
                        || theory.text().parse::<f64>().is_ok() =>
                {
                    with_unit(value)
                }
                Some(value) => format!("{} = {}", theory.with_numbers(&values), with_unit(value)),
                None => "–".to_owned(),
            };
            done.figures.push(("theory".to_owned(), theory));
        }
        Kind::Line { of, at, also } => {
            let lane = lane_of(lab, Some(of));
            let answer = line(lab.spec.catalogue, lab, (lane, of), *at);
            done.line = answer;
            if let (Said::Line(pointed), Some(answer)) = (said, answer) {
                let text = listing(lab, step).map_or("", |(_, text)| text);
                let lines: Vec<&str> = text.lines().collect();
                let named = lines
                    .get(pointed)
                    .is_some_and(|line| also.iter().any(|code| line.contains(code.as_str())));
                let asked = statement(&lines, answer).contains(&pointed);
                done.right = Some(named || asked);
                let too = if named && !asked { ", which is right too" } else { "" };
                done.figures.push(("you".to_owned(), format!("line {}{too}", pointed + 1)));
            }
            if let Some(answer) = answer {
                done.figures.push(("answer".to_owned(), format!("line {}", answer + 1)));
            }
        }
    }
    why.push(fill(&question.why));
    why.extend(reveals);
    done.why = why.join(" ");
    done
}

/// How far a guess is off, in words: what was forgotten is often a factor.
fn off(guess: f64, seen: f64) -> Option<String> {
    let (more, less) = (guess / seen, seen / guess);
    match () {
        () if guess <= 0.0 || seen <= 0.0 => None,
        () if more >= 1.2 => Some(format!(", {} times too much", number(more))),
        () if less >= 1.2 => Some(format!(", {} times too little", number(less))),
        () => None,
    }
}

/// The lines of the statement that begins at one.
pub fn statement(lines: &[&str], first: usize) -> std::ops::RangeInclusive<usize> {
    let ends = |line: &&str| line.trim_end().ends_with([';', '{', '}', ',']);
    let more = lines.iter().skip(first).position(ends).unwrap_or(0);
    first..=first + more
}

/// The line that is asked for, from 0.
fn line(
    catalogue: &'static Catalogue,
    lab: &Lab,
    (lane, variant): (usize, &str),
    at: Pointed,
) -> Option<usize> {
    let file = lab.spec.entry.file(variant);
    match at {
        Pointed::Waits => {
            let site = lab.main.head.lanes[lane].culprit().filter(|site| site.file == file)?;
            (site.line as usize).checked_sub(1)
        }
        Pointed::Marked(mark) => {
            let marked = marks(catalogue.source(&file)?);
            marked.into_iter().find(|marked| marked.mark == mark)?.line.checked_sub(1)
        }
    }
}

/// Whether a line of code is a comment alone: comments tell what is asked.
pub fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The code that a step's question is about: file and text.
pub fn listing(lab: &Lab, step: &Step) -> Option<(String, &'static str)> {
    let Kind::Line { of, .. } = &question(lab, step)?.kind else { return None };
    let file = lab.spec.entry.file(of);
    let text = lab.spec.catalogue.source(&file)?;
    Some((file, text))
}
