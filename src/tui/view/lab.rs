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
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::Paragraph;

use firedrill_core::session::walk::page::Content;

use super::axes::axes;
use super::scene::Scene;
use super::{header, lane, log, take_home, walk};
use crate::tui::layout::{self, Target};

/// The least width in which a lane can be read.
const LANE_WIDTH: u16 = 38;

/// Draws the lab.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, layout: &mut layout::Layout) {
    let [first, second, late, lanes, events] = regions(area, lab);
    header::draw(frame, [first, second], lab);
    if let Some(line) = header::late(lab, late.width) {
        frame.render_widget(Paragraph::new(line), late);
    }
    if let Some(page) = &lab.view.page {
        // The words of the page, some of them underlined.
        layout.target(lanes.union(events), Target::Words);
        if let Content::Summary(summary) = &page.content {
            take_home::draw(frame, lanes.union(events), (page, summary), lab, layout);
            return;
        }
        walk::draw(frame, events, page, &lab.page, lab.held(), layout);
        if let Some(listing) = page.listing() {
            walk::code(frame, lanes, listing, lab.page.cursor);
            return;
        }
    }
    let (shown, areas) = lanes_that_fit(lab, lanes);
    let mut axes = axes(lab);
    let said = shown.clone().zip(&areas).map(|(i, area)| lane::said_rows(lab, i, area.width));
    axes.said_rows = said.max().unwrap_or_default();
    let hidden = lab.view.run.lanes.len() - shown.len();
    for (index, area) in shown.zip(areas) {
        lane::draw(frame, area, lab, index, &axes, hidden);
        layout.target(area, Target::Lane(index));
    }
    if lab.view.page.is_none() {
        log::draw(frame, events, lab);
    }
}

fn regions(area: Rect, lab: &Scene) -> [Rect; 5] {
    let events = match area.height {
        ..30 => 2,
        30..45 => 4,
        _ => 7,
    };
    let [first, second, late, lanes, events] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(u16::from(lab.view.run.untrusted_lag_ms().is_some())),
        Constraint::Min(0),
        Constraint::Length(if lab.view.page.is_some() { 0 } else { events }),
    ])
    .areas(area);
    let Some(page) = &lab.view.page else { return [first, second, late, lanes, events] };
    let [lanes, text] = walk::regions(lanes, page, &lab.page);
    [first, second, late, lanes, text]
}

/// The lanes that fit, the selected one among them, and their areas.
fn lanes_that_fit(lab: &Scene, area: Rect) -> (Range<usize>, Vec<Rect>) {
    let all = lab.view.run.lanes.len();
    let fit = usize::from(area.width / LANE_WIDTH).clamp(1, all);
    let start = lab.selected.saturating_sub(fit - 1).min(all - fit);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); fit]).split(area);
    (start..start + fit, areas.to_vec())
}
