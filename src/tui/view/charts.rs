//! The charts of a lane.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::axes::Axes;
use super::axes::capacity;
use super::chart::{self, Chart, Fill};
use super::parts::{columns, cut};
use super::scene::Scene;
use super::{chain, instances};
use crate::tui::theme;
use firedrill_core::event::{Clock, LogTail};
use firedrill_core::figures::{count, mib, number};
use firedrill_core::incident::measure::{Level, Measure};
use firedrill_core::incident::show::{self, Shows};
use firedrill_core::page::axis::Axis;
use firedrill_core::prose::letter;
use firedrill_core::session::lane_state::{LaneState, ProcessState};
use firedrill_core::session::series::Point;
use firedrill_core::session::walk::page::Page;
use firedrill_core::timeline::is_highest;

/// Latencies from here to [`SLOWEST_MS`] have a place on the axis.
const FASTEST_MS: f64 = 0.1;

/// See [`FASTEST_MS`].
const SLOWEST_MS: f64 = 10_000.0;

/// Columns of an axis' label.
const AXIS: usize = chart::GUTTER as usize - 1;

/// Rows from which on the charts that a walk's step is not about are shown too.
const ROOM_FOR_ALL: u16 = 14;

/// Draws all charts of a lane.
pub fn draw_charts(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState, axes: &Axes) {
    if lab.by_instance && !lane.instances.is_empty() {
        instances::charts(frame, area, lab, lane, axes);
        return;
    }
    let charts = &lab.manifest().charts;
    let watch: &[String] = match lab.view.page.as_ref().and_then(Page::step) {
        Some(step) => &step.watch,
        None => &[],
    };
    // A chart that the step of a walk is not about is dimmed.
    let back = |chart: &show::Chart| !watch.is_empty() && !watch.contains(&chart.title());
    // Where there is little room, what a walk's step is about has all of it.
    let known = &lab.view.disclosure.charts;
    let is_shown = |i: usize| known[i] && (area.height >= ROOM_FOR_ALL || !back(&charts[i]));
    let shown = charts.iter().enumerate().filter(|(i, _)| is_shown(*i));
    let shown: Vec<show::Chart> = shown.map(|(_, chart)| chart.clone()).collect();
    let areas = Layout::vertical(heights(&shown, area.height)).split(area);
    let (mut levels, mut place) = (0, 0);
    for (i, chart) in charts.iter().enumerate() {
        let index = levels;
        levels += chart.levels().len();
        if !is_shown(i) {
            continue;
        }
        let Some(area) = areas.get(place) else { break };
        place += 1;
        match chart.shows {
            Shows::Chain => chain::line(frame, *area, lane),
            Shows::Log => log_tail(frame, *area, lane, chart),
            _ => draw_chart(frame, *area, lab, lane, (axes, axes.tops[i]), (chart, index)),
        }
        if back(chart) {
            frame.buffer_mut().set_style(*area, theme::back());
        }
    }
}

/// Draws the first chart of a lane alone, below the lane's name.
pub fn strip(frame: &mut Frame, area: Rect, lab: &Scene, index: usize, axes: &Axes) {
    let [name, area] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    chart_alone(frame, area, lab, index, axes, 0);
    let says = Line::from(vec![
        Span::styled(format!(" {} {} ", letter(index), lab.view.names[index]), theme::strong()),
        Span::styled("─".repeat(usize::from(name.width)), theme::quiet()),
    ]);
    frame.render_widget(Paragraph::new(says), name);
}

/// Draws one of the charts that can be drawn alone, by its number among them.
pub fn chart_alone(
    frame: &mut Frame,
    area: Rect,
    lab: &Scene,
    index: usize,
    axes: &Axes,
    number: usize,
) {
    let charts = &lab.manifest().charts;
    let Some(at) = lab.charts_alone().get(number).copied() else { return };
    let level = charts.iter().take(at).map(|chart| chart.levels().len()).sum();
    let lane = &lab.view.run.lanes[index];
    draw_chart(frame, area, lab, lane, (axes, axes.tops[at]), (&charts[at], level));
}

/// The heights of the first charts that there is room for: what is drawn of less than three rows
/// shows nothing.
fn heights(charts: &[show::Chart], rows: u16) -> Vec<Constraint> {
    let mut room = rows;
    let mut heights = Vec::new();
    for chart in charts {
        let (least, height) = match chart.shows {
            Shows::Chain => (1, Constraint::Length(1)),
            Shows::Log if rows < 16 => (3, Constraint::Length(3)),
            Shows::Log => (5, Constraint::Length(5)),
            _ => (3, Constraint::Fill(1)),
        };
        if least > room && !heights.is_empty() {
            break;
        }
        room = room.saturating_sub(least);
        heights.push(height);
    }
    heights
}

/// The end of the service's log: first the newest line that should not be there.
fn log_tail(frame: &mut Frame, area: Rect, lane: &LaneState, chart: &show::Chart) {
    let LogTail { lines, wrong } = &lane.log;
    let width = usize::from(area.width);
    let title = Line::from(vec![
        Span::styled(format!(" {}", chart.title()), theme::strong()),
        Span::styled(
            cut(
                "   newest lines, and the newest marked one",
                width.saturating_sub(columns(&chart.title()) + 1),
            ),
            theme::quiet(),
        ),
    ]);
    let mut shown = vec![title];
    let line = |mark: &str, text: &str| cut(&format!(" {mark} {text}"), width);
    shown.extend(wrong.iter().map(|wrong| Line::styled(line("✖", wrong), theme::bad())));
    let room = usize::from(area.height).saturating_sub(shown.len());
    let newest = lines.iter().filter(|line| Some(*line) != wrong.as_ref());
    let newest: Vec<&String> = newest.collect();
    // Where there is little room, a line about an error stays.
    let (errors, others): (Vec<&String>, Vec<&String>) =
        newest.into_iter().partition(|line| line.starts_with("ERROR "));
    for text in errors.iter().take(room) {
        shown.push(Line::styled(line("!", text), theme::warn()));
    }
    let room = room.saturating_sub(errors.len());
    for text in &others[others.len().saturating_sub(room)..] {
        shown.push(Line::styled(line(" ", text), theme::quiet()));
    }
    if lines.is_empty() {
        shown.push(Line::styled("   nothing yet", theme::quiet()));
    }
    frame.render_widget(Paragraph::new(shown), area);
}

/// The colours of requests by what became of them.
fn outcomes_legend(lab: &Scene, lane: &LaneState, axes: &Axes) -> Vec<Span<'static>> {
    let mut legend = vec![Span::styled("   █ ok", theme::good())];
    if lane.series.since(axes.window_s.0).any(|point| point.rejected > 0.0) {
        legend.push(Span::styled(format!("   {} rejected", chart::REJECTED), theme::warn()));
    }
    let known = lab.manifest().load.requests.iter();
    let told = if known.into_iter().any(|request| request.answers.is_some()) {
        "failed or wrong"
    } else {
        "failed"
    };
    legend.push(Span::styled(format!("   {} {told}", chart::BAD), theme::bad()));
    legend
}

/// Draws a chart; a level is the lane's of this index.
fn draw_chart(
    frame: &mut Frame,
    area: Rect,
    lab: &Scene,
    lane: &LaneState,
    (axes, top): (&Axes, f64),
    (shown, index): (&show::Chart, usize),
) {
    let measure = match &shown.shows {
        Shows::Tasks => Some(Measure::Level(Level::Tasks)),
        Shows::Level(measure) => Some(measure.clone()),
        _ => None,
    };
    let told = measure.as_ref().filter(|_| lab.view.disclosure.theory);
    let theory = told.and_then(|measure| theory(lab, lane, measure));
    let tasks = |point: &Point| point.tasks;
    let memory = |point: &Point| point.memory_bytes;
    let (p50, p99) = (|point: &Point| point.p50_ms, |point: &Point| point.p99_ms);
    let up = |point: &Point| point.tasks.map(|_| 1.0);
    let level = |point: &Point| point.levels[index].map(f64::from);
    // Each value of a state has a height of its own.
    let state = |point: &Point| point.levels[index].map(|value| f64::from(value) + 1.0);
    let lost = |point: &Point| point.levels[index + 1].map(f64::from);
    let labels = |bottom: &str, top: String| [bottom.to_owned(), top];
    let linear = Axis::Linear(top);
    let (fill, colour, axis, labels, cap) = match &shown.shows {
        Shows::Tasks => {
            let labels = labels("0", count(top as u64));
            (Fill::Level(&tasks, None), Color::LightCyan, linear, labels, None)
        }
        Shows::Memory => {
            let cap_bytes = cap_bytes(lab, lane, axes);
            let labels = labels("0", format!("{}MiB", cap_bytes >> 20));
            let fill = Fill::Level(&memory, None);
            (fill, Color::LightMagenta, linear, labels, Some(cap_bytes as f64))
        }
        Shows::Latency => {
            let axis = Axis::Log(FASTEST_MS, SLOWEST_MS);
            let fill = Fill::Level(&p99, Some(&p50));
            (fill, Color::LightYellow, axis, labels("0.1 ms", "10 s".to_owned()), None)
        }
        Shows::Outcomes => {
            let labels = labels("0", count(top as u64));
            (Fill::Outcomes, Color::LightGreen, linear, labels, None)
        }
        Shows::Up => {
            let fill = Fill::Level(&up, None);
            (fill, Color::LightGreen, Axis::Linear(1.0), labels("down", "up".to_owned()), None)
        }
        Shows::State(_, names) => {
            let labels = [0.0, top - 1.0].map(|value| cut(state_name(names, value), AXIS));
            (Fill::Level(&state, None), Color::LightYellow, linear, labels, None)
        }
        Shows::Slots { .. } => {
            let fill = Fill::Slots(&level, &lost);
            (fill, Color::LightCyan, linear, labels("0", number(top)), None)
        }
        // Both are words, drawn elsewhere.
        Shows::Chain | Shows::Log => return,
        Shows::Level(_) => {
            let (fill, labels) = (Fill::Level(&level, None), labels("0", number(top)));
            (fill, Color::LightCyan, linear, labels, capacity(lane, shown))
        }
    };
    let chart = Chart {
        title: Line::from(title(lab, lane, axes, shown, (theory.is_some(), area.width))),
        series: &lane.series,
        fill,
        colour,
        window_s: axes.window_s,
        axis,
        labels,
        cap,
        theory: theory.as_deref(),
        gaps: !matches!(shown.shows, Shows::Latency | Shows::Outcomes),
        marks: &lab.session.marks(),
    };
    chart::draw(frame, area, &chart);
}

/// The cap on the memory of a lane, its own or that of all.
fn cap_bytes(lab: &Scene, lane: &LaneState, axes: &Axes) -> u64 {
    let manifest_cap = lab.manifest().memory.cap_bytes();
    axes.cap_bytes + lane.own_cap_bytes.unwrap_or(manifest_cap).saturating_sub(manifest_cap)
}

/// Returns the name of a state.
fn state_name(names: &[String], value: f64) -> &str {
    names.get(value as usize).map_or("?", String::as_str)
}

/// The line above a chart: its name, what is measured now, and what its lines are.
fn title(
    lab: &Scene,
    lane: &LaneState,
    axes: &Axes,
    shown: &show::Chart,
    (with_theory, width): (bool, u16),
) -> Vec<Span<'static>> {
    let mut title = vec![Span::styled(format!(" {}", shown.title()), theme::strong())];
    if lane.instances.len() > 1
        && let Shows::Level(measure) | Shows::State(measure, _) = &shown.shows
        && is_highest(&lane.metrics, measure)
    {
        title.push(Span::styled("   highest instance", theme::quiet()));
    }
    if with_theory {
        title.push(Span::styled("   ╌ theory", theme::quiet()));
    }
    match &shown.shows {
        Shows::Memory => {
            let now = lane.resident_bytes.map_or("–".to_owned(), mib);
            let cap = mib(cap_bytes(lab, lane, axes));
            title = vec![
                Span::styled(format!(" {} {now}", memory_word(lab)), theme::strong()),
                Span::styled(format!("   ─ cap {cap}"), theme::bad()),
            ];
        }
        Shows::Latency => {
            title.push(Span::styled("  ─ p50", theme::quiet()));
            title.extend(unanswered(lab, lane));
        }
        Shows::Outcomes => title.extend(outcomes_legend(lab, lane, axes)),
        Shows::Up => title.push(Span::styled("   ✖ down", theme::bad())),
        Shows::State(measure, names) => {
            let missing = if lane.server.is_some() { "none" } else { "–" };
            let now = lane.value(measure).map_or(missing, |value| state_name(names, value));
            title.insert(1, Span::styled(format!(" {now}"), theme::strong()));
        }
        Shows::Slots { used, lost, waiting } => {
            title.extend(slots_now(lane, [used, lost, waiting], capacity(lane, shown)));
        }
        Shows::Level(measure) => {
            let now = lane.value(measure).map_or("–".to_owned(), number);
            title.insert(1, Span::styled(format!(" {now}"), theme::strong()));
            let full = capacity(lane, shown).map(|full| format!("   ─ {}", number(full)));
            title.extend(full.map(|full| Span::styled(full, theme::bad())));
        }
        Shows::Tasks | Shows::Chain | Shows::Log => {}
    }
    // A figure that is cut looks like another one: the name gives way.
    let over = |title: &[Span]| {
        let all: usize = title.iter().map(Span::width).sum();
        all.saturating_sub(usize::from(width))
    };
    if over(&title) > 0 {
        for span in &mut title {
            span.content = span.content.replace("   ", "  ").into();
        }
    }
    let over = over(&title);
    if over > 0
        && let Some(name) = title.first_mut()
    {
        let short = cut(&name.content, name.width().saturating_sub(over).max(8));
        name.content = short.into();
    }
    title
}

/// Returns the label of memory: in simulated time there is no process, so the heap is shown.
fn memory_word(lab: &Scene) -> &'static str {
    let lapse = lab.session.case.plan.clock == Clock::Virtual || lab.session.lapse.is_some();
    if lapse { "heap" } else { "resident" }
}

/// Explains that requests without an answer count with their client's timeout.
fn unanswered(lab: &Scene, lane: &LaneState) -> Option<Span<'static>> {
    let patience_s = lab.manifest().load.client_timeout_ms as f64 / 1000.0;
    let says = format!(" · unanswered = {} s", number(patience_s));
    (lane.last_second.window.outcomes.timed_out > 0).then(|| Span::styled(says, theme::warn()))
}

/// The slots of a pool in words: lost, in use, free, and who waits for one.
fn slots_now(
    lane: &LaneState,
    [used, lost, waiting]: [&Measure; 3],
    full: Option<f64>,
) -> Vec<Span<'static>> {
    let (Some(used), Some(full)) = (lane.value(used), full) else {
        return vec![Span::styled(" –", theme::quiet())];
    };
    let lost = lane.value(lost).unwrap_or_default().min(used);
    let waiting = lane.value(waiting).unwrap_or_default();
    let figure = |value: f64, what: &str, style: Style| {
        Span::styled(format!(" {} {what}", number(value)), style)
    };
    let bad = |is_bad: bool| if is_bad { theme::bad() } else { theme::quiet() };
    vec![
        figure(lost, "lost", bad(lost > 0.0)),
        figure(used - lost, "used", Style::new().fg(theme::paint(Color::LightCyan))),
        figure((full - used).max(0.0), "free", theme::quiet()),
        figure(waiting, "wait", bad(waiting > 0.0)),
    ]
}

/// Theory at given times.
type TheoryAt<'a> = Box<dyn Fn(&[f64]) -> Vec<Option<f64>> + 'a>;

/// Returns the theory of a measure from the moment at which the bug met a clean process; none if the lane runs
/// anything except this incident's bug.
fn theory<'a>(lab: &'a Scene<'a>, lane: &LaneState, measure: &Measure) -> Option<TheoryAt<'a>> {
    let manifest = lab.manifest();
    let (ProcessState::Serving { since_s, .. } | ProcessState::Stopped { since_s }) = lane.state
    else {
        return None;
    };
    let only = lane.bugs.get(&manifest.id).filter(|_| lane.bugs.len() == 1)?;
    let theory = manifest.theories.iter().find(|t| t.metric == *measure && &t.variant == only)?;
    let start_s = since_s.max(lane.switched_s);
    let param_history = &lab.view.run.param_history;
    Some(Box::new(move |times| theory.values(param_history, start_s, times)))
}
