//! Presenting: one lane, or one of its charts, fills the screen, with digits and a question for the last row.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use tui_big_text::{BigText, PixelSize};

use firedrill_core::session::walk::page::AnswerForm;

use super::axes::axes;
use super::charts;
use super::figures::{apart, big_and_plain};
use super::parts::wrapped;
use super::scene::Scene;
use crate::tui::theme;
use firedrill_core::prose::letter;

/// Columns and rows of a letter, from the largest size down.
const SIZES: [(PixelSize, u16, u16); 3] =
    [(PixelSize::Full, 8, 8), (PixelSize::HalfHeight, 8, 4), (PixelSize::Quadrant, 4, 4)];

/// Draws the selected lane, or one of its charts, and what a walk tells and asks.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, chart: Option<usize>) {
    let asks = question(lab);
    let [head, body, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(if lab.view.page.is_some() { area.height / 2 } else { 0 }),
    ])
    .areas(area);
    let name = format!(" {} {} ", letter(lab.selected), lab.view.names[lab.selected]);
    let says = "tab: the next lane · P: the next view".to_owned();
    let title =
        Line::from(vec![Span::styled(name, theme::accent()), Span::styled(says, theme::quiet())]);
    frame.render_widget(Paragraph::new(title), head);
    let axes = axes(lab);
    if let Some(chart) = chart {
        charts::chart_alone(frame, body, lab, lab.selected, &axes, chart);
    } else {
        figures(frame, body, lab);
    }
    if let Some((text, rest)) = asks {
        let columns = usize::from(below.width / 4).max(1);
        let lines = wrapped(&text, columns);
        let fits = lines.len() as u16 * 4 <= below.height.saturating_sub(rest.len() as u16);
        let rows =
            if fits { lines.len() as u16 * 4 } else { (text.len() as u16 / below.width) + 2 };
        let [question, choices] =
            Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(below);
        // Big letters are there for ASCII alone.
        if fits && text.is_ascii() {
            let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
            let size = PixelSize::Quadrant;
            let style = theme::accent();
            let big = BigText::builder().pixel_size(size).style(style).lines(lines).build();
            frame.render_widget(big, question);
        } else {
            let plain = Paragraph::new(Line::styled(text, theme::accent()));
            frame.render_widget(plain.wrap(Wrap { trim: false }), question);
        }
        let rest: Vec<Line> =
            rest.into_iter().map(|line| Line::styled(line, theme::strong())).collect();
        frame.render_widget(Paragraph::new(rest).wrap(Wrap { trim: false }), choices);
    }
}

/// Draws the lane's two figures, as large as fits, and its first chart.
fn figures(frame: &mut Frame, area: Rect, lab: &Scene) {
    let rows = if area.height >= 18 { 10 } else { 6 };
    let [digits, chart] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(area);
    let halves: [Rect; 2] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(digits);
    let figures = big_and_plain(lab, lab.lane()).into_iter();
    for ((name, value, style), half) in figures.zip(halves) {
        let [caption, digits] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(half);
        frame.render_widget(Paragraph::new(format!(" {name}")), caption);
        large(frame, digits, &value, style);
    }
    charts::chart_alone(frame, chart, lab, lab.selected, &axes(lab), 0);
}

/// The question or introduction of a walk's page, and the lines below it.
fn question(lab: &Scene) -> Option<(String, Vec<String>)> {
    let page = lab.view.page.as_ref()?;
    let step = page.step()?;
    let mut below = Vec::new();
    if lab.page.presenter && !step.presenter.is_empty() {
        below.push(format!("☞ {}", step.presenter));
    }
    let question = step.question.as_ref();
    if let Some(result) = &step.result {
        below.extend(result.figures.iter().map(|(name, value)| format!("{name} {value}")));
        below.extend(
            [&result.says, &result.why].into_iter().filter(|text| !text.is_empty()).cloned(),
        );
    } else {
        match question.map(|question| &question.form) {
            Some(AnswerForm::Choice(choices)) => {
                let option = |(i, text): (usize, &String)| {
                    let mark = if Some(i) == lab.page.cursor { "▸" } else { " " };
                    format!("{mark} {}  {text}", i + 1)
                };
                below.extend(choices.iter().enumerate().map(option));
            }
            Some(AnswerForm::Number { unit, tolerance }) => {
                below.push(format!("> {}▏ {unit}  ({tolerance})", lab.page.typed));
            }
            Some(AnswerForm::Line(_)) | None => {}
        }
    }
    let says = || step.says.clone();
    Some((question.map_or_else(says, |question| question.prompt.clone()), below))
}

/// Draws a value as large as fits.
fn large(frame: &mut Frame, area: Rect, value: &str, style: Style) {
    let (figure, unit) = apart(value);
    let letters = figure.len() as u16;
    let fits = SIZES.iter().find(|(_, columns, rows)| {
        letters * columns <= area.width.saturating_sub(1) && *rows <= area.height
    });
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    match fits.filter(|_| figure.is_ascii() && !figure.is_empty()) {
        Some((size, columns, rows)) => {
            let lines = vec![Line::from(figure.to_owned())];
            let text = BigText::builder().pixel_size(*size).style(style).lines(lines).build();
            frame.render_widget(text, area);
            // Small letters would look like capitals.
            let (x, y) = (area.x + letters * columns, area.y + rows.saturating_sub(2));
            let width = unit.len() as u16;
            if x + width <= area.right() {
                let place = Rect { x, y, width, height: 1 };
                frame.render_widget(Paragraph::new(Span::styled(unit.to_owned(), style)), place);
            }
        }
        None => frame.render_widget(Paragraph::new(Span::styled(value.to_owned(), style)), area),
    }
}
