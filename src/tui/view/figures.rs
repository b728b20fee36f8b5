//! The two figures of a lane, large where there is room, and the outcomes of its last second.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_big_text::{BigText, PixelSize};

use super::parts::{columns, cut};
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::figures::number;
use firedrill_core::session::lane_state::LaneState;
use firedrill_core::session::lane_words::{self, LargeFigure};

/// Columns of a big digit. Quarters of a cell, which every font has; smaller ones few have.
const DIGIT: u16 = 4;

/// The two large figures of a lane.
fn headline(lab: &Scene, lane: &LaneState) -> [LargeFigure; 2] {
    lab.session.large_figures(lane)
}

fn outcomes(lab: &Scene, lane: &LaneState) -> Line<'static> {
    let mut spans = Vec::new();
    for (name, rate, mood) in lane_words::outcomes(lane, lab.view.disclosure.causes) {
        let before = if spans.is_empty() { " " } else { "  " };
        let text = format!("{before}{name} {}", number(rate.round()));
        spans.push(Span::styled(text, theme::of(mood)));
    }
    spans.push(Span::styled(" /s", theme::quiet()));
    Line::from(spans)
}

/// Draws the figures in one line, and the outcomes.
pub fn small_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let mut spans = Vec::new();
    let figures = headline(lab, lane);
    // A figure that is cut looks like another one: names give way.
    let wide = |figure: &LargeFigure| {
        4 + [&figure.name, &figure.value, &figure.growth].map(|t| columns(t)).iter().sum::<usize>()
    };
    let over = figures.iter().map(wide).sum::<usize>().saturating_sub(usize::from(area.width));
    let share = over.div_ceil(figures.len());
    for LargeFigure { name, value, mood, growth } in figures {
        let style = theme::of(mood);
        let name = cut(&name, columns(&name).saturating_sub(share));
        spans.push(Span::raw(format!(" {name} ")));
        spans.push(Span::styled(value, style.patch(theme::strong())));
        spans.push(Span::styled(format!(" {growth} "), style));
    }
    frame.render_widget(Paragraph::new(vec![Line::from(spans), outcomes(lab, lane)]), area);
}

/// Draws the figures in large digits, and the outcomes.
pub fn big_figures(frame: &mut Frame, area: Rect, lab: &Scene, lane: &LaneState) {
    let [names, digits, below] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(4), Constraint::Length(1)])
            .areas(area);
    let halves =
        |area: Rect| -> [Rect; 2] { Layout::horizontal([Constraint::Fill(1); 2]).areas(area) };
    let places = halves(names).into_iter().zip(halves(digits));
    for (LargeFigure { name, value, mood, growth }, (name_area, area)) in
        headline(lab, lane).into_iter().zip(places)
    {
        let style = theme::of(mood);
        let caption = Line::from(vec![Span::raw(format!(" {name} ")), Span::styled(growth, style)]);
        frame.render_widget(Paragraph::new(caption), name_area);
        let value = value.replace(' ', "");
        let area = Rect { x: area.x + 1, width: area.width - 1, ..area };
        let (figure, unit) = apart(&value);
        let columns = figure.len() as u16 * DIGIT;
        // Big letters are there for ASCII alone; and small ones would look like capitals.
        if figure.is_ascii() && columns + unit.len() as u16 <= area.width {
            let lines = vec![Line::from(figure.to_owned())];
            let size = PixelSize::Quadrant;
            let text = BigText::builder().pixel_size(size).style(style).lines(lines).build();
            frame.render_widget(text, area);
            let place = Rect { x: area.x + columns, y: area.y + 2, ..area };
            let place = Rect { width: unit.len() as u16, height: 1, ..place };
            frame.render_widget(Paragraph::new(Span::styled(unit.to_owned(), style)), place);
        } else {
            frame.render_widget(Paragraph::new(Span::styled(value, style)), area);
        }
    }
    frame.render_widget(Paragraph::new(outcomes(lab, lane)), below);
}

/// A figure, and its unit.
pub fn apart(value: &str) -> (&str, &str) {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    value.split_at(value.find(|c| !digits(c)).unwrap_or(value.len()))
}

/// The two big figures of a lane: name, value, style.
pub fn big_and_plain(lab: &Scene, lane: &LaneState) -> [(String, String, Style); 2] {
    headline(lab, lane).map(|LargeFigure { name, value, mood, growth }| {
        (format!("{name} {growth}"), value.replace(' ', ""), theme::of(mood))
    })
}
