//! Naming the cause: the incident, and the line of its code.

use serde::{Deserialize, Serialize};

use super::Shift;
use super::fact::{CodeRow, FactKind};
use super::scenario::Scenario;
use super::task::Look;
use crate::catalogue::Catalogue;
use crate::incident::manifest::Symptom;
use crate::incident::marks::{Mark, marks};
use crate::plan::Case;
use crate::session::walk::listing;

/// A naming of the cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Naming {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The incident's id; none: nothing is wrong.
    pub cause: Option<String>,
    /// The line of its code, by the number under which it was shown.
    pub line: Option<usize>,
    /// Lines that were named before it.
    #[serde(default)]
    pub lines_before: usize,
    /// Lines of its code that are right.
    right: Vec<usize>,
    /// Lines that can be named.
    lines: Vec<usize>,
}

impl Naming {
    /// Returns true if the line is the cause that the code marks.
    pub fn line_is_right(&self) -> bool {
        self.line.is_some_and(|line| self.right.contains(&line))
    }
}

/// A cause that can be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The incident's id.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// All causes that can be named, by title.
pub fn causes(catalogue: &Catalogue) -> Vec<Cause> {
    let cause = |manifest: &crate::incident::Manifest| Cause {
        id: manifest.id.clone(),
        title: manifest.title.clone(),
    };
    let mut causes: Vec<Cause> =
        catalogue.entries.iter().map(|entry| cause(&entry.manifest)).collect();
    causes.sort_by(|a, b| a.title.cmp(&b.title));
    causes
}

impl Shift {
    pub(super) fn name(&mut self, cause: Option<String>, case: &Case) {
        let code = cause.as_ref().and_then(|id| {
            let entry = case.catalogue.find(id).ok()?;
            let text = case.catalogue.source(&entry.file("broken"))?;
            Some((rows(text), right_lines(text)))
        });
        let title = cause.as_ref().and_then(|id| case.catalogue.find(id).ok());
        let says = match title {
            Some(entry) => format!("cause named: {}", entry.manifest.title),
            None => "cause named: nothing is wrong".to_owned(),
        };
        self.note(says.clone(), false);
        let others =
            self.namings.iter().filter(|naming| naming.cause.is_some() && naming.cause != cause);
        let more = match (self.scenario.level, &cause) {
            (3, Some(_)) if others.count() == 0 => " (there may be a second one: name it too)",
            _ => "",
        };
        self.learn(FactKind::Named { text: format!("{says}{more}") });
        let (rows, right) = code.unwrap_or_default();
        let lines = rows.iter().map(|row| row.line).collect();
        let at_ms = self.now_ms;
        self.namings.push(Naming { at_ms, cause, line: None, lines_before: 0, right, lines });
        if !rows.is_empty() {
            self.learn(FactKind::Code { lines: rows });
        }
    }

    pub(super) fn name_line(&mut self, line: usize) {
        self.note(format!("line named: {line}"), false);
        self.learn(FactKind::Named { text: format!("line named: {line}") });
        if let Some(naming) = self.namings.last_mut() {
            naming.lines_before += usize::from(naming.line.is_some_and(|before| before != line));
            naming.line = Some(line);
        }
    }

    pub(super) fn refuses_line(&self, line: usize) -> Option<String> {
        match self.namings.last() {
            None | Some(Naming { cause: None, .. }) => {
                Some("name the cause first: its code is shown then".to_owned())
            }
            Some(naming) if !naming.lines.contains(&line) => {
                Some(format!("line {line} is not among the lines that are shown"))
            }
            Some(_) => None,
        }
    }
}

/// The lines of code that can be named: no imports, no comments, no labels of places where tasks wait. They are numbered
/// without gaps: a gap would show where a comment explains the cause.
fn rows(text: &'static str) -> Vec<CodeRow> {
    let plain = listing::without_labels(text);
    let lines: Vec<&str> = plain.lines().collect();
    let row = |(i, at): (usize, usize)| CodeRow { line: i + 1, text: lines[at].to_owned() };
    shown(text).into_iter().enumerate().map(row).collect()
}

/// The lines of a source that are shown, from 0.
fn shown(text: &str) -> Vec<usize> {
    let hidden = listing::hidden_while_open(text);
    let lines = text.lines().zip(hidden).enumerate();
    let shown = lines.filter(|(_, (text, hidden))| !hidden && !text.trim().is_empty());
    shown.map(|(at, _)| at).collect()
}

/// The lines of the statements that the code marks as the cause, and those next to them, by the numbers under which they
/// are shown.
pub fn right_lines(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let causes = marks(text).into_iter().filter(|marked| marked.mark == Mark::Cause);
    let right: Vec<usize> =
        causes.flat_map(|marked| listing::statement(&lines, marked.line - 1)).collect();
    let shown: Vec<usize> = shown(text);
    let places: Vec<usize> = (0..shown.len()).filter(|i| right.contains(&shown[*i])).collect();
    // A reviewer may point at the line before it, such as the signature that lacks something, or after it.
    (0..shown.len())
        .filter(|i| places.iter().any(|place| place.abs_diff(*i) <= 1))
        .map(|i| i + 1)
        .collect()
}

/// The number under which a line of the file, from 1, is shown; 0: it is not shown.
pub(super) fn shown_line(text: &str, line: usize) -> usize {
    shown(text).iter().position(|at| at + 1 == line).map_or(0, |place| place + 1)
}

/// A hint.
pub(super) struct ShiftHint {
    /// Its text.
    pub text: String,
    /// The looks that it advises: one who has taken all of them does not need it.
    pub advises: Vec<Look>,
}

/// The hints of a shift. Each narrows the search down.
pub(super) fn hints(scenario: &Scenario, case: &Case) -> Vec<ShiftHint> {
    let hint = |text: &str, advises: &[Look]| ShiftHint {
        text: text.to_owned(),
        advises: advises.to_vec(),
    };
    if !scenario.is_faulty {
        return vec![
            hint("Compare the last seconds with those before the release.", &[]),
            hint("Which figure is worse than before? If there is none, say so.", &[]),
        ];
    }
    let kind = match case.manifest().symptom {
        Symptom::Slow => hint(
            "Requests wait. Find out what they wait for: take a thread dump.",
            &[Look::Threads],
        ),
        Symptom::Down => hint(
            "Requests are lost. Find out which, and where they are lost: kinds, metrics, log.",
            &[Look::Kinds, Look::Metrics, Look::Log],
        ),
        Symptom::Wrong => hint(
            "The service answers, and the answers are wrong. Compare kinds and instances.",
            &[Look::Kinds, Look::Instances],
        ),
        Symptom::Leak => hint(
            "Something piles up. Compare tasks, memory and metrics with ten seconds ago.",
            &[Look::Metrics],
        ),
        Symptom::Security => hint(
            "Hardly a request fails, but the wrong people get answers. Look at the kinds, and at the middleware stack.",
            &[Look::Kinds, Look::Chain],
        ),
    };
    let parts: Vec<String> =
        scenario.causes().map(|id| parts(id, &case.catalogue).join(", ")).collect();
    vec![
        hint(
            "Compare the times: when did it begin, and what was changed just before?",
            &[Look::Changes],
        ),
        kind,
        hint(&format!("The fault is in the code of: {}.", parts.join("; another one: ")), &[]),
    ]
}

/// The parts of the service that the release of an incident changes.
fn parts(id: &str, catalogue: &Catalogue) -> Vec<&'static str> {
    let broken = catalogue.find(id).ok().and_then(|entry| entry.variant("broken"));
    let steers = broken.is_some_and(|variant| variant.steer.is_some());
    let mut parts = if steers { vec!["the control of instances and releases"] } else { Vec::new() };
    let in_play = crate::incident::Bugs::from([(id.to_owned(), "broken".to_owned())]);
    if let Ok(chain) = catalogue.chain(crate::service::base_chain(), &in_play) {
        let layers = chain.around_routes().into_iter().chain(chain.around_store());
        parts.extend(layers.filter(|layer| layer.owner == id).map(|layer| layer.slot));
    }
    if parts.is_empty() {
        parts.push("the routes");
    }
    parts.dedup();
    parts
}
