//! The lab: header, lanes side by side, the newest events.
//!
//! ```text
//! firedrill ▸ Unbuffered log channel                    ▶ 00:14 · 200 req/s · live
//! ▶ 00:03 the release goes out
//! ┌ A broken ────────────────────────────┐┌ B fixed ─────────────────────────────┐
//! │ …                                    ││ …                                    │
//! └──────────────────────────────────────┘└──────────────────────────────────────┘
//!  00:03 A bug on: unbuffered-log-channel=broken
//! ```

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::widgets::Paragraph;

use super::{gauges, header, lane, log, walk};
use crate::tui::lane::LaneModel;
use crate::tui::model::Lab;
use crate::tui::series::{Point, Series};
use crate::tui::walk::debrief;
use firedrill_core::incident::show::{Chart, Shows};
use firedrill_core::page::axis::nice_ceiling;

/// The least width in which a lane can be read.
const LANE_WIDTH: u16 = 38;

/// Stretches of the time shown whose outcomes give their axis its end: single ticks would jump.
const OUTCOMES: usize = 30;

/// What all lanes share, so that heights compare.
#[derive(Debug, Clone)]
pub struct Axes {
    /// The greatest value of each chart.
    pub tops: Vec<f64>,
    /// What the lane with most instances may take in memory.
    pub cap_bytes: u64,
    /// The greatest value of an instance's outcomes, and of its tasks.
    pub instance_tops: [f64; 2],
    /// The stretch of time in seconds.
    pub window_s: (f64, f64),
    /// Rows that the lane needs of which most is said.
    pub said_rows: u16,
    /// Rows that the lane with most gauges, or instances, needs for them.
    pub gauge_rows: u16,
}

/// Draws the lab.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab) {
    let [first, second, late, lanes, events] = regions(area, lab);
    header::draw(frame, [first, second], lab);
    if let Some(line) = header::late(lab, late.width) {
        frame.render_widget(Paragraph::new(line), late);
    }
    if let Some(walk) = &lab.walk {
        if let Some(debrief) = debrief(lab, walk) {
            walk::take_home(frame, lanes.union(events), lab, walk, debrief);
            return;
        }
        walk::draw(frame, events, lab, walk);
        if walk::code(frame, lanes, lab, walk) {
            return;
        }
    }
    let (shown, areas) = visible(lab, lanes);
    let mut axes = axes(lab);
    let said = shown.clone().zip(&areas).map(|(i, area)| lane::said_rows(lab, i, area.width));
    axes.said_rows = said.max().unwrap_or_default();
    let hidden = lab.shown().lanes.len() - shown.len();
    for (index, area) in shown.zip(areas) {
        lane::draw(frame, area, lab, index, &axes, hidden);
    }
    if lab.walk.is_none() {
        log::draw(frame, events, lab);
    }
}

fn regions(area: Rect, lab: &Lab) -> [Rect; 5] {
    let events = match (&lab.walk, area.height) {
        (Some(walk), _) => walk::rows(lab, walk, area),
        (None, ..30) => 2,
        (None, 30..45) => 4,
        (None, _) => 7,
    };
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(u16::from(lab.shown().untrusted_lag_ms().is_some())),
        Constraint::Min(0),
        Constraint::Length(events),
    ])
    .areas(area)
}

/// The lanes that fit, the selected one among them, and their areas.
fn visible(lab: &Lab, area: Rect) -> (Range<usize>, Vec<Rect>) {
    let all = lab.shown().lanes.len();
    let fit = usize::from(area.width / LANE_WIDTH).clamp(1, all);
    let start = lab.selected.saturating_sub(fit - 1).min(all - fit);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); fit]).split(area);
    (start..start + fit, areas.to_vec())
}

/// The lane drawn at this place of the terminal.
pub fn lane_at(lab: &Lab, (width, height): (u16, u16), (column, row): (u16, u16)) -> Option<usize> {
    let body = Rect::new(0, 0, width, height.saturating_sub(1));
    let [_, _, _, lanes, _] = regions(body, lab);
    let (shown, areas) = visible(lab, lanes);
    shown
        .zip(areas)
        .find(|(_, area)| area.contains(Position::new(column, row)))
        .map(|(lane, _)| lane)
}

/// The axes that all lanes share.
pub fn axes(lab: &Lab) -> Axes {
    let window_s = lab.window_s();
    let lanes = &lab.shown().lanes;
    let manifest = &lab.spec.entry.manifest;
    let highest = |of: &dyn Fn(&Point) -> Option<f64>, least: f64| {
        let each = lanes.iter().map(|lane| lane.series.highest(window_s.0, of));
        nice_ceiling(each.fold(least, f64::max))
    };
    let instances = lanes.iter().map(|lane| lane.instances.len()).max().unwrap_or(0);
    let each_cap = manifest.memory.cap_bytes();
    let cap_bytes = each_cap * manifest.instances.max(instances) as u64;
    let more =
        lanes.iter().map(|lane| lane.own_cap_bytes.unwrap_or(each_cap).saturating_sub(each_cap));
    let most_more = more.max().unwrap_or_default();
    let outcomes = |series: &Series| {
        let rates = series.rates(window_s, OUTCOMES, |p| f64::from(p.ok + p.rejected + p.bad));
        rates.into_iter().flatten().fold(1.0, f64::max)
    };
    let mut levels = 0;
    let top = |chart: &Chart| {
        let index = levels;
        levels += chart.levels().len();
        let highest_of = |least: f64| highest(&|point| point.levels[index].map(f64::from), least);
        let full =
            || lanes.iter().filter_map(|lane| lane::capacity(lane, chart)).fold(1.0, f64::max);
        match &chart.shows {
            Shows::Tasks => highest(&|point| point.tasks, 50.0),
            // The cap is the top row, on whatever screen.
            Shows::Memory => (cap_bytes + most_more) as f64 * 1.01,
            Shows::Outcomes => {
                nice_ceiling(lanes.iter().map(|lane| outcomes(&lane.series)).fold(1.0, f64::max))
            }
            Shows::State(_, names) => names.len() as f64,
            Shows::Slots { .. } => full(),
            Shows::Latency | Shows::Up | Shows::Chain | Shows::Log => 1.0,
            Shows::Level(_) => highest_of(full()),
        }
    };
    let each = || lanes.iter().flat_map(|lane| &lane.each);
    let instance_tops = [
        nice_ceiling(each().map(outcomes).fold(1.0, f64::max)),
        nice_ceiling(each().map(|s| s.highest(window_s.0, |p| p.tasks)).fold(10.0, f64::max)),
    ];
    let rows = |lane: &LaneModel| match lane.instances.len() {
        0 => gauges::rows(lab, lane),
        instances => instances as u16 + 1,
    };
    Axes {
        cap_bytes,
        instance_tops,
        said_rows: 0,
        tops: manifest.charts.iter().map(top).collect(),
        window_s,
        // A walk asks what they would tell.
        gauge_rows: if lab.walk.is_some() { 0 } else { lanes.iter().map(rows).max().unwrap_or(0) },
    }
}
