//! The metrics of a lane that belong to its incident, or to a bug that is on.
//!
//! One whose name ends in `_capacity` is the top of the bar of the one before that ending.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::event::Metric;
use firedrill_core::session::lane_state::LaneState;

use firedrill_core::figures::number;

/// Width of a bar.
const BAR: usize = 10;

/// From this share of its capacity on, something is full.
const FULL: f64 = 0.95;

/// A metric that is beyond what the fixed variant keeps.
pub struct Violation {
    /// Its name, for people.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The limit.
    pub limit: f64,
}

/// Rows that the gauges of this lane take, whether or not they have values now.
pub fn rows(lab: &Scene, lane: &LaneState) -> u16 {
    shown(lab, lane).count() as u16
}

/// The first metric of this lane that is beyond what the manifest expects of the fixed variant.
pub fn violation(lab: &Scene, lane: &LaneState) -> Option<Violation> {
    shown(lab, lane).find_map(|metric| {
        let (value, limit) = (lane.metric(&metric.name)?, limit(lab, metric)?);
        (value >= limit).then(|| Violation { name: name(metric), value, limit })
    })
}

/// Draws as many as fit, and says how many more there are.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let mut metrics: Vec<&Metric> = shown(lab, lane).collect();
    metrics.sort_by_key(|metric| rank(lab, lane, metric));
    let longest = metrics.iter().map(|metric| metric.name.chars().count()).max().unwrap_or(0);
    let column = longest.min(usize::from(area.width / 2));
    let mut gauges: Vec<Line> = metrics.into_iter().map(|m| line(lab, lane, m, column)).collect();
    let fit = usize::from(area.height);
    if gauges.len() > fit && fit > 0 {
        let more = gauges.len() - fit;
        gauges.truncate(fit);
        let hint = Span::styled(format!("  m +{more}"), theme::quiet());
        gauges[fit - 1].spans.push(hint);
    }
    frame.render_widget(Paragraph::new(gauges), area);
}

fn shown<'a>(lab: &'a Scene<'a>, lane: &'a LaneState) -> impl Iterator<Item = &'a Metric> {
    let here = &lab.manifest().id;
    lane.metrics.values().filter(move |metric| {
        let belongs = metric.incident == *here || lane.bugs.contains_key(&metric.incident);
        belongs && !metric.name.ends_with("_capacity")
    })
}

fn name(metric: &Metric) -> String {
    metric.name.replace('_', " ")
}

/// Returns the manifest's limit of this metric in the fixed variant.
fn limit(lab: &Scene, metric: &Metric) -> Option<f64> {
    lab.view.run.limit(&metric.name)
}

fn capacity_of(metric: &Metric) -> String {
    format!("{}_capacity", metric.name)
}

/// Order of metrics: limited ones first, then those with a capacity, independent of their values, so that lines
/// keep their places.
fn rank(lab: &Scene, lane: &LaneState, metric: &Metric) -> u8 {
    let limited = lab.view.run.limits.contains_key(&metric.name);
    match (limited, lane.metrics.contains_key(&capacity_of(metric))) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// The line of a metric, with its name in so many columns.
fn line(lab: &Scene, lane: &LaneState, metric: &Metric, column: usize) -> Line<'static> {
    let label = Span::raw(format!(" {:<column$} ", name(metric)));
    let Some(value) = lane.metric(&metric.name) else {
        return Line::from(vec![label, Span::styled("–", theme::quiet())]);
    };
    if limit(lab, metric).is_some_and(|limit| value >= limit) {
        let text = format!(" ✖ {} {} {}", name(metric), number(value), metric.unit);
        return Line::styled(text, theme::bad());
    }
    let capacity = lane.metric(&capacity_of(metric)).filter(|c| *c > 0.0);
    let Some(capacity) = capacity else {
        let text = format!("{} {}", number(value), metric.unit);
        return Line::from(vec![label, Span::styled(text, theme::strong())]);
    };
    let filled = (value / capacity * BAR as f64).round().clamp(0.0, BAR as f64) as usize;
    // A full buffer is not a fault in itself: it may be the trade-off of a fix.
    let style = if value >= capacity * FULL { theme::warn() } else { theme::good() };
    let bar = format!("▕{:<BAR$}▏", "█".repeat(filled));
    let text = format!(" {}/{}", number(value), number(capacity));
    let spans = vec![label, Span::styled(bar, style), Span::styled(text, theme::strong())];
    Line::from(spans)
}
