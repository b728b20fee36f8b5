//! A lane's instances, a row each: what it runs, its share, and how it does.
//!
//! ```text
//!  # version   share  tasks   ok/s  bad/s
//!  1 broken      4 %    340      0      8
//! ```

use firedrill_core::event::InstanceSample;
use firedrill_core::prose::figures::{count, number};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::Paragraph;

use crate::tui::lane::LaneModel;
use crate::tui::theme;

/// Draws the rows; where there is no room for them, the tasks and the failures of all in two.
pub fn draw(frame: &mut Frame, area: Rect, lane: &LaneModel) {
    if usize::from(area.height) <= lane.instances.len() {
        frame.render_widget(Paragraph::new(Text::from(short(lane))), area);
        return;
    }
    let head =
        format!(" # {:<9}{:>6}{:>8}{:>7}{:>7}", "version", "share", "tasks", "ok/s", "bad/s");
    let mut lines = vec![Line::styled(head, theme::quiet())];
    for (i, instance) in lane.instances.iter().enumerate() {
        let share = format!("{} %", number(instance.share_percent));
        let (ok, bad) = (instance.ok * 10, instance.bad * 10);
        let text = format!(
            " {} {:<9}{share:>6}{:>8}{ok:>7}{bad:>7}",
            i + 1,
            instance.version,
            if instance.serves { count(instance.tasks) } else { "down".to_owned() }
        );
        let style = match (instance.serves, bad > ok) {
            (true, false) if instance.version == "before" => theme::good(),
            (true, false) => theme::warn(),
            _ => theme::bad(),
        };
        lines.push(Line::styled(text, style));
    }
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// One figure of all instances a line.
fn short(lane: &LaneModel) -> Vec<Line<'static>> {
    let row = |name: &str, of: &dyn Fn(&InstanceSample) -> String| {
        let each: Vec<String> = lane.instances.iter().map(of).collect();
        Line::raw(format!(" {name:<6} {}", each.join("  ")))
    };
    let tasks = |instance: &InstanceSample| {
        if instance.serves { count(instance.tasks) } else { "down".to_owned() }
    };
    vec![row("tasks", &tasks), row("bad/s", &|instance| count(instance.bad * 10))]
}
