//! A lane in a few words, the same in all front ends: its state, its two large figures, the outcomes of its last
//! second.

use super::Session;
use super::lane_state::{LaneState, ProcessState};
use crate::event::{InstanceSample, Outcomes};
use crate::figures::{clock, count, mib, millis, number};
use crate::incident::measure::{Level, Measure, without_selector};
use crate::incident::show::{Figure, Headline};

/// The condition of a lane, which a front end shows as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should be.
    Good,
    /// Worth watching.
    Warn,
    /// Broken.
    Bad,
    /// Neither good nor bad.
    Quiet,
}

/// A large figure of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFigure {
    /// Its name.
    pub name: String,
    /// Its value with its unit; a dash where there is none.
    pub value: String,
    /// The condition that it stands for.
    pub mood: Mood,
    /// Its growth a second; empty: not worth telling, or not to be told yet.
    pub growth: String,
}

impl Session {
    /// The measures of the two large figures; in a walk, the usual ones in place of those not shown yet.
    pub fn headline(&self) -> [Figure; 2] {
        let manifest = self.case.manifest();
        let Headline { left, right } = manifest.headline.clone();
        let usual = Headline::usual();
        let known = self.disclosure();
        let or = |figure: Figure, usual| {
            if known.shows(&manifest.charts, &figure.metric) { figure } else { usual }
        };
        [or(left, usual.left), or(right, usual.right)]
    }

    /// The two large figures of a lane.
    pub fn large_figures(&self, lane: &LaneState) -> [LargeFigure; 2] {
        let mut figures = self.headline().map(|figure| large_figure(lane, &figure));
        if !self.disclosure().theory {
            for figure in &mut figures {
                figure.growth.clear();
            }
        }
        figures
    }
}

/// Returns true if a figure of the headline is in its bad range.
pub fn is_beyond(lane: &LaneState, figure: &Figure) -> bool {
    figure.bad_from.zip(lane.value(&figure.metric)).is_some_and(|(from, value)| value >= from)
}

fn large_figure(lane: &LaneState, figure: &Figure) -> LargeFigure {
    let value = lane.value(&figure.metric);
    let of_tasks = figure.metric == Measure::Level(Level::Tasks);
    let growth = growth(lane).filter(|_| of_tasks);
    let is_ms = without_selector(figure.metric.name()).ends_with("_ms");
    let text = value.map_or("–".to_owned(), |value| match &figure.metric {
        Measure::Level(Level::MemoryBytes | Level::HeapBytes) => mib(value as u64),
        _ if is_ms => millis(value),
        _ if value >= 1.0 => count(value.round() as u64),
        _ => number(value),
    });
    let mood = match value {
        _ if is_beyond(lane, figure) || growth.is_some() => Mood::Bad,
        _ if lane.suffers() && figure.metric.name().starts_with("ok_") => Mood::Bad,
        _ if lane.suffers() && is_ms => Mood::Bad,
        Some(100.0..) if is_ms => Mood::Warn,
        _ => Mood::Good,
    };
    let own = || figure.metric.name().replace('_', " ");
    let name = figure.name.clone().unwrap_or_else(own);
    LargeFigure { name, value: text, mood, growth: growth.unwrap_or_default() }
}

/// The growth of the tasks, where it is worth telling.
fn growth(lane: &LaneState) -> Option<String> {
    lane.server.as_ref()?;
    let slope = lane.tasks_per_s.filter(|slope| slope.abs() >= 5.0)?;
    let arrow = if slope > 0.0 { '▲' } else { '▼' };
    Some(format!("{arrow}{}/s", number(slope.abs().round())))
}

/// The state of a lane's process.
pub fn state(lane: &LaneState, now_s: f64) -> (String, Mood) {
    match &lane.state {
        _ if lane.is_stale(now_s) => {
            (format!("? no sample since {}", clock(lane.sampled_s)), Mood::Warn)
        }
        ProcessState::Starting => ("◌ starting".to_owned(), Mood::Warn),
        ProcessState::Serving { .. } => serving(lane),
        ProcessState::Stopped { .. } => ("■ stopped".to_owned(), Mood::Quiet),
        ProcessState::Down { short, again_s, .. } => {
            let wait_s = (again_s - now_s).max(0.0);
            (format!("✖ {short} · back in {wait_s:.1} s"), Mood::Bad)
        }
    }
}

/// The state of a process that is up, by the outcomes of the last second.
fn serving(lane: &LaneState) -> (String, Mood) {
    let (bad, wrong) = lane.bad_percent();
    let share = number(if bad < 10.0 { bad } else { bad.round() });
    match bad {
        0.0 => ("● serving".to_owned(), Mood::Good),
        _ if wrong > bad / 2.0 => (format!("● up, {share} % wrong answers"), Mood::Bad),
        _ if lane.suffers() => (format!("● up, {share} % fail"), Mood::Bad),
        _ => (format!("● up, {share} % fail"), Mood::Warn),
    }
}

/// The outcomes of the last second, in requests a second. The reason of failed handshakes is told with `causes`
/// alone: in a walk a question may ask for it, and they are among the failed requests there.
pub fn outcomes(lane: &LaneState, causes: bool) -> Vec<(&str, f64, Mood)> {
    let last = &lane.last_second;
    let Outcomes { ok, wrong, rejected, failed, timed_out, .. } = last.window.outcomes;
    let (reason, handshakes) = last.handshakes().filter(|_| causes).unwrap_or_default();
    let all = [
        ("ok", last.per_s(ok), Mood::Good),
        ("timed out", last.per_s(timed_out), Mood::Bad),
        (reason, handshakes, Mood::Bad),
        ("failed", last.per_s(failed) - handshakes, Mood::Bad),
        ("wrong", last.per_s(wrong), Mood::Bad),
        ("rejected", last.per_s(rejected), Mood::Quiet),
    ];
    // An outcome that is there no longer shows as 0.
    let is_told = |(name, rate, _): &(&str, f64, Mood)| {
        *name == "ok" || *rate > 0.0 || *name == "rejected" && lane.has_rejected
    };
    all.into_iter().filter(is_told).collect()
}

/// The version of an instance. Without `causes`, the name of a variant would give the answer away.
pub fn version(instance: &InstanceSample, causes: bool) -> &str {
    match instance.version.as_str() {
        released if !causes && released != "before" => "release",
        version => version,
    }
}
