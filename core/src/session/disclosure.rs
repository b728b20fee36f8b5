//! The facts that may be shown now, decided in one place for all front ends.

use serde::Serialize;

use super::Session;
use super::shift::ShiftStage;
use super::walk::Stage;
use crate::incident::measure::Measure;
use crate::incident::show::Chart;

/// The facts that may be shown now. Outside a walk that is all of them; within, a fact is shown once no question
/// asks for it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disclosure {
    /// The incident's title, which names the cause.
    pub title: bool,
    /// Causes: variants and switches by name, sentences, gauges, the place where tasks wait, the script, the log.
    pub causes: bool,
    /// Slopes and theory.
    pub theory: bool,
    /// For each chart of the manifest, whether it is shown.
    pub charts: Vec<bool>,
}

impl Disclosure {
    /// The facts that this session may show now.
    pub(super) fn of(session: &Session) -> Self {
        let charts = &session.case.manifest().charts;
        if session.shift.as_ref().is_some_and(|shift| shift.stage() != ShiftStage::Ended) {
            let charts = vec![false; charts.len()];
            return Self { title: false, causes: false, theory: false, charts };
        }
        let Some(walk) = &session.walk else {
            let charts = vec![true; charts.len()];
            return Self { title: true, causes: true, theory: true, charts };
        };
        let measured =
            |figures: &[(String, String)]| figures.iter().any(|(name, _)| name == "measured");
        let shown = walk.done.iter().take(walk.at + usize::from(walk.stage == Stage::Revealed));
        // A chart appears with the first step that is about it.
        let steps = &session.case.manifest().walk;
        let watched: Vec<&String> =
            steps.iter().take(walk.at + 1).flat_map(|step| &step.watch).collect();
        let is_known = |chart: &Chart| {
            watched.is_empty() || watched.iter().any(|title| **title == chart.title())
        };
        Self {
            title: walk.is_finished(),
            causes: false,
            theory: shown.flatten().any(|done| measured(&done.figures)),
            charts: charts.iter().map(is_known).collect(),
        }
    }

    /// Returns true if a figure of this measure may be shown: no hidden chart shows it.
    pub fn shows(&self, charts: &[Chart], measure: &Measure) -> bool {
        let its_own = charts.iter().zip(&self.charts);
        its_own.filter(|(chart, _)| chart.levels().contains(&measure)).all(|(_, shown)| *shown)
    }
}
