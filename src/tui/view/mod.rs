//! Draws the model: one file a region. Drawing returns the layout that mouse and scrolling use.

pub mod axes;
pub mod bugs;
pub mod catalogue;
pub mod chain;
pub mod chaos;
pub mod chart;
pub mod charts;
pub mod code;
pub mod figures;
pub mod gauges;
pub mod go_to;
pub mod header;
pub mod help;
pub mod instances;
pub mod keybar;
pub mod lab;
pub mod lane;
pub mod log;
pub mod message;
pub mod metrics;
pub mod parts;
pub mod present;
pub mod room;
pub mod scene;
pub mod shift;
pub mod take_home;
pub mod walk;
pub mod words;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::{Line, Text};
use ratatui::widgets::Paragraph;

use super::action::Action;
use super::layout;
use super::model::{Model, Overlay, Screen};
use super::theme;
use scene::Scene;

/// The least that the screens need: columns and rows.
pub const LEAST: (u16, u16) = (80, 24);

/// Draws everything.
pub fn draw(frame: &mut Frame, model: &Model) -> layout::Layout {
    let mut layout = layout::Layout::default();
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, area);
        return layout;
    }
    let strip = model.room.as_ref().map_or(0, |_| room::ROWS);
    let rows = [Constraint::Length(strip), Constraint::Min(0), Constraint::Length(1)];
    let [class, body, bar] = Layout::vertical(rows).areas(area);
    if let Some(room) = &model.room {
        room::draw(frame, class, room);
    }
    match &model.screen {
        Screen::Catalogue(list) => {
            catalogue::draw(frame, body, model, list, &mut layout);
            overlay(frame, body, model, &mut layout);
        }
        Screen::Lab(lab) => {
            let scene = Scene::new(lab, model.place());
            match (lab.presents, &lab.shift) {
                (_, Some(screen)) => shift::draw(frame, body, &scene, screen, &mut layout),
                (Some(chart), None) => present::draw(frame, body, &scene, chart),
                (None, None) => lab::draw(frame, body, &scene, &mut layout),
            }
            overlay(frame, body, model, &mut layout);
            overlay_of_lab(frame, body, model, &scene, &mut layout);
        }
    }
    keybar::draw(frame, bar, model, &mut layout);
    theme::ground(frame.buffer_mut());
    layout
}

/// Draws an overlay that every screen may have.
fn overlay(frame: &mut Frame, body: Rect, model: &Model, layout: &mut layout::Layout) {
    match &model.overlay {
        Some(Overlay::Help { down }) => help::draw(frame, body, model, *down, layout),
        Some(Overlay::Message(text)) => message::draw(frame, body, text),
        Some(Overlay::Resume { page }) => {
            let text = format!(
                "You left this walk before its end. The run of page {} starts again.\n\n\
                 enter: resume there · esc: start at the first page",
                page + 1
            );
            message::draw(frame, body, &text);
        }
        _ => {}
    }
}

/// Draws an overlay of the lab.
fn overlay_of_lab(
    frame: &mut Frame,
    body: Rect,
    model: &Model,
    lab: &Scene,
    layout: &mut layout::Layout,
) {
    match &model.overlay {
        Some(Overlay::GoTo { typed }) => go_to::draw(frame, body, lab, typed),
        Some(Overlay::Confirm(action)) => {
            let what = match (action, &lab.view.page) {
                (Action::Reset, _) => "Start the run again? Its history is lost.",
                _ if lab.shift.is_some() => "Leave the shift? It is not scored.",
                (_, Some(_)) => "Leave the walk? You can resume it later.",
                (_, None) => "Leave the lab? The run ends.",
            };
            message::draw(frame, body, &format!("{what}\n\nenter: yes · esc: no"));
        }
        Some(Overlay::Bugs { cursor }) => bugs::draw(frame, body, model.catalogue, lab, *cursor),
        Some(Overlay::Chaos { cursor }) => chaos::draw(frame, body, lab, *cursor),
        Some(Overlay::Code(view)) => code::draw(frame, body, lab, view, layout),
        Some(Overlay::Metrics) => metrics::draw(frame, body, lab),
        Some(Overlay::Chain { cursor }) => chain::draw(frame, body, lab, *cursor),
        Some(Overlay::Log { back }) => log::draw_all(frame, body, lab, *back, layout),
        Some(Overlay::Words) => words::draw(frame, body, lab),
        _ => {}
    }
}

fn too_small(frame: &mut Frame, area: Rect) {
    let text = Text::from(vec![
        Line::from(format!("This terminal has {}x{}.", area.width, area.height)),
        Line::from(format!("firedrill needs {}x{}.", LEAST.0, LEAST.1)),
        Line::from("The run continues. q: quit"),
    ]);
    frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), area);
}
