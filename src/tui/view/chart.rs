//! One chart of one lane: a level over time, on an axis that all lanes share.
//!
//! Filled columns in eighths of a row, because a thin line does not reach the last row of seats.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::theme;
use firedrill_core::page::axis::Axis;
use firedrill_core::session::series::{Column, Point, Rates, Series};

/// Columns left of the plot, for the axis.
pub const GUTTER: u16 = 7;

/// A column's top, in eighths of a row.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A full cell of failed requests, or of lost slots: colour is not the only difference.
pub const BAD: &str = "▒";

/// A full cell of rejected requests.
pub const REJECTED: &str = "▓";

/// A sign below a column, and its style.
type Sign = (&'static str, fn() -> Style);

/// No process was there to be measured.
const GAP: Sign = ("✖", theme::bad);

/// A process was there, and nothing could be measured yet.
const UNKNOWN: Sign = ("?", theme::warn);

/// A chart.
pub struct Chart<'a> {
    /// Title.
    pub title: Line<'a>,
    /// The lane's history.
    pub series: &'a Series,
    /// Fill of the columns.
    pub fill: Fill<'a>,
    /// The columns' colour.
    pub colour: Color,
    /// The stretch of time, in seconds.
    pub window_s: (f64, f64),
    /// Greatest value of the axis.
    pub axis: Axis,
    /// The axis' labels at its bottom and its top.
    pub labels: [String; 2],
    /// A level not to be reached.
    pub cap: Option<f64>,
    /// Theory at these times, in seconds.
    pub theory: Option<TheoryAt<'a>>,
    /// True if a tick without a value means that there was no process.
    pub gaps: bool,
    /// Moments to mark, in seconds, each with a word.
    pub marks: &'a [(f64, &'a str)],
}

/// Theory at given times, in seconds.
pub type TheoryAt<'a> = &'a dyn Fn(&[f64]) -> Vec<Option<f64>>;

/// A value of a tick; none where there was no process to measure.
pub type Value<'a> = &'a dyn Fn(&Point) -> Option<f64>;

/// Fills of the columns of a chart.
pub enum Fill<'a> {
    /// A level; and another one, marked in each column.
    Level(Value<'a>, Option<Value<'a>>),
    /// Requests a second: those answered well, on top those that were refused for what they asked, and
    /// on top of these those that failed.
    Outcomes,
    /// Slots in use, and those of them that are lost.
    Slots(Value<'a>, Value<'a>),
}

/// Draws a chart.
pub fn draw(frame: &mut Frame, area: Rect, chart: &Chart) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let [gutter, plot] =
        Layout::horizontal([Constraint::Length(GUTTER), Constraint::Min(0)]).areas(body);
    frame.render_widget(Paragraph::new(chart.title.clone()), head);
    label_axis(frame, gutter, &chart.labels);
    if plot.is_empty() {
        return;
    }
    let canvas = Plot { area: plot, chart };
    let buffer = frame.buffer_mut();
    canvas.marks(buffer);
    canvas.cap(buffer);
    match chart.fill {
        Fill::Level(value, None) => drop(canvas.level(buffer, [value])),
        Fill::Level(value, Some(second)) => {
            let columns = canvas.level(buffer, [value, second]);
            canvas.second(buffer, columns.iter().map(|column| column.highest[1]));
        }
        Fill::Slots(used, lost) => {
            let columns = canvas.measured([used, lost]);
            let of = |i: usize| columns.iter().map(move |column| column.highest[i]);
            canvas.columns(buffer, of(0), chart.colour, None);
            canvas.patterned(buffer, of(1), (Color::LightRed, BAD), Some(chart.colour));
            canvas.mark_columns(buffer, &columns, Column::is_gap, GAP);
        }
        Fill::Outcomes => canvas.outcomes(buffer),
    }
    canvas.theory(buffer);
    canvas.words(buffer);
}

struct Plot<'a> {
    area: Rect,
    chart: &'a Chart<'a>,
}

impl Plot<'_> {
    /// The row of a place on the axis; none above the top.
    fn row(&self, place: f64) -> Option<u16> {
        let from_bottom = (place * f64::from(self.area.height)) as u16;
        (0.0..=1.0)
            .contains(&place)
            .then(|| self.area.bottom() - 1 - from_bottom.min(self.area.height - 1))
    }

    fn measured<const N: usize>(&self, values: [Value; N]) -> Vec<Column<N>> {
        self.chart.series.columns(self.chart.window_s, usize::from(self.area.width), values)
    }

    /// Fills columns up to the first of these values, and marks where there is none; returns what was measured.
    fn level<const N: usize>(&self, buffer: &mut Buffer, values: [Value; N]) -> Vec<Column<N>> {
        let columns = self.measured(values);
        let first = columns.iter().map(|column| column.highest[0]);
        self.columns(buffer, first, self.chart.colour, None);
        self.mark_columns(buffer, &columns, Column::is_unknown, UNKNOWN);
        if self.chart.gaps {
            self.mark_columns(buffer, &columns, Column::is_gap, GAP);
        }
        columns
    }

    /// Fills columns with what became of requests. Where nothing went wrong, no line says that something did.
    fn outcomes(&self, buffer: &mut Buffer) {
        let rates = self.chart.series.rates(self.chart.window_s, usize::from(self.area.width));
        let of = |value: fn(&Rates) -> Option<f64>| {
            rates.iter().map(move |rates| rates.as_ref().and_then(value))
        };
        let bad = of(|rates| (rates.bad > 0.0).then(|| rates.all()));
        self.patterned(buffer, bad, (Color::LightRed, BAD), None);
        let rejected = of(|rates| (rates.rejected > 0.0).then_some(rates.ok + rates.rejected));
        let yellow = (Color::LightYellow, REJECTED);
        self.patterned(buffer, rejected, yellow, Some(Color::LightRed));
        let any_rejected = rates.iter().flatten().any(|rates| rates.rejected > 0.0);
        let behind = if any_rejected { Color::LightYellow } else { Color::LightRed };
        let ok = of(|rates| Some(rates.ok));
        self.columns(buffer, ok, self.chart.colour, Some(behind));
    }

    fn marks(&self, buffer: &mut Buffer) {
        let (from_s, to_s) = self.chart.window_s;
        for (at_s, _) in self.chart.marks.iter().filter(|(s, _)| (from_s..to_s).contains(s)) {
            let share = (at_s - from_s) / (to_s - from_s);
            let x = self.area.x + (share * f64::from(self.area.width)) as u16;
            for y in self.area.top()..self.area.bottom() {
                buffer[(x, y)].set_symbol("┊").set_style(theme::quiet());
            }
        }
    }

    /// The words of the marks, where nothing is drawn.
    fn words(&self, buffer: &mut Buffer) {
        let (from_s, to_s) = self.chart.window_s;
        let y = self.area.top();
        for (at_s, word) in self.chart.marks.iter().filter(|(s, _)| (from_s..to_s).contains(s)) {
            let share = (at_s - from_s) / (to_s - from_s);
            let x = self.area.x + (share * f64::from(self.area.width)) as u16 + 1;
            let end = x.saturating_add(word.chars().count() as u16);
            let free = |x: u16| buffer[(x, y)].symbol() == " ";
            if end <= self.area.right() && (x..end).all(free) {
                buffer.set_string(x, y, word, theme::quiet());
            }
        }
    }

    fn cap(&self, buffer: &mut Buffer) {
        let Some(y) = self.chart.cap.and_then(|cap| self.row(self.chart.axis.place(cap))) else {
            return;
        };
        for x in self.area.left()..self.area.right() {
            buffer[(x, y)].set_symbol("─").set_style(theme::bad());
        }
    }

    /// Fills columns with full cells.
    fn columns(
        &self,
        buffer: &mut Buffer,
        values: impl Iterator<Item = Option<f64>>,
        colour: Color,
        behind: Option<Color>,
    ) {
        self.patterned(buffer, values, (colour, EIGHTHS[8]), behind);
    }

    /// Fills columns; full cells have this pattern. The part of a cell that they leave has the colour `behind`, where
    /// what was there before reaches beyond it.
    fn patterned(
        &self,
        buffer: &mut Buffer,
        values: impl Iterator<Item = Option<f64>>,
        (colour, pattern): (Color, &str),
        behind: Option<Color>,
    ) {
        let style = Style::new().fg(theme::paint(colour));
        for (x, value) in (self.area.left()..).zip(values) {
            let Some(value) = value else { continue };
            if behind.is_some() && value <= 0.0 {
                continue;
            }
            let place = self.chart.axis.place(value).clamp(0.0, 1.0);
            // What was measured shows, however little it is.
            let eighths = (place * f64::from(self.area.height) * 8.0).round().max(1.0) as usize;
            for (i, y) in (self.area.top()..self.area.bottom()).rev().enumerate() {
                let filled = eighths.saturating_sub(i * 8).min(8);
                if filled == 0 {
                    break;
                }
                let cell = &mut buffer[(x, y)];
                let full = matches!(cell.symbol(), "█" | BAD | REJECTED);
                let style = match behind.filter(|_| full && filled < 8) {
                    Some(behind) => style.bg(theme::paint(behind)),
                    None => style,
                };
                let symbol = if filled == 8 { pattern } else { EIGHTHS[filled] };
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }

    /// Puts a sign below the columns of which something is so.
    fn mark_columns<const N: usize>(
        &self,
        buffer: &mut Buffer,
        columns: &[Column<N>],
        is: fn(&Column<N>) -> bool,
        (sign, style): Sign,
    ) {
        for (x, column) in (self.area.left()..).zip(columns) {
            if is(column) {
                buffer[(x, self.area.bottom() - 1)].set_symbol(sign).set_style(style());
            }
        }
    }

    fn second(&self, buffer: &mut Buffer, values: impl Iterator<Item = Option<f64>>) {
        for (x, value) in (self.area.left()..).zip(values) {
            let row = value.and_then(|value| self.row(self.chart.axis.place(value)));
            if let Some(y) = row {
                self.over(buffer, x, y, "─");
            }
        }
    }

    fn theory(&self, buffer: &mut Buffer) {
        let Some(theory) = self.chart.theory else {
            return;
        };
        let (from_s, to_s) = self.chart.window_s;
        let columns: Vec<u16> = (self.area.left()..self.area.right()).collect();
        let share = |x: &u16| (f64::from(x - self.area.x) + 0.5) / f64::from(self.area.width);
        let times: Vec<f64> = columns.iter().map(|x| from_s + share(x) * (to_s - from_s)).collect();
        for (x, value) in columns.into_iter().zip(theory(&times)) {
            let row = value.and_then(|value| self.row(self.chart.axis.place(value)));
            if let Some(y) = row {
                self.over(buffer, x, y, "╌");
            }
        }
    }

    /// Puts a sign into a cell: above a column or inside it, but not in place of its top.
    fn over(&self, buffer: &mut Buffer, x: u16, y: u16, sign: &str) {
        let cell = &mut buffer[(x, y)];
        let style = match cell.symbol() {
            "█" | BAD | REJECTED => {
                Style::new().fg(theme::paint(Color::Black)).bg(theme::paint(self.chart.colour))
            }
            top if EIGHTHS[1..8].contains(&top) => return,
            _ => Style::new().fg(theme::paint(Color::White)),
        };
        cell.set_symbol(sign).set_style(style);
    }
}

fn label_axis(frame: &mut Frame, area: Rect, [bottom, top]: &[String; 2]) {
    let label = |text: &str| {
        Paragraph::new(Line::styled(format!("{text} "), theme::quiet())).alignment(Alignment::Right)
    };
    if area.height == 0 {
        return;
    }
    frame.render_widget(label(top), Rect { height: 1, ..area });
    if area.height > 1 {
        frame.render_widget(label(bottom), Rect { y: area.bottom() - 1, height: 1, ..area });
    }
}

/// The time axis below the charts.
pub fn time_axis(frame: &mut Frame, area: Rect, (from_s, to_s): (f64, f64)) {
    let plot = Rect { x: area.x + GUTTER, width: area.width.saturating_sub(GUTTER), ..area };
    let label = |s: f64| Span::styled(firedrill_core::figures::clock(s), theme::quiet());
    frame.render_widget(Paragraph::new(Line::from(label(from_s))), plot);
    let middle = Paragraph::new(Line::from(label(f64::midpoint(from_s, to_s))));
    frame.render_widget(middle.alignment(Alignment::Center), plot);
    let end = Paragraph::new(Line::from(label(to_s))).alignment(Alignment::Right);
    frame.render_widget(end, plot);
}
