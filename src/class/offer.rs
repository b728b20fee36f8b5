//! The incidents that a class can open, and the question of each page.

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::walk::{AnswerKind, WalkStep};
use firedrill_core::session::walk::{Answer, hidden_while_open, numbers};

/// An incident that a class can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// Its symptom: the title would give the cause away.
    pub seen_as: String,
    /// The pages of its walk.
    pub pages: Vec<OfferPage>,
}

/// A page of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferPage {
    /// It is only read.
    Reads,
    /// Time passes on it.
    Runs,
    /// It asks for one of so many options.
    Choice(usize),
    /// It asks for a number.
    Number,
    /// It asks for a line of code. For each line of the file, its number on the page; none: it is hidden.
    Line(Vec<Option<usize>>),
}

impl OfferPage {
    /// Returns true if the page asks a question.
    pub fn asks(&self) -> bool {
        !matches!(self, Self::Reads | Self::Runs)
    }

    /// Returns true if this is one of the answers that the page offers.
    pub fn takes(&self, answer: Answer) -> bool {
        match (self, answer) {
            (Self::Choice(options), Answer::Choice(index)) => index < *options,
            (Self::Number, Answer::Number(number)) => number.is_finite(),
            (Self::Line(numbers), Answer::Line(index)) => {
                numbers.get(index).is_some_and(Option::is_some)
            }
            _ => false,
        }
    }
}

impl Offer {
    /// A page, from 1.
    pub fn page(&self, page: usize) -> Option<&OfferPage> {
        page.checked_sub(1).and_then(|index| self.pages.get(index))
    }

    fn of(catalogue: &Catalogue, entry: &CatalogueEntry) -> Self {
        let manifest = &entry.manifest;
        let of_step = |step: &WalkStep| {
            let question = manifest.questions.iter().find(|q| Some(&q.id) == step.asks.as_ref());
            match question.map(|question| &question.kind) {
                None if step.until.is_some() => OfferPage::Runs,
                None => OfferPage::Reads,
                Some(AnswerKind::Choice(choices)) => OfferPage::Choice(choices.len()),
                Some(AnswerKind::Number { .. }) => OfferPage::Number,
                Some(AnswerKind::Line { variant, .. }) => {
                    let text = catalogue.source(&entry.file(variant)).unwrap_or_default();
                    let hidden = hidden_while_open(text);
                    let shown = numbers(&hidden).into_iter().zip(&hidden);
                    OfferPage::Line(
                        shown.map(|(number, hidden)| (!hidden).then_some(number)).collect(),
                    )
                }
            }
        };
        // The last page has no step.
        let pages = manifest.walk.iter().map(of_step).chain([OfferPage::Reads]);
        Self {
            id: manifest.id.clone(),
            seen_as: manifest.seen_as().to_owned(),
            pages: pages.take(manifest.pages()).collect(),
        }
    }
}

/// The incidents of a class, by their ids; all, if none are given.
pub fn offers(catalogue: &Catalogue, wanted: &[String]) -> Vec<Offer> {
    let entries = catalogue.entries.iter().filter(|entry| !entry.manifest.walk.is_empty());
    let offered = entries.filter(|entry| wanted.is_empty() || wanted.contains(&entry.manifest.id));
    offered.map(|entry| Offer::of(catalogue, entry)).collect()
}

/// The incidents that the shifts of a class are drawn from: those of the class among them that can be in a shift, or, if
/// none can, all of these.
pub fn of_shifts(all: Vec<String>, offers: &[Offer]) -> Vec<String> {
    let is_offered = |id: &String| offers.iter().any(|offer| offer.id == *id);
    let offered: Vec<String> = all.iter().filter(|id| is_offered(id)).cloned().collect();
    if offered.is_empty() { all } else { offered }
}

/// A page of an incident, from 1.
pub fn page_of<'a>(offers: &'a [Offer], incident: &str, page: usize) -> Option<&'a OfferPage> {
    offers.iter().find(|offer| offer.id == incident)?.page(page)
}
