//! Everything that the selected lane measures.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::parts::boxed;
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::figures::{count, mib, millis, number};
use firedrill_core::incident::measure::WindowMeasure;
use firedrill_core::prose::letter;
use firedrill_core::session::lane_state::ProcessState;

/// Draws the overlay.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene) {
    let lane = lab.lane();
    let title = format!("lane {} {}: metrics", letter(lab.selected), lane.variant);
    let mut lines = Vec::new();
    if let ProcessState::Serving { process: Some((port, pid)), .. } = lane.state {
        lines.push(Line::raw(format!(
            " http://127.0.0.1:{port}   /metrics there too   process {pid}"
        )));
    }
    if let Some(sentence) = lab.sentence(lane) {
        lines.push(Line::styled(format!(" {sentence}"), theme::strong()));
    }
    let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), millis);
    lines.push(Line::raw(format!(
        " in flight {}   p99 {}   p99 of answered requests {}",
        count(lane.in_flight),
        ms(lane.last_second.value(WindowMeasure::P99Ms)),
        ms(lane.last_second.value(WindowMeasure::NaiveP99Ms))
    )));
    if let Some(server) = &lane.server {
        let resident = lane.resident_bytes.map_or("–".to_owned(), mib);
        lines.push(Line::raw(format!(
            " tasks {}   connections {}   heap {}   resident {resident}",
            count(server.tasks),
            count(server.connections),
            mib(server.heap_bytes)
        )));
        let cpu =
            lane.cpu_percent.map_or("–".to_owned(), |percent| format!("{} %", number(percent)));
        let series = count(server.series);
        lines.push(Line::raw(format!(" CPU {cpu}   metric series {series}")));
        for (kind, last) in &lane.kinds {
            let rate = |measure| number(last.value(measure).unwrap_or_default().round());
            let (ok, bad) = (rate(WindowMeasure::OkPerS), rate(WindowMeasure::BadPerS));
            let p99 = ms(last.value(WindowMeasure::P99Ms));
            lines.push(Line::raw(format!(" {kind}: ok {ok}/s   bad {bad}/s   p99 {p99}")));
        }
        lines.push(Line::raw(""));
        let width = server.metrics.keys().map(String::len).max().unwrap_or(0);
        let own = |name: &String| {
            let incident = lane.metrics.get(name).map_or("", |metric| metric.incident.as_str());
            incident == lab.manifest().id || lane.bugs.contains_key(incident)
        };
        // First what belongs to the bugs in play; of the rest, what says something.
        let (first, rest): (Vec<_>, Vec<_>) =
            server.metrics.iter().partition(|(name, _)| own(name));
        let rest = rest.into_iter().filter(|(_, value)| **value != 0.0);
        for (name, value) in first.into_iter().chain(rest) {
            let metric = lane.metrics.get(name);
            let unit = metric.map_or("", |metric| metric.unit.as_str());
            let says = metric.map_or("", |metric| metric.says.as_str());
            let name = format!("{name:<width$}");
            lines.push(Line::from(vec![
                Span::styled(format!(" {name} "), theme::strong()),
                Span::styled(format!("{:>10} {unit:<4}", number(*value)), theme::accent()),
                Span::styled(says.to_owned(), theme::quiet()),
            ]));
        }
        for site in &server.wait_sites {
            lines.push(Line::styled(
                format!(
                    " {} wait at {}:{} ({})",
                    count(site.waiting),
                    site.file,
                    site.line,
                    site.label
                ),
                theme::bad(),
            ));
        }
    } else {
        lines.push(Line::styled(" the server is down: no metrics", theme::warn()));
    }
    let (width, rows) = (area.width - 2, lines.len() as u16 + 4);
    let inner = boxed(frame, area, (width, rows), &title);
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}
