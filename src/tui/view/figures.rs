//! The two figures of a lane, large where there is room, and the outcomes of its last second.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_big_text::{BigText, PixelSize};

use super::parts::{columns, cut};
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::event::Outcomes;
use firedrill_core::figures::{count, mib, millis, number};
use firedrill_core::incident::measure::{Level, Measure, without_selector};
use firedrill_core::incident::show::{Figure, Headline};
use firedrill_core::session::lane_state::LaneState;

/// Columns of a big digit. Quarters of a cell, which every font has; smaller ones few have.
const DIGIT: u16 = 4;

/// A figure: what, how much, whether it is bad, and how it grows.
struct Big {
    name: String,
    value: String,
    style: Style,
    more: String,
}

/// Returns the two large figures; in a walk, the usual ones in place of those not shown yet.
pub fn figures(lab: &Scene) -> [Figure; 2] {
    let Headline { left, right } = lab.manifest().headline.clone();
    let usual = Headline::usual();
    let (charts, known) = (&lab.manifest().charts, &lab.view.disclosure);
    let or =
        |figure: Figure, usual| if known.shows(charts, &figure.metric) { figure } else { usual };
    [or(left, usual.left), or(right, usual.right)]
}

/// The two big figures of a lane.
fn headline(lab: &Scene, lane: &LaneState) -> [Big; 2] {
    let mut figures = figures(lab).map(|figure| big(lane, &figure));
    if !lab.view.disclosure.theory {
        for figure in &mut figures {
            figure.more.clear();
        }
    }
    figures
}

/// Returns true if a figure of the headline is in its bad range.
pub fn is_beyond(lane: &LaneState, figure: &Figure) -> bool {
    figure.bad_from.zip(lane.value(&figure.metric)).is_some_and(|(from, value)| value >= from)
}

fn big(lane: &LaneState, figure: &Figure) -> Big {
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
    let beyond = is_beyond(lane, figure);
    let style = match value {
        _ if beyond || growth.is_some() => theme::bad(),
        _ if lane.suffers() && figure.metric.name().starts_with("ok_") => theme::bad(),
        _ if lane.suffers() && is_ms => theme::bad(),
        Some(100.0..) if is_ms => theme::warn(),
        _ => theme::good(),
    };
    let own = || figure.metric.name().replace('_', " ");
    let name = figure.name.clone().unwrap_or_else(own);
    Big { name, value: text, style, more: growth.unwrap_or_default() }
}

/// The growth of the tasks, where it is worth telling.
fn growth(lane: &LaneState) -> Option<String> {
    lane.server.as_ref()?;
    let slope = lane.tasks_per_s.filter(|slope| slope.abs() >= 5.0)?;
    let arrow = if slope > 0.0 { '▲' } else { '▼' };
    Some(format!("{arrow}{}/s", number(slope.abs().round())))
}

fn outcomes(lab: &Scene, lane: &LaneState) -> Line<'static> {
    let last = &lane.last_second;
    let Outcomes { ok, wrong, rejected, failed, timed_out, .. } = last.window.outcomes;
    let ok = format!(" ok {}", number(last.per_s(ok).round()));
    let mut spans = vec![Span::styled(ok, theme::good())];
    // In a walk the reason may be what a question asks for: these are among the failed requests there.
    let told = last.handshakes().filter(|_| lab.view.disclosure.causes);
    let (reason, handshakes) = told.unwrap_or_default();
    for (name, rate, style) in [
        ("timed out", last.per_s(timed_out), theme::bad()),
        (reason, handshakes, theme::bad()),
        ("failed", last.per_s(failed) - handshakes, theme::bad()),
        ("wrong", last.per_s(wrong), theme::bad()),
        ("rejected", last.per_s(rejected), theme::quiet()),
    ] {
        // An outcome that is there no longer shows as 0.
        if rate > 0.0 || name == "rejected" && lane.has_rejected {
            spans.push(Span::styled(format!("  {name} {}", number(rate.round())), style));
        }
    }
    spans.push(Span::styled(" /s", theme::quiet()));
    Line::from(spans)
}

/// Draws the figures in one line, and the outcomes.
pub fn small_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let mut spans = Vec::new();
    let figures = headline(lab, lane);
    // A figure that is cut looks like another one: names give way.
    let wide = |figure: &Big| {
        4 + [&figure.name, &figure.value, &figure.more].map(|t| columns(t)).iter().sum::<usize>()
    };
    let over = figures.iter().map(wide).sum::<usize>().saturating_sub(usize::from(area.width));
    let share = over.div_ceil(figures.len());
    for Big { name, value, style, more } in figures {
        let name = cut(&name, columns(&name).saturating_sub(share));
        spans.push(Span::raw(format!(" {name} ")));
        spans.push(Span::styled(value, style.patch(theme::strong())));
        spans.push(Span::styled(format!(" {more} "), style));
    }
    frame.render_widget(Paragraph::new(vec![Line::from(spans), outcomes(lab, lane)]), area);
}

/// Draws the figures in large digits, and the outcomes.
pub fn big_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let [names, digits, below] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(4), Constraint::Length(1)])
            .areas(area);
    let halves =
        |area: Rect| -> [Rect; 2] { Layout::horizontal([Constraint::Fill(1); 2]).areas(area) };
    let places = halves(names).into_iter().zip(halves(digits));
    for (Big { name, value, style, more }, (name_area, area)) in
        headline(lab, lane).into_iter().zip(places)
    {
        let caption = Line::from(vec![Span::raw(format!(" {name} ")), Span::styled(more, style)]);
        frame.render_widget(Paragraph::new(caption), name_area);
        let value = value.replace(' ', "");
        let area = Rect { x: area.x + 1, width: area.width - 1, ..area };
        let (figure, unit) = apart(&value);
        let columns = figure.len() as u16 * DIGIT;
        // Big letters are there for ASCII alone; and small ones would look like capitals.
        if figure.is_ascii() && columns + unit.len() as u16 <= area.width {
            let lines = vec![Line::from(figure.to_owned())];
            let size = PixelSize::Quadrant;
            let text = BigText::builder().pixel_size(size).style(style).lines(lines).build();
            frame.render_widget(text, area);
            let place = Rect { x: area.x + columns, y: area.y + 2, ..area };
            let place = Rect { width: unit.len() as u16, height: 1, ..place };
            frame.render_widget(Paragraph::new(Span::styled(unit.to_owned(), style)), place);
        } else {
            frame.render_widget(Paragraph::new(Span::styled(value, style)), area);
        }
    }
    frame.render_widget(Paragraph::new(outcomes(lab, lane)), below);
}

/// A figure, and its unit.
pub fn apart(value: &str) -> (&str, &str) {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    value.split_at(value.find(|c| !digits(c)).unwrap_or(value.len()))
}

/// The two big figures of a lane: name, value, style.
pub fn big_and_plain(lab: &Scene, lane: &LaneState) -> [(String, String, Style); 2] {
    headline(lab, lane).map(|Big { name, value, style, more }| {
        (format!("{name} {more}"), value.replace(' ', ""), style)
    })
}
