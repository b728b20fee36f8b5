//! Draws the model: one file a region.

pub mod bugs;
pub mod catalogue;
pub mod chain;
pub mod chaos;
pub mod chart;
pub mod code;
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
pub mod present;
pub mod walk;
pub mod words;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::keys::Action;
use super::model::{Model, Overlay, Screen};
use super::theme;

/// The least that the screens need.
pub const LEAST: (u16, u16) = (80, 24);

/// Draws everything.
pub fn draw(frame: &mut Frame, model: &Model) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, area);
        return;
    }
    let [body, bar] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    match &model.screen {
        Screen::Catalogue(list) => catalogue::draw(frame, body, model, list),
        Screen::Lab(lab) => match lab.presents {
            Some(chart) => present::draw(frame, body, lab, chart),
            None => lab::draw(frame, body, lab),
        },
    }
    keybar::draw(frame, bar, model);
    match (&model.overlay, &model.screen) {
        (Some(Overlay::Help { down }), _) => help::draw(frame, body, model, *down),
        (Some(Overlay::GoTo { typed }), Screen::Lab(lab)) => go_to::draw(frame, body, lab, typed),
        (Some(Overlay::Message(text)), _) => message::draw(frame, body, text),
        (Some(Overlay::Sure(action)), Screen::Lab(lab)) => {
            let what = match (action, &lab.walk) {
                (Action::Reset, _) => "Start the run anew? What it has shown is lost.",
                (_, Some(_)) => "Leave the walk? It can be taken up again.",
                (_, None) => "Leave the lab? Its run ends.",
            };
            message::draw(frame, body, &format!("{what}\n\nenter: yes · esc: no"));
        }
        (Some(Overlay::TakeUp { page }), _) => {
            let text = format!(
                "You left this walk before its end. Its run begins anew on page {}.\n\n\
                 enter: go on there · esc: from the first page",
                page + 1
            );
            message::draw(frame, body, &text);
        }
        (Some(Overlay::Bugs { cursor }), Screen::Lab(lab)) => {
            bugs::draw(frame, body, model.catalogue, lab, *cursor);
        }
        (Some(Overlay::Chaos { cursor }), Screen::Lab(lab)) => {
            chaos::draw(frame, body, lab, *cursor);
        }
        (Some(Overlay::Code(view)), Screen::Lab(lab)) => code::draw(frame, body, lab, view),
        (Some(Overlay::Metrics), Screen::Lab(lab)) => metrics::draw(frame, body, lab),
        (Some(Overlay::Chain { cursor }), Screen::Lab(lab)) => {
            chain::draw(frame, body, lab, *cursor);
        }
        (Some(Overlay::Log { back }), Screen::Lab(lab)) => log::draw_all(frame, body, lab, *back),
        (Some(Overlay::Words), Screen::Lab(lab)) => words::draw(frame, body, lab),
        _ => {}
    }
    theme::ground(frame.buffer_mut());
}

fn too_small(frame: &mut Frame, area: Rect) {
    let text = Text::from(vec![
        Line::from(format!("This terminal has {}x{}.", area.width, area.height)),
        Line::from(format!("firedrill needs {}x{}.", LEAST.0, LEAST.1)),
        Line::from("The run goes on. q: quit"),
    ]);
    frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), area);
}

/// Columns or rows beside a box that are too few to show anything: the box takes them, too.
const TOO_FEW: u16 = 12;

/// A box of about this size in the middle of `area`, cleared; returns its inside.
fn boxed(frame: &mut Frame, area: Rect, (width, height): (u16, u16), title: &str) -> Rect {
    let or_all = |size: u16, all: u16| if size + TOO_FEW > all { all } else { size };
    let (width, height) = (or_all(width, area.width), or_all(height, area.height));
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered().title(format!(" {title} ")).border_style(theme::accent());
    let inner = block.inner(outer);
    frame.render_widget(Clear, outer);
    frame.render_widget(block, outer);
    inner
}

/// The letter of a lane.
pub fn letter(lane: usize) -> char {
    char::from(b'A' + u8::try_from(lane).unwrap_or(25).min(25))
}

/// `text` cut to `width` columns, with a sign that it was.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
