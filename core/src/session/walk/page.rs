//! A page of a walk as a front end shows it: nothing in it has to be hidden any more.

use serde::{Deserialize, Serialize};

use super::judge::texts;
use super::listing::{self, Listing};
use super::values::of_step;
use super::{Answer, Reply, Stage, Walk, question};
use crate::incident::show::Text;
use crate::incident::walk::{AnswerKind, Debrief, Tongue, WalkStep};
use crate::session::Session;

/// A page of a walk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// Its number, from 1.
    pub number: usize,
    /// The number of pages.
    pub of: usize,
    /// Its title.
    pub title: String,
    /// A note on an input that had no effect.
    pub note: Option<String>,
    /// Its content.
    pub content: Content,
}

/// The content of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::large_enum_variant, reason = "a session has one page at a time")]
pub enum Content {
    /// One step of the walk.
    WalkStep(StepPage),
    /// The last page.
    Summary(Summary),
}

/// One step of a walk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepPage {
    /// The stage that it is in.
    pub stage: Stage,
    /// True while the servers of its run are starting.
    pub is_starting: bool,
    /// True if the run continues after the learner's reply.
    pub goes_on: bool,
    /// A text for a presenter to say; empty: none.
    pub presenter: String,
    /// The introduction.
    pub says: String,
    /// A remark on how the time of the run passes; empty: none.
    pub pace: String,
    /// The question, if it asks one.
    pub question: Option<Asking>,
    /// The result, once it may be shown.
    pub result: Option<Outcome>,
    /// The titles of the charts that it is about; empty: all.
    pub watch: Vec<String>,
    /// True if the charts are per instance.
    pub by_instance: bool,
}

/// A question on a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asking {
    /// The question.
    pub prompt: String,
    /// The form of its answer.
    pub form: AnswerForm,
    /// The answer, once it was given.
    pub answer: Option<Answer>,
    /// True if the answer was right.
    pub right: Option<bool>,
    /// The newest hint, while it is open: its number from 1, the number of hints, the text.
    pub hint: Option<(usize, usize, String)>,
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AnswerForm {
    /// One of these options.
    Choice(Vec<String>),
    /// A number.
    Number {
        /// Unit of the answer.
        unit: String,
        /// Accepted deviation, for example `within 20 %`.
        tolerance: String,
    },
    /// A line of this code.
    Line(Listing),
}

/// The result of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Answered, measured and computed figures, each with its name.
    pub figures: Vec<(String, String)>,
    /// Index of the right option, in the order shown.
    pub right_option: Option<usize>,
    /// The reply to the answer, or to the right one if the question was skipped; empty: none.
    pub says: String,
    /// The explanation.
    pub why: String,
}

/// The last page of a walk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Its parts, each with its name.
    pub parts: Vec<(&'static str, String)>,
    /// The incident in Go: code and text.
    pub go: (String, String),
    /// The incident in Rust: code and text.
    pub rust: (String, String),
}

impl Page {
    /// The texts of the page, as they are shown.
    pub fn texts(&self) -> Vec<&str> {
        match &self.content {
            Content::WalkStep(step) => {
                let question = step.question.as_ref().map(|question| question.prompt.as_str());
                let why = step.result.as_ref().map(|result| result.why.as_str());
                std::iter::once(step.says.as_str()).chain(question).chain(why).collect()
            }
            Content::Summary(summary) => {
                summary.parts.iter().map(|(_, text)| text.as_str()).collect()
            }
        }
    }

    /// The step; none on the last page.
    pub fn step(&self) -> Option<&StepPage> {
        match &self.content {
            Content::WalkStep(step) => Some(step),
            Content::Summary(_) => None,
        }
    }

    /// The code that its question is about.
    pub fn listing(&self) -> Option<&Listing> {
        match &self.step()?.question.as_ref()?.form {
            AnswerForm::Line(listing) => Some(listing),
            AnswerForm::Choice(_) | AnswerForm::Number { .. } => None,
        }
    }
}

/// The page that a walk is at.
pub(in crate::session) fn page(session: &Session, walk: &Walk) -> Option<Page> {
    let manifest = session.case.manifest();
    let (title, content) = if let Some(step) = manifest.walk.get(walk.at) {
        (step.title.clone(), Content::WalkStep(step_page(session, walk, step)))
    } else {
        let debrief = manifest.debrief.as_ref()?;
        ("What to take home".to_owned(), Content::Summary(summary(session, walk, debrief)))
    };
    let (number, of) = (walk.at + 1, walk.done.len());
    Some(Page { number, of, title, note: walk.note.clone(), content })
}

fn step_page(session: &Session, walk: &Walk, step: &WalkStep) -> StepPage {
    let given = walk.done[walk.at].as_ref();
    let done = given.filter(|_| walk.stage == Stage::Revealed);
    let texts = given.map_or_else(|| texts(session, walk, step), |done| done.texts.clone());
    let question = question(session.case.manifest(), step);
    let asking = question.map(|question| {
        let form = match &question.kind {
            AnswerKind::Choice(_) => AnswerForm::Choice(texts.choices),
            AnswerKind::Number { unit, tolerance, .. } => {
                AnswerForm::Number { unit: unit.clone(), tolerance: tolerance.describe(unit) }
            }
            // The manifest's check refuses a line of a variant without source.
            AnswerKind::Line { .. } => match listing::shown(session, walk, step) {
                Some(listing) => AnswerForm::Line(listing),
                None => AnswerForm::Choice(Vec::new()),
            },
        };
        // The newest hint says what the ones before said, and more.
        let newest = walk.hints.checked_sub(1).and_then(|at| question.hints.get(at));
        let hint = newest.filter(|_| walk.stage == Stage::Prompt).map(|hint| {
            let text = hint.fill(&of_step(session, walk, Some(step))).unwrap_or_default();
            (walk.hints, question.hints.len(), text)
        });
        let answer = match given.map(|done| done.reply) {
            Some(Reply::Answer(answer)) => Some(answer),
            Some(Reply::Nothing | Reply::Skipped) | None => None,
        };
        let right = given.and_then(|done| done.right);
        Asking { prompt: texts.prompt, form, answer, right, hint }
    });
    StepPage {
        stage: walk.stage,
        is_starting: walk.is_starting(),
        goes_on: step.until.is_some() || walk.at == 1,
        presenter: step.says_to_presenter.clone(),
        says: texts.says,
        pace: texts.pace,
        question: asking,
        result: done.map(|done| Outcome {
            figures: done.figures.clone(),
            right_option: done.right_option,
            says: done.says.clone(),
            why: done.why.clone(),
        }),
        watch: step.watch.clone(),
        by_instance: step.by_instance,
    }
}

fn summary(session: &Session, walk: &Walk, debrief: &Debrief) -> Summary {
    let values = of_step(session, walk, None);
    let fill =
        |text: &Text| text.fill(&values).unwrap_or_else(|error| format!("(not known: {error})"));
    let tongue = |tongue: &Tongue| (tongue.code.trim_end().to_owned(), fill(&tongue.says));
    Summary {
        parts: debrief.parts().into_iter().map(|(name, text)| (name, fill(text))).collect(),
        go: tongue(&debrief.go),
        rust: tongue(&debrief.rust),
    }
}
