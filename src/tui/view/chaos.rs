//! Faults on purpose, to switch on and off in all lanes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::boxed;
use crate::tui::model::Lab;
use crate::tui::theme;
use firedrill_core::prose::figures::count;
use firedrill_core::script::Control;
use firedrill_core::service::params;

/// What can be switched: what it is, and the parameters that it sets.
const FAULTS: [(&str, &[(&str, f64)]); 7] = [
    (
        "delay 10 % of the requests by 0.1 to 2 s",
        &[
            ("chaos_latency_percent", 10.0),
            ("chaos_latency_from_ms", 100.0),
            ("chaos_latency_to_ms", 2000.0),
        ],
    ),
    (
        "delay every request by 0.5 s",
        &[
            ("chaos_latency_percent", 100.0),
            ("chaos_latency_from_ms", 500.0),
            ("chaos_latency_to_ms", 500.0),
        ],
    ),
    ("fail 5 % of the requests with 500", &[("chaos_error_percent", 5.0)]),
    ("fail 50 % of the requests with 500", &[("chaos_error_percent", 50.0)]),
    ("blast radius: hold up at most 20 at once", &[("chaos_most", 20.0)]),
    ("blast radius: hold up at most 5 at once", &[("chaos_most", 5.0)]),
    ("only requests that carry the header x-chaos", &[("chaos_marked", 1.0)]),
];

/// How many there are.
pub const ALL: usize = FAULTS.len();

fn is_on(lab: &Lab, (_, params): (&str, &[(&str, f64)])) -> bool {
    let now = lab.track().head.course.now();
    params.iter().all(|(name, value)| now.get(*name) == Some(value))
}

/// What switches one of them on, or off again.
pub fn toggle(lab: &Lab, cursor: usize) -> Control {
    let fault = FAULTS[cursor.min(ALL - 1)];
    let on = is_on(lab, fault);
    let value = |name: &str, value: f64| if on { params::start(name) } else { value };
    let set = fault.1.iter().map(|(name, to)| ((*name).to_owned(), value(name, *to)));
    Control::SetParams(set.collect())
}

/// Draws the panel.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab, cursor: usize) {
    let mut lines = Vec::new();
    for (i, fault) in FAULTS.into_iter().enumerate() {
        let on = is_on(lab, fault);
        let line = format!(" [{}] {}", if on { 'x' } else { ' ' }, fault.0);
        lines.push(match (i == cursor, on) {
            (true, _) => Line::styled(format!("{line:<60}"), theme::cursor()),
            (false, true) => Line::styled(line, theme::bad()),
            (false, false) => Line::raw(line),
        });
    }
    lines.push(Line::raw(""));
    for lane in &lab.track().head.lanes {
        let injected = |name| count(lane.metric(name).unwrap_or_default() as u64);
        lines.push(Line::raw(format!(
            " {:<12} delayed {}   failed {}   spared {}",
            lane.variant,
            injected("chaos_delayed"),
            injected("chaos_failed"),
            injected("chaos_spared")
        )));
    }
    lines.push(Line::styled(
        " In all lanes alike. Recorded (w), the report tells how stable each lane was.",
        theme::quiet(),
    ));
    let inner = boxed(frame, area, (80, lines.len() as u16 + 2), "chaos: faults on purpose");
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}
