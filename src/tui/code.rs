//! The code view: the files that a lane's code is in, the broken variant beside the fixed one, what is folded,
//! and where it is opened.

use std::sync::Arc;

use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::incident::marks::{Mark, Marked, marks};
use firedrill_core::session::walk::scaffolding;

use super::model::{CodeView, Lab};
use crate::diff::{Piece, pieces};

/// One file, or the two forms of one.
#[derive(Debug)]
pub struct Sheet {
    /// The lane's file.
    pub left: Side,
    /// The same in the fixed variant, where it is one of an incident's forms.
    pub right: Option<Side>,
}

/// A source file.
#[derive(Debug)]
pub struct Side {
    /// Its path, as compiler and wait sites name it.
    pub file: String,
    /// Its text.
    pub text: &'static str,
    /// The lane whose waiting tasks are counted at its lines.
    pub lane: Option<usize>,
    /// Its marked lines.
    pub marks: Vec<Marked>,
}

/// A row of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A line on either side, from 0, or nothing there; and whether both are the same.
    Lines(Option<usize>, Option<usize>, bool),
    /// Number of folded rows.
    Folded(usize),
}

impl Side {
    fn new(lab: &Lab, file: String, lane: Option<usize>) -> Option<Self> {
        let text = lab.venue.text(&lab.session.case, &file)?;
        Some(Self { file, text, lane, marks: marks(text) })
    }

    /// Returns the number of tasks that wait at a line, counted from 0.
    pub fn waiting(&self, lab: &Lab, line: usize) -> u64 {
        let lane = self.lane.and_then(|lane| lab.session.shown().lanes.get(lane));
        let sites = lane.and_then(|lane| lane.server.as_ref()).map(|server| &server.wait_sites);
        let here = sites.into_iter().flatten();
        here.filter(|site| site.file == self.file && site.line as usize == line + 1)
            .map(|site| site.waiting)
            .sum()
    }

    /// Returns the mark of a line, counted from 0.
    pub fn mark(&self, line: usize) -> Option<Mark> {
        self.marks.iter().find(|marked| marked.line == line + 1).map(|marked| marked.mark)
    }
}

/// The sheets of the selected lane: the forms of the incident and of every other bug that is on, what they
/// share, and whatever other file tasks wait in.
pub fn sheets(lab: &Lab) -> Vec<Sheet> {
    let lane = lab.lane();
    let case = &lab.session.case;
    let (own, catalogue) = (&case.plan.incident, &case.catalogue);
    let others = lane.bugs.keys().filter(|id| *id != own);
    let ids = std::iter::once(own).chain(others);
    let entries: Vec<&Arc<CatalogueEntry>> = ids.filter_map(|id| catalogue.find(id).ok()).collect();
    let mut sheets: Vec<Sheet> = Vec::new();
    for entry in &entries {
        // The fixed variant is shown beside the broken one.
        let on = lane.bugs.get(&entry.manifest.id).map(String::as_str);
        // A steered release of the fixed variant is no bug.
        let on = on.filter(|on| *on != "fixed");
        let own = Some(lane.variant.as_str()).filter(|own| *own != "fixed");
        let variant = on.or(own).unwrap_or("broken");
        let fixed = on.is_none().then_some(lab.selected);
        let left = on.is_some().then_some(lab.selected);
        let runs = |wanted: Option<&str>| {
            let lanes = lab.session.shown().lanes.iter();
            let mut runs = lanes.map(|lane| lane.bugs.get(&entry.manifest.id).map(String::as_str));
            runs.position(|runs| runs == wanted)
        };
        let left = left.or_else(|| runs(Some(variant)));
        let fixed = fixed.or_else(|| runs(None));
        if let Some(left) = Side::new(lab, lab.venue.file(case, entry, variant), left) {
            sheets.push(Sheet { left, right: Side::new(lab, entry.file("fixed"), fixed) });
        }
    }
    let shared = entries.iter().flat_map(|entry| {
        let folder = entry.incident.folder();
        let of_form = |file: &String| {
            let forms = entry.incident.variants.iter().map(|variant| variant.name);
            // An exercise is a form, too, of somebody who has not begun.
            forms.chain([YOURS]).any(|form| entry.file(form) == *file)
        };
        let files = catalogue.sources().map(|(file, _)| file);
        files.filter(move |file| file.starts_with(folder) && !of_form(file))
    });
    let waits = lane.server.iter().flat_map(|server| &server.wait_sites);
    let waits = waits.map(|site| site.file.clone());
    for file in shared.chain(waits) {
        if sheets.iter().all(|sheet| sheet.left.file != file)
            && let Some(left) = Side::new(lab, file, Some(lab.selected))
        {
            sheets.push(Sheet { left, right: None });
        }
    }
    sheets
}

/// The code of the selected lane, opened at its first sheet.
pub fn open(lab: &Lab) -> CodeView {
    CodeView { sheet: first(lab, &sheets(lab)), ..CodeView::default() }
}

/// The sheet at which the code is opened: the first that has a mark, else where most tasks wait.
fn first(lab: &Lab, sheets: &[Sheet]) -> usize {
    let marked = |sheet: &Sheet| sheet.left.marks.iter().any(|marked| marked.mark == Mark::Cause);
    let own = sheets.first().is_some_and(marked);
    if own { 0 } else { busiest(lab, sheets).unwrap_or(0) }
}

/// The sheet that holds the line at which most tasks of the lane wait.
pub fn busiest(lab: &Lab, sheets: &[Sheet]) -> Option<usize> {
    let file = &lab.lane().culprit()?.file;
    sheets.iter().position(|sheet| sheet.left.file == *file)
}

impl Sheet {
    /// Its rows, imports folded or not.
    pub fn rows(&self, unfolded: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        let folds = match &self.right {
            None => {
                let lines = 0..self.left.text.lines().count();
                rows.extend(lines.map(|line| Row::Lines(Some(line), None, true)));
                (scaffolding(self.left.text), Vec::new())
            }
            Some(side) => {
                for Piece { old, new, same } in pieces(self.left.text, side.text) {
                    for i in 0..old.len().max(new.len()) {
                        let at = |range: &std::ops::Range<usize>| {
                            (i < range.len()).then_some(range.start + i)
                        };
                        rows.push(Row::Lines(at(&old), at(&new), same));
                    }
                }
                (scaffolding(self.left.text), scaffolding(side.text))
            }
        };
        if unfolded { rows } else { fold(rows, &folds) }
    }

    /// The row that matters most: where most tasks wait, or what is marked.
    pub fn focus(&self, lab: &Lab, rows: &[Row], at_wait: bool) -> usize {
        let of = |wanted: &dyn Fn(&Side, usize) -> u64| {
            let value = |row: &Row| match row {
                Row::Lines(left, right, _) => {
                    let left = left.map_or(0, |line| wanted(&self.left, line));
                    let right = right.zip(self.right.as_ref());
                    left.max(right.map_or(0, |(line, side)| wanted(side, line)))
                }
                Row::Folded(_) => 0,
            };
            let most = rows.iter().map(value).max().filter(|most| *most > 0)?;
            rows.iter().position(|row| value(row) == most)
        };
        let waits = || of(&|side, line| side.waiting(lab, line));
        let marked = || {
            of(&|side, line| match side.mark(line) {
                Some(Mark::Cause) => 2,
                Some(Mark::Fix) => 1,
                None => 0,
            })
        };
        let found = if at_wait { waits().or_else(marked) } else { marked().or_else(waits) };
        found.unwrap_or(0)
    }
}

/// Folds rows that are scaffolding on both sides, two or more in a row.
fn fold(rows: Vec<Row>, (left, right): &(Vec<bool>, Vec<bool>)) -> Vec<Row> {
    let is_folded = |row: &Row| match row {
        Row::Lines(l, r, _) => {
            let (l, r) = (l.map(|l| left[l]), r.map(|r| right[r]));
            l.unwrap_or(true) && r.unwrap_or(true)
        }
        Row::Folded(_) => true,
    };
    let mut folded: Vec<Row> = Vec::new();
    for run in rows.chunk_by(|a, b| is_folded(a) == is_folded(b)) {
        if run.len() > 1 && is_folded(&run[0]) {
            folded.push(Row::Folded(run.len()));
        } else {
            folded.extend(run);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_the_gaps_between_them_are_scaffolding() {
        let text = "//! Doc.\n\nuse a::{\n    b,\n};\n\nmod c;\n\nfn d() {}\n";
        let rows = (0..9).map(|line| Row::Lines(Some(line), None, true)).collect();
        let folded = fold(rows, &(scaffolding(text), Vec::new()));
        assert_eq!(folded.len(), 4, "{folded:?}");
        assert_eq!(folded[1], Row::Folded(6));
    }
}
