//! The lab's first two lines: what runs, how long, under which load; and the script.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::parts::{columns, cut};
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::figures::{clock, millis, number};
use firedrill_core::script::Speed;
use firedrill_core::session::track::Source;

/// Draws both lines.
pub fn draw(frame: &mut Frame, [first, second]: [Rect; 2], lab: &Scene) {
    let right = Line::from(state(lab));
    let room = usize::from(first.width).saturating_sub(right.width() + 1);
    let name = lab.view.title;
    let title = if " firedrill ▸ ".chars().count() + columns(name) <= room {
        Line::from(vec![
            Span::styled(" firedrill", theme::accent()),
            Span::styled(format!(" ▸ {name}"), theme::strong()),
        ])
    } else {
        Line::styled(cut(&format!(" {name}"), room), theme::strong())
    };
    frame.render_widget(Paragraph::new(title), first);
    frame.render_widget(Paragraph::new(right).alignment(Alignment::Right), first);
    let script = if lab.view.disclosure.causes {
        script(lab)
    } else {
        let says = " Real code in simulated time. Figures cover the last second.";
        Line::styled(cut(says, usize::from(second.width)), theme::quiet())
    };
    frame.render_widget(Paragraph::new(script), second);
}

/// Describes the clock and its kind.
fn state(lab: &Scene) -> Vec<Span<'static>> {
    let track = lab.session.track();
    let data = track.shown();
    let at = |ms: u64| clock(ms as f64 / 1000.0);
    let rate = format!(" · {} req/s", number(data.rate_per_s()));
    let mut spans = Vec::new();
    let shown = lab.session.run_id();
    match &lab.recording {
        Some((run, _)) if *run == shown => spans.push(Span::styled("● REC  ", theme::bad())),
        // What is recorded goes on unseen.
        Some(_) => spans.push(Span::styled("● REC live  ", theme::quiet())),
        None => {}
    }
    let now = Span::styled(clock(data.now_s), theme::strong());
    if let Some(playback) = &track.playback {
        spans.push(if playback.playing {
            Span::styled(format!("▶ {}× ", playback.speed), theme::good())
        } else {
            let speed = match playback.speed {
                0.99..1.01 => String::new(),
                speed => format!("({speed}×) "),
            };
            Span::styled(format!("❚❚ PAUSED {speed}"), theme::warn())
        });
        spans.push(now);
        let end = at(track.history.ends_ms());
        spans.push(Span::raw(match track.source {
            Source::Recording { .. } => {
                format!(" / {end}{rate} · recording, {} ", lab.session.case.plan.clock.word())
            }
            Source::TimeLapse(_) => format!("{rate} · simulated time, paused at {end} "),
            Source::Live => format!("{rate} · looking back, the run is at {end} "),
        }));
        return spans;
    }
    let Source::TimeLapse(speed) = track.source else {
        spans.push(Span::styled("▶ ", theme::good()));
        spans.push(now);
        spans.push(Span::raw(format!("{rate} · live ")));
        return spans;
    };
    if let (Some(page), Speed::Times(0.0)) = (&lab.view.page, speed) {
        spans.push(Span::styled("‖ paused at ", theme::warn()));
        spans.push(now);
        spans.push(Span::raw(format!("{rate} · walk {} of {} ", page.number, page.of)));
        return spans;
    }
    if let (Some(page), Speed::Times(times)) = (&lab.view.page, speed) {
        spans.push(Span::styled(format!("▶ {times}× "), theme::good()));
        spans.push(now);
        spans.push(Span::raw(format!("{rate} · walk {} of {} ", page.number, page.of)));
        return spans;
    }
    let chosen = match speed {
        Speed::Times(times) => Some(times),
        Speed::Max => None,
    };
    let reached = lab.reached_speed.below(chosen);
    let reached = reached.map(|times| format!(", {}× reached", number(times))).unwrap_or_default();
    let speed = match speed {
        Speed::Times(times) => format!("▶▶ {times}× "),
        Speed::Max => "▶▶ max ".to_owned(),
    };
    spans.push(Span::styled(speed, theme::accent()));
    spans.push(now);
    spans.push(Span::raw(rate));
    spans.push(Span::styled(format!(" · simulated time{reached} "), theme::accent()));
    spans
}

/// From here on a late driver spoils more than short latencies, in milliseconds.
const VERY_LATE_MS: f64 = 100.0;

/// Describes the lateness of the load generator; none: it is punctual.
pub fn late(lab: &Scene, width: u16) -> Option<Line<'static>> {
    let lag_ms = lab.view.run.untrusted_lag_ms()?;
    let lag = millis(lag_ms);
    let text = if lag_ms < VERY_LATE_MS {
        format!(
            " ⚠ this machine is busy: requests start up to {lag} late; short latencies are wrong by that much"
        )
    } else {
        format!(
            " ⚠ this machine is too busy: requests start up to {lag} late; do not trust the figures"
        )
    };
    Some(Line::styled(cut(&text, usize::from(width)), theme::warn()))
}

/// The script: what was, what is, what comes.
fn script(lab: &Scene) -> Line<'static> {
    let data = lab.view.run;
    let track = lab.session.track();
    if let (Some(_), Some(from)) =
        (&track.playback, Some(track.history.begins_ms()).filter(|from| *from > 0))
        && track.shown_ms() < from + 1000
    {
        let from = clock(from as f64 / 1000.0);
        let text = format!(" ⚠ the history before {from} was dropped to save memory");
        return Line::styled(text, theme::warn());
    }
    let Some(now) = data.phase else {
        if !track.goes_on() {
            return Line::styled(" before the first phase", theme::quiet());
        }
        return Line::styled(" starting the servers …", theme::warn());
    };
    let phases = &lab.manifest().phases;
    let mut spans = Vec::new();
    if let Source::Recording { unreadable: 1.. } = track.source {
        spans.push(Span::styled(" ⚠ some lines are unreadable: L ", theme::warn()));
    }
    for (i, phase) in phases.iter().enumerate().skip(now) {
        let at = clock(phase.at_s);
        let text = phase.says.clone();
        if i == now {
            spans.push(Span::styled(format!(" ▸ {at} {text}"), theme::strong()));
        } else {
            spans.push(Span::styled(format!("   then {at} {text}"), theme::quiet()));
        }
    }
    Line::from(spans)
}
