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

use super::axes::Axes;
use super::axes::capacity;
use super::chart::{self, Chart, Fill};
use super::parts::{cut, wrapped};
use super::scene::Scene;
use super::{chain, gauges, instances};
use crate::tui::theme;
use firedrill_core::event::{Clock, LogTail};
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::incident::measure::{Level, Measure};
use firedrill_core::incident::show::{self, Figure, Headline, Shows};
use firedrill_core::page::axis::Axis;
use firedrill_core::prose::figures::{clock, count, mib, millis, number};
use firedrill_core::prose::letter;
use firedrill_core::session::lane_state::{LaneState, ProcessState};
use firedrill_core::session::run_state::RunState;
use firedrill_core::session::series::Point;
use firedrill_core::session::walk::page::Page;

/// Latencies from here to [`SLOWEST_MS`] have a place on the axis.
const FASTEST_MS: f64 = 0.1;

/// Columns of an axis' label.
const AXIS: usize = chart::GUTTER as usize - 1;

/// Columns of a big digit. Quarters of a cell, which every font has; smaller ones few have.
const DIGIT: u16 = 4;

/// Rows of what is said of a lane, at most.
const MOST_SAID: usize = 3;

/// Tasks that wait at one place, from which on something is wrong with the lane.
const MANY: u64 = 20;

/// See [`FASTEST_MS`].
const SLOWEST_MS: f64 = 10_000.0;

/// Draws a lane; `hidden` lanes did not fit on the screen.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, index: usize, axes: &Axes, hidden: usize) {
    let data = lab.view.run;
    let lane = &data.lanes[index];
    let selected = index == lab.selected;
    let edge = match (&lane.state, is_wrong(lab, lane)) {
        (ProcessState::Serving { .. }, false) => theme::good(),
        (ProcessState::Starting, _) => theme::warn(),
        (ProcessState::Stopped { .. }, false) => theme::quiet(),
        _ => theme::bad(),
    };
    let mut title = vec![Span::styled(
        format!(
            " {}{} {}{} ",
            if selected { "▸ " } else { "" },
            letter(index),
            lab.view.names[index],
            differs(lab, lane)
        ),
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

fn inside(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState, axes: &Axes) {
    let data = lab.view.run;
    let big = area.height >= 26 && area.width >= 40;
    let room = match area.height {
        ..20 if !lab.by_instance => 1,
        // The charts of the instances say it all.
        _ if lab.by_instance && !lane.instances.is_empty() => 0,
        _ if !lane.instances.is_empty() => axes.gauge_rows,
        20..30 => 4,
        _ => 7,
    };
    let said = says(lab, lane, usize::from(area.width));
    let [state, figures, culprit, charts, time, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(if big { 6 } else { 2 }),
        Constraint::Length(if lab.view.disclosure.causes { axes.said_rows.max(1) } else { 0 }),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(axes.gauge_rows.min(room)),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(state_line(data, lane, lab.view.disclosure.causes)), state);
    if big {
        big_figures(frame, figures, lab, lane);
    } else {
        small_figures(frame, figures, lab, lane);
    }
    frame.render_widget(Paragraph::new(said), culprit);
    draw_charts(frame, charts, lab, lane, axes);
    chart::time_axis(frame, time, axes.window_s);
    if lane.instances.is_empty() || lab.by_instance {
        gauges::draw(frame, below, lab, lane);
    } else {
        instances::draw(frame, below, lab, lane);
    }
}

/// What the lane runs, where that is not what its name says.
fn differs(lab: &Scene, lane: &LaneState) -> String {
    let own = &lab.manifest().id;
    let runs = lane.bugs.get(own).map_or("fixed", String::as_str);
    let released = lab.view.run.released_s.is_some();
    if !lab.view.disclosure.causes || !released || runs == lane.variant {
        return String::new();
    }
    format!(", runs {runs} now")
}

/// Whether a lane is not as it should be.
fn is_wrong(lab: &Scene, lane: &LaneState) -> bool {
    let [left, right] = figures(lab);
    if !lab.view.disclosure.causes {
        return lane.suffers() || is_beyond(lane, &left) || is_beyond(lane, &right);
    }
    let stuck = lane.culprit().is_some_and(|site| site.waiting >= MANY);
    stuck
        || lane.suffers()
        || is_beyond(lane, &left)
        || is_beyond(lane, &right)
        || gauges::violation(lab, lane).is_some()
}

fn state_line(data: &RunState, lane: &LaneState, causes: bool) -> Line<'static> {
    let (text, style) = match &lane.state {
        _ if lane.is_stale(data.now_s) => {
            let since = clock(lane.sampled_s);
            (format!("? nothing is known of it since {since}"), theme::warn())
        }
        ProcessState::Starting => ("◌ starting".to_owned(), theme::warn()),
        ProcessState::Serving { .. } if lane.suffers() => {
            ("● up, failing".to_owned(), theme::bad())
        }
        ProcessState::Serving { .. } => ("● serving".to_owned(), theme::good()),
        ProcessState::Stopped { .. } => ("■ stopped".to_owned(), theme::quiet()),
        ProcessState::Down { short, again_s, .. } => {
            let wait_s = (again_s - data.now_s).max(0.0);
            (format!("✖ {short} · back in {wait_s:.1} s"), theme::bad())
        }
    };
    let mut spans = vec![Span::styled(format!(" {text}"), style)];
    if causes && matches!(lane.state, ProcessState::Serving { .. } | ProcessState::Stopped { .. }) {
        let bugs = match lane.bugs.len() {
            0 => Span::styled("  [ ] no bug on", theme::quiet()),
            1 if lane.bugs.values().any(|variant| variant == YOURS) => {
                Span::styled("  your code", theme::accent())
            }
            1 => Span::styled("  [x] bug on", theme::bad()),
            n => Span::styled(format!("  [x] {n} bugs on"), theme::bad()),
        };
        spans.push(bugs);
    }
    Line::from(spans)
}

/// A figure: what, how much, whether it is bad, and how it grows.
struct Big {
    name: String,
    value: String,
    style: Style,
    more: String,
}

/// What the two big figures are of; in a walk, the usual ones in place of what it does not show yet.
fn figures(lab: &Scene) -> [Figure; 2] {
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

/// Whether a figure of the headline is where it is bad.
fn is_beyond(lane: &LaneState, figure: &Figure) -> bool {
    figure.bad_from.zip(lane.value(&figure.metric)).is_some_and(|(from, value)| value >= from)
}

fn big(lane: &LaneState, figure: &Figure) -> Big {
    let value = lane.value(&figure.metric);
    let of_tasks = figure.metric == Measure::Level(Level::Tasks);
    let growth = growth(lane).filter(|_| of_tasks);
    let is_ms = figure.metric.name().ends_with("_ms");
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
    let slope = lane.recent.tasks_per_s.filter(|slope| slope.abs() >= 5.0)?;
    let arrow = if slope > 0.0 { '▲' } else { '▼' };
    Some(format!("{arrow}{}/s", number(slope.abs().round())))
}

fn outcomes(lane: &LaneState) -> Line<'static> {
    let recent = &lane.recent;
    let mut spans =
        vec![Span::styled(format!(" ok {}", number(recent.ok_per_s.round())), theme::good())];
    let (reason, handshakes) = match &recent.handshakes {
        Some((reason, per_s)) => (reason.as_str(), *per_s),
        None => ("", 0.0),
    };
    for (name, rate, style) in [
        ("timed out", recent.timed_out_per_s, theme::bad()),
        (reason, handshakes, theme::bad()),
        ("failed", recent.failed_per_s - handshakes, theme::bad()),
        ("wrong", recent.wrong_per_s, theme::bad()),
        ("rejected", recent.rejected_per_s, theme::quiet()),
    ] {
        if rate > 0.0 {
            spans.push(Span::styled(format!("  {name} {}", number(rate.round())), style));
        }
    }
    spans.push(Span::styled(" /s", theme::quiet()));
    Line::from(spans)
}

fn small_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let mut spans = Vec::new();
    let figures = headline(lab, lane);
    // A figure that is cut looks like another one: names give way.
    let wide = |figure: &Big| {
        4 + [&figure.name, &figure.value, &figure.more]
            .map(|t| t.chars().count())
            .iter()
            .sum::<usize>()
    };
    let over = figures.iter().map(wide).sum::<usize>().saturating_sub(usize::from(area.width));
    let share = over.div_ceil(figures.len());
    for Big { name, value, style, more } in figures {
        let name = cut(&name, name.chars().count().saturating_sub(share));
        spans.push(Span::raw(format!(" {name} ")));
        spans.push(Span::styled(value, style.patch(theme::strong())));
        spans.push(Span::styled(format!(" {more} "), style));
    }
    frame.render_widget(Paragraph::new(vec![Line::from(spans), outcomes(lane)]), area);
}

fn big_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
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
    frame.render_widget(Paragraph::new(outcomes(lane)), below);
}

/// A figure, and its unit.
pub fn apart(value: &str) -> (&str, &str) {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    value.split_at(value.find(|c| !digits(c)).unwrap_or(value.len()))
}

/// What is wrong with the lane, or what its fix costs: the manifest's sentence, with the place where
/// most tasks wait; else that place alone; else the metric that is beyond what the fixed form keeps.
fn says(lab: &Scene, lane: &LaneState, width: usize) -> Vec<Line<'static>> {
    if !lab.view.disclosure.causes {
        return vec![Line::raw("")];
    }
    let Some(sentence) = &lane.sentence else {
        return vec![culprit_line(lab, lane, width)];
    };
    let style = if is_wrong(lab, lane) { theme::bad() } else { theme::quiet() };
    let site = lane.culprit().filter(|site| site.waiting > 1);
    let place = site.map(|site| {
        let file = site.file.rsplit('/').next().unwrap_or(&site.file);
        // The count of tasks leaves out the one that each connection has.
        let tasks = lane.server.as_ref().map_or(0, |server| server.tasks);
        let whose = if site.waiting > tasks { " in their connections" } else { "" };
        format!(" ▶ {} wait{whose} at {file}:{}", count(site.waiting), site.line)
    });
    let mut text = wrapped(sentence, width.saturating_sub(1));
    if text.len() > MOST_SAID {
        text.truncate(MOST_SAID);
        if let Some(last) = text.last_mut() {
            *last = cut(&format!("{last} …"), width.saturating_sub(1));
        }
    }
    let mut lines: Vec<Line> =
        text.into_iter().map(|line| Line::styled(format!(" {line}"), style)).collect();
    // The code shows the place too.
    if let Some(place) = place.filter(|_| lines.len() < MOST_SAID) {
        lines.push(Line::styled(cut(&place, width), theme::bad()));
    }
    lines
}

/// Rows of what is said of a lane in an area of this width.
pub fn said_rows(lab: &Scene, index: usize, width: u16) -> u16 {
    // Two columns are the frame's.
    says(lab, &lab.view.run.lanes[index], usize::from(width.saturating_sub(2))).len() as u16
}

/// Where the tasks wait; else the metric that is beyond what the fixed form keeps.
fn culprit_line(lab: &Scene, lane: &LaneState, width: usize) -> Line<'static> {
    let Some(site) = lane.culprit().filter(|site| site.waiting > 1) else {
        let Some(wrong) = gauges::violation(lab, lane) else {
            return Line::raw("");
        };
        let (value, limit) = (number(wrong.value), number(wrong.limit));
        let text = format!(" ▶ {} {value}; the fixed form stays below {limit}", wrong.name);
        return Line::styled(cut(&text, width), theme::bad());
    };
    let file = site.file.rsplit('/').next().unwrap_or(&site.file);
    let text = format!(" ▶ {} wait at {file}:{}", count(site.waiting), site.line);
    let label = format!(" ({})", site.label);
    let fits = text.chars().count() + label.chars().count() <= width;
    Line::styled(cut(&if fits { text + &label } else { text }, width), theme::bad())
}

/// Rows from which on the charts that a walk's step is not about are shown too.
const ROOM_FOR_ALL: u16 = 14;

fn draw_charts(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState, axes: &Axes) {
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

/// The two big figures of a lane: name, value, style.
pub fn big_and_plain(lab: &Scene, lane: &LaneState) -> [(String, String, Style); 2] {
    headline(lab, lane).map(|Big { name, value, style, more }| {
        (format!("{name} {more}"), value.replace(' ', ""), style)
    })
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
        Span::styled("   its newest lines", theme::quiet()),
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
        legend.push(Span::styled("   █ rejected", theme::warn()));
    }
    let known = lab.manifest().load.requests.iter();
    let told = if known.into_iter().any(|request| request.answers.is_some()) {
        "   █ failed or wrong"
    } else {
        "   █ failed"
    };
    legend.push(Span::styled(told, theme::bad()));
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
    let manifest_cap = lab.manifest().memory.cap_bytes();
    let own_cap = lane.own_cap_bytes.unwrap_or(manifest_cap);
    let cap_bytes = axes.cap_bytes + own_cap.saturating_sub(manifest_cap);
    let name = Span::styled(format!(" {}", shown.title()), theme::strong());
    let measure = match &shown.shows {
        Shows::Tasks => Some(Measure::Level(Level::Tasks)),
        Shows::Level(measure) => Some(measure.clone()),
        _ => None,
    };
    let told = measure.as_ref().filter(|_| lab.view.disclosure.theory);
    let theory = told.and_then(|measure| theory(lab, lane, measure));
    let mut title = vec![name];
    if theory.is_some() {
        title.push(Span::styled("   ╌ theory", theme::quiet()));
    }
    let tasks = |point: &Point| point.tasks;
    let memory = |point: &Point| point.memory_bytes;
    let (p50, p99) = (|point: &Point| point.p50_ms, |point: &Point| point.p99_ms);
    let up = |point: &Point| point.tasks.map(|_| 1.0);
    let level = |point: &Point| point.levels[index].map(f64::from);
    // Each value of a state has a height of its own.
    let state = |point: &Point| point.levels[index].map(|value| f64::from(value) + 1.0);
    let lost = |point: &Point| point.levels[index + 1].map(f64::from);
    let labels = |bottom: &str, top: String| [bottom.to_owned(), top];
    let value = |measure: &Measure| lane.value(measure).map_or("–".to_owned(), number);
    let (fill, colour, axis, labels, cap) = match &shown.shows {
        Shows::Tasks => {
            let labels = labels("0", count(top as u64));
            (Fill::Level(&tasks, None), Color::LightCyan, Axis::Linear(top), labels, None)
        }
        Shows::Memory => {
            let now = lane.resident_bytes.map_or("–".to_owned(), mib);
            title = vec![
                Span::styled(format!(" {} {now}", memory_word(lab)), theme::strong()),
                Span::styled(format!("   ─ cap {}", mib(cap_bytes)), theme::bad()),
            ];
            let labels = labels("0", format!("{}MiB", cap_bytes >> 20));
            let fill = Fill::Level(&memory, None);
            (fill, Color::LightMagenta, Axis::Linear(top), labels, Some(cap_bytes as f64))
        }
        Shows::Latency => {
            title.push(Span::styled("  ─ p50", theme::quiet()));
            title.extend(unanswered(lab, lane));
            let axis = Axis::Log(FASTEST_MS, SLOWEST_MS);
            let fill = Fill::Level(&p99, Some(&p50));
            (fill, Color::LightYellow, axis, labels("0.1 ms", "10 s".to_owned()), None)
        }
        Shows::Outcomes => {
            title.extend(outcomes_legend(lab, lane, axes));
            let labels = labels("0", count(top as u64));
            (Fill::Outcomes, Color::LightGreen, Axis::Linear(top), labels, None)
        }
        Shows::Up => {
            title.push(Span::styled("   ✖ down", theme::bad()));
            let fill = Fill::Level(&up, None);
            (fill, Color::LightGreen, Axis::Linear(1.0), labels("down", "up".to_owned()), None)
        }
        Shows::State(measure, names) => {
            let name = |value: f64| names.get(value as usize).map_or("?", String::as_str);
            let now = lane.value(measure).map_or("–", name);
            title.insert(1, Span::styled(format!(" {now}"), theme::strong()));
            let labels = [cut(name(0.0), AXIS), cut(name(top - 1.0), AXIS)];
            (Fill::Level(&state, None), Color::LightYellow, Axis::Linear(top), labels, None)
        }
        Shows::Slots { used, lost: gone, waiting } => {
            let full = capacity(lane, shown);
            title.extend(slots_now(lane, [used, gone, waiting], full));
            let labels = labels("0", number(top));
            (Fill::Slots(&level, &lost), Color::LightCyan, Axis::Linear(top), labels, None)
        }
        // Both are words, drawn elsewhere.
        Shows::Chain | Shows::Log => return,
        Shows::Level(measure) => {
            title.insert(1, Span::styled(format!(" {}", value(measure)), theme::strong()));
            let full = capacity(lane, shown);
            if let Some(full) = full {
                title.push(Span::styled(format!("   ─ {}", number(full)), theme::bad()));
            }
            let labels = labels("0", number(top));
            (Fill::Level(&level, None), Color::LightCyan, Axis::Linear(top), labels, full)
        }
    };
    let gaps = !matches!(shown.shows, Shows::Latency | Shows::Outcomes);
    let marks = lab.session.marks();
    let chart = Chart {
        title: Line::from(title),
        series: &lane.series,
        fill,
        colour,
        window_s: axes.window_s,
        axis,
        labels,
        cap,
        theory: theory.as_deref(),
        gaps,
        marks: &marks,
    };
    chart::draw(frame, area, &chart);
}

/// What a chart of memory shows: the virtual clock has no process, and what stands for its memory is the heap.
fn memory_word(lab: &Scene) -> &'static str {
    let lapse = lab.session.case.plan.clock == Clock::Virtual || lab.session.lapse.is_some();
    if lapse { "heap" } else { "resident" }
}

/// That requests without an answer count with the time after which their clients give up.
fn unanswered(lab: &Scene, lane: &LaneState) -> Option<Span<'static>> {
    let patience_s = lab.manifest().load.client_timeout_ms as f64 / 1000.0;
    let says = format!(" · unanswered {} s", number(patience_s));
    (lane.recent.timed_out_per_s > 0.0).then(|| Span::styled(says, theme::warn()))
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

/// What theory says at given times.
type Told<'a> = Box<dyn Fn(&[f64]) -> Vec<Option<f64>> + 'a>;

/// What theory says of a measure, from the moment the bug met a clean process; nothing when the lane
/// runs anything but this incident's bug.
fn theory<'a>(lab: &'a Scene<'a>, lane: &LaneState, measure: &Measure) -> Option<Told<'a>> {
    let manifest = lab.manifest();
    let (ProcessState::Serving { since_s, .. } | ProcessState::Stopped { since_s }) = lane.state
    else {
        return None;
    };
    let only = lane.bugs.get(&manifest.id).filter(|_| lane.bugs.len() == 1)?;
    let theory = manifest.theories.iter().find(|t| t.metric == *measure && &t.variant == only)?;
    let start_s = since_s.max(lane.switched_s);
    let course = &lab.view.run.course;
    Some(Box::new(move |times| theory.values(course, start_s, times)))
}
