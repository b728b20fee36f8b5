//! The state of a walk: its page, the outcome of each page, and what it has counted of the run.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::values::Since;
use crate::event::{EventKind, ExitCause};
use crate::incident::formula::Values;
use crate::incident::manifest::Manifest;
use crate::incident::walk::{AnswerKind, Question};
use crate::random::stream;
use crate::session::progress::WalkProgress;
use crate::session::run_state::RunState;

/// The state of a walk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Walk {
    /// The page, from 0.
    pub at: usize,
    /// The stage of that page.
    pub stage: Stage,
    /// Hints of this page's question that have been asked for.
    pub hints: usize,
    /// Hints of all questions that have been asked for.
    pub helped: usize,
    /// A note on an input that had no effect.
    pub note: Option<String>,
    /// The outcome of each page; none: not yet.
    pub done: Vec<Option<Done>>,
    /// Names of the lanes; empty: their variants.
    pub names: Vec<String>,
    /// Factor on the speed of every stretch.
    pub faster: f64,
    /// Seed of the order of options.
    pub order_seed: u64,
    /// True if the run is paused and all samples up to that moment have been processed.
    pub(super) held: bool,
    /// The lanes as each page left them.
    pub(super) shots: Vec<Option<Box<Shot>>>,
    /// The first exit of each lane, in seconds of the run.
    pub(super) exits_s: Vec<Option<f64>>,
    /// The time at which the run went on, and the measures of each lane then.
    pub(super) went_on: Option<(f64, Vec<Values>)>,
    /// Counts of each lane since then.
    pub(super) since: Vec<Since>,
}

/// The stages of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It is read, and its question asked, if it has one.
    Prompt,
    /// The run goes on until the condition of the step is met.
    Running,
    /// The result is shown.
    Revealed,
}

/// The outcome of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The texts of the page, with the figures of the moment at which they were shown.
    pub texts: Texts,
    /// The learner's reply.
    pub reply: Reply,
    /// True if the answer was right; none without a question or an answer.
    pub right: Option<bool>,
    /// Answered, measured and computed figures, each with its name.
    pub figures: Vec<(String, String)>,
    /// The reply to the answer, or to the right one if the question was skipped; empty: none.
    pub says: String,
    /// The explanation.
    pub why: String,
    /// Index of the right option, in the order shown.
    pub right_option: Option<usize>,
    /// The line of code that was asked for, from 0.
    pub line: Option<usize>,
}

/// The texts of a page before its answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Texts {
    /// The introduction.
    pub says: String,
    /// A remark on how the time of the run passes; empty: none.
    pub pace: String,
    /// The question; empty: none.
    pub prompt: String,
    /// The options of a choice.
    pub choices: Vec<String>,
}

/// An answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The option with this number, from 0.
    Choice(usize),
    /// A number.
    Number(f64),
    /// A line of code, from 0.
    Line(usize),
}

/// The learner's reply to a page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// There was no question.
    Nothing,
    /// The question was skipped.
    Skipped,
    /// An answer.
    Answer(Answer),
}

/// The lanes as a page left them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shot {
    pub(super) state: RunState,
    pub(super) variants: Vec<String>,
    pub(super) names: Vec<String>,
}

impl Walk {
    /// A walk before its first page, played `faster` times as fast. `order_seed` decides the order of options.
    pub(in crate::session) fn new(manifest: &Manifest, faster: f64, order_seed: u64) -> Self {
        Self {
            at: 0,
            stage: Stage::Prompt,
            hints: 0,
            helped: 0,
            note: None,
            done: vec![None; manifest.pages()],
            names: Vec::new(),
            faster,
            order_seed,
            held: false,
            shots: vec![None; manifest.pages()],
            exits_s: Vec::new(),
            went_on: None,
            since: Vec::new(),
        }
    }

    /// Returns the options of a choice question in the order shown: indices into the manifest's list.
    /// The order is the same on every visit to the page.
    pub fn order(&self, question: &Question) -> Vec<usize> {
        let AnswerKind::Choice(choices) = &question.kind else { return Vec::new() };
        let mut order: Vec<usize> = (0..choices.len()).collect();
        order.shuffle(&mut stream(self.order_seed, &format!("options of {}", question.id)));
        order
    }

    /// The lanes as the page that is looked back at left them; none: it is the newest page.
    fn shot(&self) -> Option<&Shot> {
        let later = self.done.iter().skip(self.at + 1).any(Option::is_some);
        self.shots.get(self.at)?.as_deref().filter(|_| later)
    }

    /// The state of the run on the page that is looked back at; none: it is the newest page.
    pub(in crate::session) fn state(&self) -> Option<&RunState> {
        Some(&self.shot()?.state)
    }

    /// The name of a lane, where the walk has one for it.
    pub(in crate::session) fn name(&self, lane: usize) -> Option<&String> {
        match self.shot() {
            Some(shot) => shot.names.get(lane).or(shot.variants.get(lane)),
            None => self.names.get(lane),
        }
    }

    /// Returns true on a page that is looked back at: the run has gone on since.
    pub fn is_past(&self) -> bool {
        self.shot().is_some()
    }

    /// Returns true while the run that this page begins has not come to the moment at which it is held.
    pub fn is_starting(&self) -> bool {
        self.stage == Stage::Prompt
            && !self.held
            && self.done.get(self.at).is_some_and(Option::is_none)
    }

    /// Returns true on the last page.
    pub fn is_finished(&self) -> bool {
        self.at + 1 == self.done.len()
    }

    /// The progress to remember.
    pub fn progress(&self) -> WalkProgress {
        let answers = || self.done.iter().flatten().filter_map(|done| done.right);
        WalkProgress {
            pages: self.at + 1,
            finished: self.is_finished(),
            last_page: self.at + 1,
            last_finished: self.is_finished(),
            hints: self.helped,
            answered: answers().count(),
            right: answers().filter(|right| *right).count(),
        }
    }
}

impl Walk {
    /// Counts an event of a lane.
    pub(super) fn count(&mut self, lane: usize, at_s: f64, what: &EventKind) {
        let since = self.since.get_mut(lane);
        match what {
            EventKind::Sample(sample) => since.into_iter().for_each(|since| since.take(sample)),
            EventKind::Exit { cause, .. } if *cause != ExitCause::Stopped => {
                since.into_iter().for_each(Since::exited);
                if let Some(first @ None) = self.exits_s.get_mut(lane) {
                    *first = Some(at_s);
                }
            }
            _ => {}
        }
    }
}
