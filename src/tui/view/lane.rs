//! One lane: its server's state, its figures, where its tasks wait, its charts and its gauges.
//!
//! ```text
//! ┌ A broken ────────────────────────────┐
//! │ ● serving   [x] bug on               │
//! │ tasks 2,614 ▲190/s   p99 2.0 s       │
//! │ ok 10  timed out 190 /s              │
//! │ ▶ 2,104 wait at broken.rs:33         │
//! │ tasks  ┄ theory                      │
//! │ 5000 ⡠⠔⠊                             │
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};
use tui_big_text::{BigText, PixelSize};

use super::chart::{self, Chart};
use super::lab::Axes;
use super::{cut, gauges, letter};
use crate::axis::Axis;
use crate::figures::{clock, count, mib, millis, number};
use crate::tui::lane::{LaneModel, State};
use crate::tui::model::{Lab, LabData};
use crate::tui::theme;

/// Latencies from here to [`SLOWEST_MS`] have a place on the axis.
const FASTEST_MS: f64 = 0.1;

/// Columns of a big digit. Quarters of a cell, which every font has; smaller ones few have.
const DIGIT: u16 = 4;

/// Tasks that wait at one place, from which on something is wrong with the lane.
const MANY: u64 = 20;

/// See [`FASTEST_MS`].
const SLOWEST_MS: f64 = 10_000.0;

/// Draws a lane; `hidden` lanes did not fit on the screen.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab, index: usize, axes: Axes, hidden: usize) {
    let data = lab.shown();
    let lane = &data.lanes[index];
    let selected = index == lab.selected;
    let stuck = lane.culprit().is_some_and(|site| site.waiting >= MANY);
    let wrong = stuck || lane.suffers() || gauges::violation(lab, lane).is_some();
    let edge = match (&lane.state, wrong) {
        (State::Serving { .. }, false) => theme::good(),
        (State::Starting, _) => theme::warn(),
        (State::Stopped { .. }, false) => theme::quiet(),
        _ => theme::bad(),
    };
    let mut title = vec![Span::styled(
        format!(" {}{} {} ", if selected { "▸ " } else { "" }, letter(index), lane.variant),
        if selected { edge.patch(theme::strong()) } else { edge },
    )];
    if lane.console_port.is_some() {
        title.push(Span::styled("with tokio-console's instruments ", theme::warn()));
    }
    if hidden > 0 && selected {
        title.push(Span::styled(format!("tab: {hidden} more "), theme::warn()));
    }
    let border = if selected { BorderType::Thick } else { BorderType::Plain };
    let mut block =
        Block::bordered().border_type(border).border_style(edge).title(Line::from(title));
    if lane.restarts > 0 {
        let restarts = format!(" restarts {} ", lane.restarts);
        block = block.title(Line::styled(restarts, theme::bad()).right_aligned());
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inside(frame, inner, lab, lane, axes);
}

fn inside(frame: &mut Frame, area: Rect, lab: &Lab, lane: &LaneModel, axes: Axes) {
    let data = lab.shown();
    let big = area.height >= 26 && area.width >= 40;
    let room = match area.height {
        ..20 => 2,
        20..30 => 4,
        _ => 7,
    };
    let [state, figures, culprit, charts, time, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(if big { 6 } else { 2 }),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(axes.gauge_rows.min(room)),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(state_line(data, lane)), state);
    if big {
        big_figures(frame, figures, lane);
    } else {
        small_figures(frame, figures, lane);
    }
    frame.render_widget(Paragraph::new(culprit_line(lab, lane, usize::from(area.width))), culprit);
    draw_charts(frame, charts, lab, lane, axes);
    chart::time_axis(frame, time, axes.window_s);
    gauges::draw(frame, below, lab, lane);
}

fn state_line(data: &LabData, lane: &LaneModel) -> Line<'static> {
    let (text, style) = match &lane.state {
        _ if lane.is_stale(data.now_s) => {
            let since = clock(lane.sampled_s);
            (format!("? nothing is known of it since {since}"), theme::warn())
        }
        State::Starting => ("◌ starting".to_owned(), theme::warn()),
        State::Serving { .. } => ("● serving".to_owned(), theme::good()),
        State::Stopped { .. } => ("■ stopped".to_owned(), theme::quiet()),
        State::Down { short, again_s, .. } => {
            let wait_s = (again_s - data.now_s).max(0.0);
            (format!("✖ {short} · back in {wait_s:.1} s"), theme::bad())
        }
    };
    let mut spans = vec![Span::styled(format!(" {text}"), style)];
    if matches!(lane.state, State::Serving { .. } | State::Stopped { .. }) {
        let bugs = match lane.bugs.len() {
            0 => Span::styled("  [ ] no bug on", theme::quiet()),
            1 => Span::styled("  [x] bug on", theme::bad()),
            n => Span::styled(format!("  [x] {n} bugs on"), theme::bad()),
        };
        spans.push(bugs);
    }
    Line::from(spans)
}

/// A figure: what, how much, and whether it is bad.
type Figure = (&'static str, String, Style);

fn tasks(lane: &LaneModel) -> Figure {
    let tasks = lane.server.as_ref().map_or("–".to_owned(), |server| count(server.tasks));
    ("tasks", tasks, if growth(lane).is_some() { theme::bad() } else { theme::good() })
}

fn p99(lane: &LaneModel) -> Figure {
    let text = lane.recent.p99_ms.map_or("–".to_owned(), millis);
    let style = match lane.recent.p99_ms {
        Some(1000.0..) => theme::bad(),
        _ if lane.suffers() => theme::bad(),
        Some(100.0..) => theme::warn(),
        _ => theme::good(),
    };
    ("p99", text, style)
}

/// The growth of the tasks, where it is worth telling.
fn growth(lane: &LaneModel) -> Option<String> {
    lane.server.as_ref()?;
    let slope = lane.recent.tasks_per_s.filter(|slope| slope.abs() >= 5.0)?;
    let arrow = if slope > 0.0 { '▲' } else { '▼' };
    Some(format!("{arrow}{}/s", number(slope.abs().round())))
}

fn outcomes(lane: &LaneModel) -> Line<'static> {
    let recent = &lane.recent;
    let mut spans =
        vec![Span::styled(format!(" ok {}", number(recent.ok_per_s.round())), theme::good())];
    for (name, rate, style) in [
        ("timed out", recent.timed_out_per_s, theme::bad()),
        ("failed", recent.failed_per_s, theme::bad()),
        ("rejected", recent.rejected_per_s, theme::quiet()),
    ] {
        if rate > 0.0 {
            spans.push(Span::styled(format!("  {name} {}", number(rate.round())), style));
        }
    }
    spans.push(Span::styled(" /s", theme::quiet()));
    Line::from(spans)
}

fn small_figures(frame: &mut Frame, area: Rect, lane: &LaneModel) {
    let mut spans = Vec::new();
    for (name, value, style) in [tasks(lane), p99(lane)] {
        spans.push(Span::raw(format!(" {name} ")));
        spans.push(Span::styled(value, style.patch(theme::strong())));
        if name == "tasks" {
            spans.push(Span::styled(format!(" {} ", growth(lane).unwrap_or_default()), style));
        }
    }
    frame.render_widget(Paragraph::new(vec![Line::from(spans), outcomes(lane)]), area);
}

fn big_figures(frame: &mut Frame, area: Rect, lane: &LaneModel) {
    let [names, digits, below] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(4), Constraint::Length(1)])
            .areas(area);
    let halves =
        |area: Rect| -> [Rect; 2] { Layout::horizontal([Constraint::Fill(1); 2]).areas(area) };
    for ((name, value, style), (name_area, area)) in
        [tasks(lane), p99(lane)].into_iter().zip(halves(names).into_iter().zip(halves(digits)))
    {
        let more = if name == "tasks" { growth(lane).unwrap_or_default() } else { String::new() };
        let caption = Line::from(vec![Span::raw(format!(" {name} ")), Span::styled(more, style)]);
        frame.render_widget(Paragraph::new(caption), name_area);
        let value = value.replace(' ', "");
        let area = Rect { x: area.x + 1, width: area.width - 1, ..area };
        // Big letters are there for ASCII alone.
        if value.is_ascii() && value.len() as u16 * DIGIT <= area.width {
            let lines = vec![Line::from(value)];
            let size = PixelSize::Quadrant;
            let text = BigText::builder().pixel_size(size).style(style).lines(lines).build();
            frame.render_widget(text, area);
        } else {
            frame.render_widget(Paragraph::new(Span::styled(value, style)), area);
        }
    }
    frame.render_widget(Paragraph::new(outcomes(lane)), below);
}

/// Where the tasks wait; else the metric that is beyond what the fixed form keeps.
fn culprit_line(lab: &Lab, lane: &LaneModel, width: usize) -> Line<'static> {
    let Some(site) = lane.culprit().filter(|site| site.waiting > 1) else {
        let Some(wrong) = gauges::violation(lab, lane) else {
            return Line::raw("");
        };
        let (value, limit) = (number(wrong.value), number(wrong.limit));
        let text = format!(" ▶ {} {value}, limit {limit}", wrong.name);
        return Line::styled(cut(&text, width), theme::bad());
    };
    let file = site.file.rsplit('/').next().unwrap_or(&site.file);
    let text = format!(" ▶ {} wait at {file}:{}", count(site.waiting), site.line);
    let label = format!(" ({})", site.label);
    let fits = text.chars().count() + label.chars().count() <= width;
    Line::styled(cut(&if fits { text + &label } else { text }, width), theme::bad())
}

fn draw_charts(frame: &mut Frame, area: Rect, lab: &Lab, lane: &LaneModel, axes: Axes) {
    let data = lab.shown();
    let marks_s = data.phases_s.get(1..).unwrap_or_default();
    let areas: [Rect; 3] = Layout::vertical([Constraint::Fill(1); 3]).areas(area);
    let series = &lane.series;
    let window_s = axes.window_s;

    let theory = theory(lab, lane);
    let mut title = vec![Span::styled(" tasks", theme::strong())];
    if theory.is_some() {
        title.push(Span::styled("   • theory", theme::quiet()));
    }
    let tasks = Chart {
        title: Line::from(title),
        series,
        value: |point| point.tasks,
        colour: Color::LightCyan,
        second: None,
        window_s,
        axis: Axis::Linear(axes.tasks),
        labels: ["0".to_owned(), count(axes.tasks as u64)],
        cap: None,
        theory: theory.as_deref(),
        gaps: true,
        marks_s,
    };
    chart::draw(frame, areas[0], &tasks);

    let cap_bytes = lab.spec.entry.manifest.memory.cap_bytes();
    let now = lane.resident_bytes.map_or("–".to_owned(), mib);
    let memory = Chart {
        title: Line::from(vec![
            Span::styled(format!(" memory {now}"), theme::strong()),
            Span::styled(format!("   ─ cap {}", mib(cap_bytes)), theme::bad()),
        ]),
        series,
        value: |point| point.memory_bytes,
        colour: Color::LightMagenta,
        second: None,
        window_s,
        axis: Axis::Linear(axes.memory_bytes),
        labels: ["0".to_owned(), format!("{}MiB", lab.spec.entry.manifest.memory.cap_mib)],
        cap: Some(cap_bytes as f64),
        theory: None,
        gaps: true,
        marks_s,
    };
    chart::draw(frame, areas[1], &memory);

    let latency = Chart {
        title: Line::from(vec![
            Span::styled(" latency p99", theme::strong()),
            Span::styled("   ─ p50, log scale", theme::quiet()),
        ]),
        series,
        value: |point| point.p99_ms,
        colour: Color::LightYellow,
        second: Some(|point| point.p50_ms),
        window_s,
        axis: Axis::Log(FASTEST_MS, SLOWEST_MS),
        labels: ["0.1 ms".to_owned(), "10 s".to_owned()],
        cap: None,
        theory: None,
        gaps: false,
        marks_s,
    };
    chart::draw(frame, areas[2], &latency);
}

/// What theory says of the tasks at a time, from the moment the bug met a clean process; nothing
/// when the lane runs anything but this incident's bug.
fn theory<'a>(lab: &'a Lab, lane: &LaneModel) -> Option<Box<dyn Fn(f64) -> Option<f64> + 'a>> {
    let manifest = &lab.spec.entry.manifest;
    let (State::Serving { since_s, .. } | State::Stopped { since_s }) = lane.state else {
        return None;
    };
    let only = lane.bugs.get(&manifest.id).filter(|_| lane.bugs.len() == 1)?;
    let theory = manifest.theories.iter().find(|t| t.metric == "tasks" && &t.variant == only)?;
    let start_s = since_s.max(lane.switched_s);
    let values = &lab.shown().values;
    Some(Box::new(move |at_s| {
        let mut values = values.clone();
        values.insert("t".to_owned(), at_s - start_s);
        theory.formula.eval(&values).ok().filter(|_| at_s >= start_s)
    }))
}
