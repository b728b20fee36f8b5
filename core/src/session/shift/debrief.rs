//! The debrief of a shift: the cause, the score, and the runs that the shift is compared with.

use std::fmt::Write;

use serde::Serialize;

use super::Shift;
use super::diagnosis::shown_line;
use super::post_mortem::chart;
use super::score::{Compared, Score};
use super::seconds::Second;
use super::task::Task;
use crate::catalogue::Catalogue;
use crate::figures::{clock, number};
use crate::incident::marks::marks;
use crate::incident::show::Text;
use crate::incident::walk;

/// The end of a shift.
#[derive(Debug, Clone, Serialize)]
pub struct Debrief {
    /// Seed and level of the shift.
    pub seed: u64,
    /// See `seed`.
    pub level: u8,
    /// The causes; empty if nothing was wrong.
    pub causes: Vec<CauseFound>,
    /// The score.
    pub score: Score,
    /// Damage of the shift, if nobody had acted, and with an expert, in seconds of full outage.
    pub damage_s: [f64; 3],
    /// Requests that failed, timed out or were answered wrongly.
    pub bad_requests: u64,
    /// Share of the error budget of an hour, in percent.
    pub budget_spent_percent: f64,
    /// The expert's path: seconds since the run began, and the task.
    pub expert: Vec<(f64, String)>,
    /// The ways that were tried for the expert, each with its damage in seconds of full outage.
    #[serde(skip)]
    pub ways: Vec<(String, f64)>,
    /// The timeline: seconds since the run began, and the text.
    pub timeline: Vec<(f64, String)>,
    /// The changes to the service, each with its part in the outage.
    pub changes: Vec<String>,
    /// The damage of each second as a share of a full outage: of the shift, if nobody acts, with an expert.
    #[serde(skip)]
    pub damage_by_second: [Vec<f64>; 3],
}

/// A cause.
#[derive(Debug, Clone, Serialize)]
pub struct CauseFound {
    /// The incident's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The file with the fault, its line, and the code there.
    pub file: String,
    /// See `file`; from 1.
    pub line: usize,
    /// The number of the line in the code as a shift shows it, from 1.
    #[serde(skip)]
    pub shown_line: usize,
    /// See `file`.
    pub code: String,
    /// True if it was named.
    pub is_named: bool,
    /// The cause in a sentence, and the fix.
    pub why: String,
    /// See `why`.
    pub fix: String,
}

/// The meaning of the charts of damage.
pub const DAMAGE_SAYS: &str = "Damage over time, as a share of a full outage, beyond the service without the fault; the number is the highest";

/// Actions in words.
fn in_words(shift: &Shift, way: &[Task]) -> String {
    let texts: Vec<String> = way.iter().map(|task| shift.text(task)).collect();
    texts.join(", then ")
}

impl Debrief {
    /// The debrief of a shift; none before its end.
    pub fn new(shift: &Shift, catalogue: &Catalogue, compared: &Compared) -> Option<Self> {
        let score = shift.score(compared)?;
        let cause = |id: &str| {
            let entry = catalogue.find(id).ok()?;
            let is_named = shift.namings.iter().any(|naming| naming.cause.as_deref() == Some(id));
            let title = entry.manifest.title.clone();
            let file = entry.file("broken");
            let text = catalogue.source(&file).unwrap_or_default();
            let line = marks(text).first().map_or(1, |marked| marked.line);
            let code = text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
            let values = entry.manifest.formula_values();
            let in_words = |of: fn(&walk::Debrief) -> &Text| {
                let text = entry.manifest.debrief.as_ref().map(of)?;
                text.fill(&values).ok()
            };
            let why = in_words(|debrief| &debrief.cause).unwrap_or_default();
            let fix = in_words(|debrief| &debrief.fix).unwrap_or_default();
            let id = id.to_owned();
            let shown_line = shown_line(text, line);
            Some(CauseFound { id, title, file, line, shown_line, code, is_named, why, fix })
        };
        let expert = compared.expert.iter().flat_map(|(path, _)| &path.steps);
        let seconds = |at_ms: u64| at_ms as f64 / 1000.0;
        Some(Self {
            seed: shift.scenario.seed,
            level: shift.scenario.level,
            causes: shift.scenario.causes().filter_map(cause).collect(),
            damage_s: shift.damages(compared),
            bad_requests: shift.seconds.all.iter().map(Second::bad).sum(),
            budget_spent_percent: shift.budget_spent_percent(),
            expert: expert.map(|(at_ms, task)| (seconds(*at_ms), shift.text(task))).collect(),
            ways: compared
                .ways
                .iter()
                .map(|(way, harm_s)| (in_words(shift, way), *harm_s))
                .collect(),
            changes: shift.changes_explained(),
            damage_by_second: shift.damage_by_second(compared),
            timeline: (shift.timeline.iter())
                .map(|entry| (seconds(entry.at_ms), entry.text.clone()))
                .collect(),
            score,
        })
    }

    /// The damage over time as charts of one row with one scale, each with its name.
    pub fn damage_charts(&self, columns: usize) -> Vec<(&'static str, String)> {
        let [own, untouched, expert] = &self.damage_by_second;
        let rows = [("your shift", own), ("if nobody acts", untouched), ("an expert", expert)];
        let most = rows.iter().flat_map(|(_, values)| *values).copied().fold(0.0, f64::max);
        let there = rows.into_iter().filter(|(_, values)| !values.is_empty());
        there.map(|(name, values)| (name, chart(values, columns, most))).collect()
    }

    /// The ways that were tried for the expert, each with what its damage amounts to.
    pub fn ways_compared(&self) -> impl Iterator<Item = (&str, String)> {
        let [_, untouched_s, _] = self.damage_s;
        self.ways.iter().map(move |(way, harm_s)| {
            let worse = if *harm_s > untouched_s { ", more than if nobody acts" } else { "" };
            (way.as_str(), format!("{} s of full outage{worse}", number(*harm_s)))
        })
    }

    /// The cause in words.
    pub fn cause(&self) -> String {
        match &self.causes[..] {
            [] => "nothing was wrong".to_owned(),
            causes => {
                let titles: Vec<&str> = causes.iter().map(|cause| cause.title.as_str()).collect();
                titles.join(", and ")
            }
        }
    }

    /// The line that one can paste: it does not give the cause away, and reads without colour.
    pub fn line(&self, name: &str) -> String {
        let part = |name: &str| {
            self.score.parts.iter().find(|part| part.name == name).map_or('·', |part| {
                match part.points / part.of {
                    0.95.. => '●',
                    0.4.. => '◐',
                    _ => '○',
                }
            })
        };
        let time =
            |value: Option<f64>| value.map_or("–".to_owned(), |s| format!("{} s", number(s)));
        let Score { points, detected_s, mitigated_s, named_s, .. } = &self.score;
        format!(
            "firedrill {name} level {}: detected {} {}, mitigated {} {}, fixed {}, named {} {}: {} points",
            self.level,
            part("detect"),
            time(*detected_s),
            part("mitigate"),
            time(*mitigated_s),
            part("fix"),
            part("cause"),
            time(*named_s),
            number(*points)
        )
    }

    /// The debrief as text, with charts of at most so many columns.
    pub fn text(&self, columns: usize) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        self.write(&mut text, columns).unwrap_or_default();
        text
    }

    fn write(&self, to: &mut String, columns: usize) -> std::fmt::Result {
        writeln!(to, "{} of 100 points. Cause: {}.", number(self.score.points), self.cause())?;
        for cause in &self.causes {
            writeln!(to, "  {}", cause.why)?;
            writeln!(to, "  Fix: {}", cause.fix)?;
            writeln!(
                to,
                "  {}:{} (line {} as it is shown in a shift)  {}",
                cause.file, cause.line, cause.shown_line, cause.code
            )?;
            writeln!(to, "  Its walk: firedrill walk {}", cause.id)?;
        }
        writeln!(to, "\nScore:")?;
        for part in &self.score.parts {
            let points = format!("{} of {}", number(part.points.round()), number(part.of));
            writeln!(to, "  {:<9} {points:>8}  {}", part.name, part.why)?;
        }
        writeln!(to, "\n{DAMAGE_SAYS}:")?;
        for (name, bars) in self.damage_charts(columns) {
            writeln!(to, "  {name:<14}  {bars}")?;
        }
        writeln!(to, "\nChanges:")?;
        for change in &self.changes {
            writeln!(to, "  {change}")?;
        }
        writeln!(to, "\nTimeline:")?;
        for (at_s, what) in &self.timeline {
            writeln!(to, "  {}  {what}", clock(*at_s))?;
        }
        if !self.expert.is_empty() {
            writeln!(to, "\nAn expert's path, computed in simulated time:")?;
            for (at_s, what) in &self.expert {
                writeln!(to, "  {}  {what}", clock(*at_s))?;
            }
            writeln!(to, "\nWays that were tried for it, with their damage:")?;
            for (way, says) in self.ways_compared() {
                writeln!(to, "  {way}: {says}")?;
            }
        }
        Ok(())
    }
}
