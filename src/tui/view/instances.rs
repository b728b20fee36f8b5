//! A lane's instances, a row each: what it runs, its share, and how it does. On a key, a chart each.
//!
//! ```text
//!  # version   share  tasks   ok/s  bad/s
//!  1 broken      4 %    340      0      8
//! ```

use firedrill_core::event::InstanceSample;
use firedrill_core::figures::{count, mib, number};
use firedrill_core::incident::show::Shows;
use firedrill_core::page::axis::Axis;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::axes::Axes;
use super::chart::{self, Chart, Fill};
use super::parts::columns;
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::lane_words;
use firedrill_core::session::series::Point;

/// Draws the rows; where there is no room for them, the tasks and the failures of all in two.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    if usize::from(area.height) <= lane.instances.len() {
        frame.render_widget(Paragraph::new(Text::from(short(lane, area.width))), area);
        return;
    }
    let head =
        format!(" # {:<9}{:>6}{:>8}{:>7}{:>7}", "version", "share", "tasks", "ok/s", "bad/s");
    let mut lines = vec![Line::styled(head, theme::quiet())];
    for (i, instance) in lane.instances.iter().enumerate() {
        let share = format!("{} %", number(instance.share_percent));
        let (ok, bad) = lane.instance_per_s(i);
        let text = format!(
            " {} {:<9}{share:>6}{:>8}{ok:>7}{bad:>7}",
            i + 1,
            version(lab, instance),
            if instance.serves { count(instance.tasks) } else { "down".to_owned() }
        );
        lines.push(Line::styled(text, style(instance)));
    }
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// A chart of each instance: its outcomes where the incident shows those first, else its tasks.
pub fn charts(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState, axes: &Axes) {
    let charts = &lab.manifest().charts;
    let outcomes = charts.first().is_some_and(|chart| chart.shows == Shows::Outcomes);
    let tasks = |point: &Point| point.tasks;
    // All of one height, so that they compare.
    let most = lab.view.run.lanes.iter().map(|lane| lane.instances.len()).max().unwrap_or(1);
    let height = area.height / most.max(1) as u16;
    let areas =
        Layout::vertical(vec![Constraint::Length(height); lane.instances.len()]).split(area);
    for (i, (instance, series)) in lane.instances.iter().zip(&lane.each).enumerate() {
        let [outcomes_top, tasks_top] = axes.instance_tops;
        let (fill, colour, top) = if outcomes {
            (Fill::Outcomes, Color::LightGreen, outcomes_top)
        } else {
            (Fill::Level(&tasks, None), Color::LightCyan, tasks_top)
        };
        let title = Line::from(vec![
            Span::styled(format!(" {} {}", i + 1, version(lab, instance)), style(instance)),
            Span::styled(figures(instance, lane.instance_per_s(i), area.width), theme::strong()),
        ]);
        let chart = Chart {
            title,
            series,
            fill,
            colour,
            window_s: axes.window_s,
            axis: Axis::Linear(top),
            labels: ["0".to_owned(), number(top)],
            cap: None,
            theory: None,
            gaps: !outcomes,
            marks: &lab.session.marks(),
        };
        chart::draw(frame, areas[i], &chart);
    }
}

fn figures(instance: &InstanceSample, (ok, bad): (u64, u64), width: u16) -> String {
    let share = number(instance.share_percent);
    match (instance.serves, width) {
        (false, _) => "  down".to_owned(),
        (true, ..48) => format!("  {share} %  ok {ok}  bad {bad} /s"),
        (true, ..68) => {
            let tasks = count(instance.tasks);
            format!("  {share} %  ok {ok}  bad {bad} /s  {tasks} tasks")
        }
        (true, _) => {
            let (tasks, memory) = (count(instance.tasks), mib(instance.resident_bytes));
            format!("  {share} % of requests  ok {ok}  bad {bad} /s  {tasks} tasks  {memory}")
        }
    }
}

/// The version of an instance, as it may be named.
fn version<'a>(lab: &Scene, instance: &'a InstanceSample) -> &'a str {
    lane_words::version(instance, lab.view.disclosure.causes)
}

fn style(instance: &InstanceSample) -> Style {
    match (instance.serves, instance.bad > instance.ok) {
        (true, false) if instance.version == "before" => theme::good(),
        (true, false) => theme::warn(),
        _ => theme::bad(),
    }
}

/// One figure of all instances a line.
fn short(lane: &LaneState, width: u16) -> Vec<Line<'static>> {
    let row = |name: &str, of: &dyn Fn(usize, &InstanceSample) -> String| {
        // Whole figures only: one that is cut looks like another.
        let mut text = format!(" {name:<6}");
        for (i, figure) in
            lane.instances.iter().enumerate().map(|(i, instance)| (i, of(i, instance)))
        {
            let left = lane.instances.len() - i;
            let room = usize::from(width).saturating_sub(if left > 1 { 4 } else { 0 });
            if columns(&text) + 1 + columns(&figure) > room {
                text = format!("{text} +{left}");
                break;
            }
            text = text + " " + &figure;
        }
        Line::raw(text)
    };
    let tasks = |_: usize, instance: &InstanceSample| {
        if instance.serves { count(instance.tasks) } else { "down".to_owned() }
    };
    vec![row("tasks", &tasks), row("bad/s", &|i, _| count(lane.instance_per_s(i).1))]
}
