//! An on-call shift: the charts, the facts so far, and the menu; then the debrief.
//!
//! ```text
//! firedrill ▸ on call, level 1                          ▶ 00:31 · live
//! ⚠ paged 12 s ago · error budget of the hour 4 % spent · roll back …: 3 s
//! requests /s              │ 00:14 page
//! ▁▁▁▂▂▂                   │   Alert: 66 % of the requests …
//! p99                      │ what do you do?
//! ▁▁▁▂▂▂                   │ ▸ look: recent changes            2 s
//! ```

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use firedrill_core::event::Clock;
use firedrill_core::figures::{clock, count, mib, millis, number};
use firedrill_core::page::axis::{Axis, nice_ceiling};
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::series::{Point, Rates};
use firedrill_core::session::shift::desk::Desk;
use firedrill_core::session::shift::fact::{Fact, FactKind};
use firedrill_core::session::shift::menu::{Menu, MenuRow, rows};
use firedrill_core::session::shift::{Shift, ShiftStage};

use super::chart::{self, Chart, Fill};
use super::parts::{columns, cut, wrapped};
use super::scene::Scene;
use crate::tui::layout::{self, Scroll};
use crate::tui::shift::{Debriefed, ShiftScreen};
use crate::tui::theme;

/// Rows of the menu, at most, and its title.
const MENU_ROWS: u16 = 15;

/// Stretches of the time shown whose outcomes give their axis its end.
const OUTCOMES: usize = 30;

/// Draws a shift.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    lab: &Scene,
    screen: &ShiftScreen,
    layout: &mut layout::Layout,
) {
    let (Some(shift), Some(desk)) = (&lab.session.shift, lab.session.desk()) else { return };
    let [first, second, body] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)])
            .areas(area);
    header(frame, [first, second], lab, (shift, &desk));
    let left = if area.width < 110 { 2 } else { 3 };
    let [charts, _, right] = Layout::horizontal([
        Constraint::Fill(left),
        Constraint::Length(1),
        Constraint::Fill(if area.width < 110 { 3 } else { 4 }),
    ])
    .areas(body);
    draw_charts(frame, charts, lab, shift);
    if desk.stage == ShiftStage::Ended {
        if let Some(debriefed) = &screen.debrief {
            debrief(frame, right, debriefed, screen, layout);
            return;
        }
        let text = "The shift is over. Computing what an expert would have done, and how the service as you left it does \
                    under other seeds …";
        let lines = wrapped(text, usize::from(right.width)).into_iter().map(Line::raw);
        frame.render_widget(Paragraph::new(lines.collect::<Text>()), right);
        return;
    }
    if desk.stage == ShiftStage::Watched {
        draw_facts(frame, right, desk.facts, screen, layout);
        return;
    }
    let rows = rows(&lab.session, &screen.menu, &screen.typed);
    let most = match screen.menu {
        // The code itself.
        Menu::Lines => right.height.saturating_sub(2),
        _ => MENU_ROWS.min(right.height * 3 / 5),
    };
    let cursor = screen.cursor.min(rows.len().saturating_sub(1));
    let wrapped = rows.get(cursor).map_or(0, |row| rest(&row.text, room(right.width)).len());
    let menu_rows = ((rows.len() + wrapped) as u16 + 1).min(most);
    let [facts, menu] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(menu_rows)]).areas(right);
    draw_facts(frame, facts, desk.facts, screen, layout);
    draw_menu(frame, menu, &rows, screen);
}

/// Draws the two lines at the top: what it is and the time; the page, the budget and the task.
fn header(
    frame: &mut Frame,
    [first, second]: [Rect; 2],
    lab: &Scene,
    (shift, desk): (&Shift, &Desk),
) {
    let shown_s = lab.view.times_ms[0] as f64 / 1000.0;
    let clock_word = match lab.session.case.plan.clock {
        Clock::Live => "live",
        Clock::Virtual if first.width < 100 => "simulated time",
        Clock::Virtual => "simulated time: it passes while you act or wait",
    };
    let right = format!("{} · {clock_word} ", clock(shown_s));
    let title = vec![
        Span::styled(" firedrill", theme::accent()),
        Span::styled(format!(" ▸ on call, level {}", desk.level), theme::strong()),
    ];
    if let Some(late) = super::header::late(lab, first.width) {
        frame.render_widget(Paragraph::new(late), first);
    } else {
        frame.render_widget(Paragraph::new(Line::from(title)), first);
        frame.render_widget(Paragraph::new(right).alignment(Alignment::Right), first);
    }
    let budget =
        format!(" · error budget of the hour: {} % spent", number(desk.budget_spent_percent));
    let mut spans = match (desk.stage, desk.paged_s) {
        (ShiftStage::Ended, _) => vec![Span::styled(" the shift is over", theme::strong())],
        (ShiftStage::Watched, _) => vec![Span::styled(
            " declared over: the service is watched under more load, as it is",
            theme::warn(),
        )],
        (_, None) => vec![Span::styled(" no page yet", theme::good())],
        (_, Some(paged_s)) => {
            let taken = if desk.is_taken { "" } else { ", not taken" };
            vec![Span::styled(format!(" ⚠ paged {} s ago{taken}", paged_s.round()), theme::bad())]
        }
    };
    spans.push(Span::raw(budget));
    if desk.shed_percent > 0.0 {
        spans.push(Span::styled(format!(" · {} % shed", desk.shed_percent), theme::warn()));
    }
    if let Some((task, left_s)) = &desk.task {
        let text = format!(" · {}: {} s", shift.text(task), left_s.ceil());
        spans.push(Span::styled(text, theme::accent()));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), second);
}

/// Draws the charts of the service. They are the same for every incident.
fn draw_charts(frame: &mut Frame, area: Rect, lab: &Scene, shift: &Shift) {
    let Some(lane) = lab.view.run.lanes.first() else { return };
    let [body, axis] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let areas: [Rect; 4] = Layout::vertical([Constraint::Fill(1); 4]).areas(body);
    let window_s = lab.window_s();
    let acted = shift.acted.iter().map(|(at_ms, _)| (*at_ms as f64 / 1000.0, "act"));
    let paged = shift.paged_ms.map(|at_ms| (at_ms as f64 / 1000.0, "page"));
    let marks: Vec<(f64, &str)> = paged.into_iter().chain(acted).collect();
    let charts = charts(lab, lane, window_s, &marks);
    for (chart, area) in charts.iter().zip(areas) {
        chart::draw(frame, area, chart);
    }
    chart::time_axis(frame, axis, window_s);
}

fn charts<'a>(
    lab: &Scene,
    lane: &'a LaneState,
    window_s: (f64, f64),
    marks: &'a [(f64, &'a str)],
) -> [Chart<'a>; 4] {
    let rates = lane.series.rates(window_s, OUTCOMES);
    let requests = nice_ceiling(rates.iter().flatten().map(Rates::all).fold(1.0, f64::max));
    let tasks = nice_ceiling(lane.series.highest(window_s.0, |point| point.tasks).max(50.0));
    let cap_bytes = lab.manifest().memory.cap_bytes() * lane.instances.len().max(1) as u64;
    let p99 = |ms: Option<f64>| ms.map_or("–".to_owned(), millis);
    let latency = lane.last_second.value(firedrill_core::incident::measure::WindowMeasure::P99Ms);
    let server = lane.server.as_ref();
    let title = |text: String| Line::from(Span::styled(text, theme::strong()));
    let chart = |title: Line<'a>, fill, colour, axis, labels: [String; 2]| Chart {
        title,
        series: &lane.series,
        fill,
        colour,
        window_s,
        axis,
        labels,
        cap: None,
        theory: None,
        gaps: false,
        marks,
    };
    let outcomes = Line::from(vec![
        Span::styled(" req/s", theme::strong()),
        Span::styled("  █ ok", theme::good()),
        Span::styled(format!("  {} refused", chart::REJECTED), theme::warn()),
        Span::styled(format!("  {} bad", chart::BAD), theme::bad()),
    ]);
    let linear = |top: f64| (Axis::Linear(top), ["0".to_owned(), count(top as u64)]);
    let (requests, request_labels) = linear(requests);
    let (tasks_axis, task_labels) = linear(tasks);
    let alive = server.map_or("no process".to_owned(), |server| count(server.tasks));
    let memory = lane.resident_bytes.map_or("–".to_owned(), mib);
    let cap = cap_bytes as f64 * 1.01;
    let mut all = [
        chart(outcomes, Fill::Outcomes, Color::LightGreen, requests, request_labels),
        chart(
            title(format!(" p99 {}  ─ p50", p99(latency))),
            Fill::Level(&P99, Some(&P50)),
            Color::LightYellow,
            Axis::Log(0.1, 10_000.0),
            ["0.1 ms".to_owned(), "10 s".to_owned()],
        ),
        chart(
            title(format!(" tasks {alive}")),
            Fill::Level(&TASKS, None),
            Color::LightCyan,
            tasks_axis,
            task_labels,
        ),
        chart(
            title(format!(" memory {memory}, limit {}", mib(cap_bytes))),
            Fill::Level(&MEMORY, None),
            Color::LightMagenta,
            Axis::Linear(cap),
            ["0".to_owned(), format!("{}MiB", cap_bytes >> 20)],
        ),
    ];
    all[2].gaps = true;
    all[3].gaps = true;
    all[3].cap = Some(cap_bytes as f64);
    all
}

/// Values of the charts.
type PointValue = fn(&Point) -> Option<f64>;
const P99: PointValue = |point| point.p99_ms;
const P50: PointValue = |point| point.p50_ms;
const TASKS: PointValue = |point| point.tasks;
const MEMORY: PointValue = |point| point.memory_bytes;

/// Draws the facts so far, the newest at the bottom.
fn draw_facts(
    frame: &mut Frame,
    area: Rect,
    facts: &[Fact],
    screen: &ShiftScreen,
    layout: &mut layout::Layout,
) {
    let width = usize::from(area.width);
    let mut lines: Vec<Line> = Vec::new();
    let text = "You are on call for a shop. The charts show its requests. A release may carry a fault, or nothing is wrong. \
                Look, act, name the cause, and declare the outage over. Looks and actions take time.";
    lines.extend(wrapped(text, width).into_iter().map(|line| Line::styled(line, theme::quiet())));
    for fact in facts {
        let style = match fact.kind {
            FactKind::Page { .. } => theme::bad(),
            FactKind::Done { .. } | FactKind::Named { .. } => theme::accent(),
            _ => theme::strong(),
        };
        let title = format!("{} {}", clock(fact.at_s), fact.kind.title());
        lines.push(Line::styled(cut(&title, width), style));
        // Its lines are a menu.
        if matches!(fact.kind, FactKind::Code { .. }) {
            continue;
        }
        for line in fact.kind.lines() {
            let indented = wrapped(&line, width.saturating_sub(2)).into_iter();
            lines.extend(indented.map(|line| Line::raw(format!("  {line}"))));
        }
    }
    scrolled(frame, area, lines, (screen.down, true), layout);
}

/// Draws a text that scrolls, at its end or its beginning until it is scrolled by hand.
fn scrolled(
    frame: &mut Frame,
    area: Rect,
    lines: Vec<Line>,
    (down, at_end): (Option<usize>, bool),
    layout: &mut layout::Layout,
) {
    let height = usize::from(area.height);
    let furthest = lines.len().saturating_sub(height);
    let at = down.unwrap_or(if at_end { furthest } else { 0 }).min(furthest);
    layout.scroll = Some(Scroll { at, furthest });
    let more_above = at > 0;
    let more_below = at < furthest;
    let mut shown: Vec<Line> = lines.into_iter().skip(at).take(height).collect();
    let mark = |text: &str| {
        let text = format!("{text:>width$}", width = usize::from(area.width));
        Line::styled(text, theme::quiet())
    };
    if more_above && !shown.is_empty() {
        shown[0] = mark("↑ pgup for more");
    }
    if more_below && let Some(last) = shown.last_mut() {
        *last = mark("↓ pgdn for more");
    }
    frame.render_widget(Paragraph::new(Text::from(shown)), area);
}

/// Draws the menu, with the rows around the cursor.
fn draw_menu(frame: &mut Frame, area: Rect, rows: &[MenuRow], screen: &ShiftScreen) {
    let width = usize::from(area.width);
    let title = format!("─ {} ", screen.menu.title());
    let rule = "─".repeat(width.saturating_sub(columns(&title)));
    let mut lines = vec![Line::styled(format!("{title}{rule}"), theme::accent())];
    let cursor = screen.cursor.min(rows.len().saturating_sub(1));
    // The row under the cursor is shown whole, in as many lines as it needs.
    let rest = rows.get(cursor).map_or(Vec::new(), |row| rest(&row.text, room(area.width)));
    let height = usize::from(area.height).saturating_sub(1 + rest.len()).max(1);
    let first = (cursor + 1).saturating_sub(height);
    for (i, row) in rows.iter().enumerate().skip(first).take(height) {
        let cost = row.cost_s.map_or(String::new(), |cost_s| format!("{cost_s} s "));
        let more = match i {
            _ if i == first && first > 0 => "↑",
            _ if i + 1 == first + height && i + 1 < rows.len() => "↓",
            _ => " ",
        };
        let room = width.saturating_sub(columns(&cost) + 4);
        let text = cut(&row.text, room);
        let gap = " ".repeat(room.saturating_sub(columns(&text)));
        let line = format!("{} {text}{gap} {cost}{more}", if i == cursor { "▸" } else { " " });
        let style = if i == cursor { theme::cursor() } else { ratatui::style::Style::new() };
        lines.push(Line::styled(line, style));
        if i == cursor {
            lines.extend(rest.iter().map(|line| Line::styled(format!("    {line}"), style)));
        }
    }
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// Columns of the row under the cursor.
fn room(width: u16) -> usize {
    usize::from(width).saturating_sub(8)
}

/// The lines of a text beyond the first one, if it is wider than a row.
fn rest(text: &str, width: usize) -> Vec<String> {
    if columns(text) <= width {
        return Vec::new();
    }
    wrapped(text.trim_start(), width)
}

/// Draws the debrief.
fn debrief(
    frame: &mut Frame,
    area: Rect,
    debriefed: &Debriefed,
    screen: &ShiftScreen,
    layout: &mut layout::Layout,
) {
    let width = usize::from(area.width);
    let Debriefed { debrief, notes } = debriefed;
    let text = debrief.text(width.saturating_sub(24));
    let mut lines: Vec<Line> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let style = if i == 0 || line.ends_with(':') {
            theme::strong()
        } else {
            ratatui::style::Style::new()
        };
        // A chart of one row is cut, not wrapped.
        if line.contains('▁') || line.contains('█') {
            lines.push(Line::styled(cut(line, width), style));
            continue;
        }
        let indent = " ".repeat(line.len() - line.trim_start().len());
        let wrapped = wrapped(line.trim_start(), width.saturating_sub(indent.len()));
        lines
            .extend(wrapped.into_iter().map(|line| Line::styled(format!("{indent}{line}"), style)));
    }
    lines.push(Line::raw(""));
    for note in notes {
        let wrapped = wrapped(note, width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme::quiet())));
    }
    scrolled(frame, area, lines, (screen.down, false), layout);
}
