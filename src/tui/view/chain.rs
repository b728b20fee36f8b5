//! Middleware stacks of all lanes, from the outside in, with their switched-off slots.
//!
//! ```text
//!   request        A broken              B fixed
//!  ▶ [x] log       unbuffered-log-chan…  unbuffered-log-chan…
//!    [ ] auth      off                   service
//! ```

use firedrill_core::incident::chain::{ClientSlot, Slot};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::parts::{boxed, cut};
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::prose::letter;
use firedrill_core::session::lane_state::LaneState;

/// Columns of a lane.
const COLUMN: usize = 25;

/// Draws the panel.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, cursor: usize) {
    let lanes = &lab.view.run.lanes;
    let width = (22 + lanes.len() * COLUMN) as u16;
    let title = format!(
        "middleware slots of lane {}; from the outside in, in order, below",
        letter(lab.selected)
    );
    let mut lines = vec![head("  request", lab)];
    let routes = Slot::ALL.iter().map(|slot| slot.name());
    for (i, slot) in routes.enumerate() {
        lines.push(row(lab, slot, i == cursor, |lane| &lane.chain.routes));
    }
    lines.push(Line::styled("  routes, and for each call to the database", theme::quiet()));
    for (i, slot) in ClientSlot::ALL.iter().enumerate() {
        let at = Slot::ALL.len() + i == cursor;
        lines.push(row(lab, slot.name(), at, |lane| &lane.chain.store));
    }
    lines.push(Line::styled("  database", theme::quiet()));
    let orders: Vec<String> = lanes.iter().map(order).collect();
    let differ = orders.iter().any(|order| *order != orders[0]);
    for (i, order) in orders.iter().enumerate() {
        let style = if differ { theme::accent() } else { theme::quiet() };
        lines.push(Line::styled(format!("  {} {order}", letter(i)), style));
    }
    let inner = boxed(frame, area, (width.max(66), lines.len() as u16 + 2), &title);
    frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}

fn head(first: &str, lab: &Scene) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{first:<20}"), theme::quiet())];
    for (i, lane) in lab.view.run.lanes.iter().enumerate() {
        let name = format!("{} {}", letter(i), lane.variant);
        let style = if i == lab.selected { theme::accent() } else { theme::strong() };
        spans.push(Span::styled(format!("{:<COLUMN$}", cut(&name, COLUMN - 2)), style));
    }
    Line::from(spans)
}

fn row(
    lab: &Scene,
    slot: &str,
    selected: bool,
    stands: impl Fn(&LaneState) -> &Vec<(String, String)>,
) -> Line<'static> {
    let off = lab.lane().without.iter().any(|without| without == slot);
    let (at, mark) = (if selected { "▶" } else { " " }, if off { "[ ]" } else { "[x]" });
    let text = format!(" {at} {mark} {slot:<13}");
    let style = if selected { theme::cursor() } else { theme::strong() };
    let mut spans = vec![Span::styled(text, style)];
    for lane in &lab.view.run.lanes {
        let owners: Vec<&str> =
            stands(lane).iter().filter(|(s, _)| s == slot).map(|(_, o)| o.as_str()).collect();
        let (text, style) = match owners.as_slice() {
            _ if lane.without.iter().any(|without| without == slot) => {
                ("off".to_owned(), theme::warn())
            }
            [] => ("–".to_owned(), theme::quiet()),
            ["service"] => ("the service's default".to_owned(), theme::quiet()),
            owners => (owners.join(", "), theme::good()),
        };
        spans.push(Span::styled(format!("{:<COLUMN$}", cut(&text, COLUMN - 2)), style));
    }
    Line::from(spans)
}

/// Draws the middleware stack of a lane in one line; layers of incidents are highlighted.
pub fn line(frame: &mut Frame, area: Rect, lane: &LaneState) {
    let names: Vec<(&str, bool)> =
        lane.chain.routes.iter().map(|(slot, owner)| (slot.as_str(), owner != "service")).collect();
    let all: usize = names.iter().map(|(name, _)| name.len()).sum();
    let (first, arrow, last) = match usize::from(area.width) {
        room if all + 3 * names.len() + 20 <= room => (" request → ", " → ", " → routes"),
        room if all + 3 * names.len() + 6 <= room => (" chain ", " → ", ""),
        _ => (" ", "›", ""),
    };
    let mut spans = vec![Span::styled(first, theme::quiet())];
    for (i, (name, own)) in names.iter().enumerate() {
        if i > 0 {
            spans.push(Span::styled(arrow, theme::quiet()));
        }
        let style = if *own { theme::accent() } else { theme::strong() };
        spans.push(Span::styled((*name).to_owned(), style));
    }
    spans.push(Span::styled(last, theme::quiet()));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The order of the slots around the routes.
fn order(lane: &LaneState) -> String {
    let mut names: Vec<&str> = lane.chain.routes.iter().map(|(slot, _)| slot.as_str()).collect();
    names.dedup();
    names.join(" → ")
}
