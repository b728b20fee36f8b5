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

use super::{gauges, header, lane, log};
use crate::axis::nice_ceiling;
use crate::tui::model::Lab;

/// The least width in which a lane can be read.
const LANE_WIDTH: u16 = 38;

/// The axes that all lanes share, so that heights compare.
#[derive(Debug, Clone, Copy)]
pub struct Axes {
    /// Greatest number of tasks.
    pub tasks: f64,
    /// Greatest resident memory in bytes.
    pub memory_bytes: f64,
    /// The stretch of time in seconds.
    pub window_s: (f64, f64),
    /// Rows that the lane with most gauges needs for them.
    pub gauge_rows: u16,
}

/// Draws the lab.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab) {
    let [first, second, lanes, events] = regions(area);
    header::draw(frame, [first, second], lab);
    let axes = axes(lab);
    let (shown, areas) = visible(lab, lanes);
    let hidden = lab.shown().lanes.len() - shown.len();
    for (index, area) in shown.zip(areas) {
        lane::draw(frame, area, lab, index, axes, hidden);
    }
    log::draw(frame, events, lab);
}

fn regions(area: Rect) -> [Rect; 4] {
    let events = match area.height {
        ..30 => 2,
        30..45 => 4,
        _ => 7,
    };
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
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
    let [_, _, lanes, _] = regions(body);
    let (shown, areas) = visible(lab, lanes);
    shown
        .zip(areas)
        .find(|(_, area)| area.contains(Position::new(column, row)))
        .map(|(lane, _)| lane)
}

fn axes(lab: &Lab) -> Axes {
    let window_s = lab.window_s();
    let lanes = &lab.shown().lanes;
    let tasks = lanes.iter().map(|lane| lane.series.highest(window_s.0, |point| point.tasks));
    let cap_bytes = lab.spec.entry.manifest.memory.cap_bytes() as f64;
    Axes {
        tasks: nice_ceiling(tasks.fold(50.0, f64::max)),
        // The cap is the top row, on whatever screen.
        memory_bytes: cap_bytes * 1.01,
        window_s,
        gauge_rows: lanes.iter().map(|lane| gauges::rows(lab, lane)).max().unwrap_or(0),
    }
}
