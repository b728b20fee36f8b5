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
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

use super::axes::Axes;
use super::chart::{self};
use super::parts::{columns, cut, wrapped};
use super::scene::Scene;
use super::{charts, figures, gauges, instances};
use crate::tui::theme;
use firedrill_core::figures::{count, number};
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::prose::letter;
use firedrill_core::session::lane_state::{LaneState, ProcessState};
use firedrill_core::session::lane_words::{self, is_beyond};
use firedrill_core::session::run_state::RunState;

/// Rows of what is said of a lane, at most.
const MOST_SAID: usize = 3;

/// Tasks that wait at one place, from which on something is wrong with the lane.
const MANY: u64 = 20;

/// Draws a lane; `hidden` lanes did not fit on the screen.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, index: usize, axes: &Axes, hidden: usize) {
    let data = lab.view.run;
    let lane = &data.lanes[index];
    let selected = index == lab.selected;
    let edge = match (&lane.state, is_wrong(lab, lane)) {
        (ProcessState::Serving { .. }, false) if lane.bad_percent().0 > 0.0 => theme::warn(),
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
        title.push(Span::styled("instrumented for tokio-console ", theme::warn()));
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
        figures::big_figures(frame, figures, lab, lane);
    } else {
        figures::small_figures(frame, figures, lab, lane);
    }
    frame.render_widget(Paragraph::new(said), culprit);
    charts::draw_charts(frame, charts, lab, lane, axes);
    chart::time_axis(frame, time, axes.window_s);
    if lane.instances.is_empty() || lab.by_instance {
        gauges::draw(frame, below, lab, lane);
    } else {
        instances::draw(frame, below, lab, lane);
    }
}

/// Returns the variant that the lane runs, if its name says otherwise.
fn differs(lab: &Scene, lane: &LaneState) -> String {
    let own = &lab.manifest().id;
    let runs = lane.bugs.get(own).map_or("fixed", String::as_str);
    let released = lab.view.run.released_s.is_some();
    if !lab.view.disclosure.causes || !released || runs == lane.variant {
        return String::new();
    }
    format!(", runs {runs} now")
}

/// Returns true if a lane is unhealthy.
fn is_wrong(lab: &Scene, lane: &LaneState) -> bool {
    let [left, right] = lab.session.headline();
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
    let (text, mood) = lane_words::state(lane, data.now_s);
    let mut spans = vec![Span::styled(format!(" {text}"), theme::of(mood))];
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

/// Returns the text about a lane: the manifest's sentence with the busiest wait site; else that place alone; else
/// a metric beyond the limit of the fixed variant.
fn says(lab: &Scene, lane: &LaneState, width: usize) -> Vec<Line<'static>> {
    if !lab.view.disclosure.causes {
        return vec![Line::raw("")];
    }
    let Some(sentence) = lab.sentence(lane) else {
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
    let mut text = wrapped(&sentence, width.saturating_sub(1));
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

/// Describes the busiest wait site; else a metric beyond the limit of the fixed variant.
fn culprit_line(lab: &Scene, lane: &LaneState, width: usize) -> Line<'static> {
    let Some(site) = lane.culprit().filter(|site| site.waiting > 1) else {
        let Some(wrong) = gauges::violation(lab, lane) else {
            return Line::raw("");
        };
        let (value, limit) = (number(wrong.value), number(wrong.limit));
        let text = format!(" ▶ {} {value}; the fixed variant stays below {limit}", wrong.name);
        return Line::styled(cut(&text, width), theme::bad());
    };
    let file = site.file.rsplit('/').next().unwrap_or(&site.file);
    let text = format!(" ▶ {} wait at {file}:{}", count(site.waiting), site.line);
    let label = format!(" ({})", site.label);
    let fits = columns(&text) + columns(&label) <= width;
    Line::styled(cut(&if fits { text + &label } else { text }, width), theme::bad())
}
