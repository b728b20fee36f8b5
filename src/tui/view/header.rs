//! The lab's first two lines: what runs, how long, under which load; and the script.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::figures::{clock, millis, number};
use crate::tui::model::Lab;
use crate::tui::theme;

/// Draws both lines.
pub fn draw(frame: &mut Frame, [first, second]: [Rect; 2], lab: &Lab) {
    let data = lab.shown();
    let manifest = &lab.spec.entry.manifest;
    let title = Line::from(vec![
        Span::styled(" firedrill", theme::accent()),
        Span::styled(format!(" ▸ {}", manifest.title), theme::strong()),
    ]);
    let state = if lab.frozen.is_some() {
        Span::styled("❚❚ FROZEN ", theme::warn())
    } else {
        Span::styled("▶ ", theme::good())
    };
    let right = Line::from(vec![
        state,
        Span::styled(clock(data.now_s), theme::strong()),
        Span::raw(format!(" · {} req/s · live ", number(data.rate_per_s()))),
    ]);
    frame.render_widget(Paragraph::new(title), first);
    frame.render_widget(Paragraph::new(right).alignment(Alignment::Right), first);
    frame.render_widget(Paragraph::new(script(lab)), second);
}

/// The script: what was, what is, what comes; or that the figures are not to be trusted.
fn script(lab: &Lab) -> Line<'static> {
    let data = lab.shown();
    if let Some(lag_ms) = data.untrusted_lag_ms() {
        let text = format!(
            " ⚠ the driver starts requests {} late: this machine is too busy to trust the figures",
            millis(lag_ms)
        );
        return Line::styled(text, theme::warn());
    }
    let Some(now) = data.phase else {
        return Line::styled(" starting the servers …", theme::warn());
    };
    let phases = &lab.spec.entry.manifest.phases;
    let mut spans = Vec::new();
    for (i, phase) in phases.iter().enumerate().skip(now) {
        let at = clock(phase.at_s);
        let text = phase.says.clone();
        if i == now {
            spans.push(Span::styled(format!(" ▶ {at} {text}"), theme::strong()));
        } else {
            spans.push(Span::styled(format!("   then {at} {text}"), theme::quiet()));
        }
    }
    Line::from(spans)
}
