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
use firedrill_core::session::series::{Point, Series};

/// Columns left of the plot, for the axis.
pub const GUTTER: u16 = 7;

/// A column's top, in eighths of a row.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// What to draw.
pub struct Chart<'a> {
    /// What it shows.
    pub title: Line<'a>,
    /// The lane's history.
    pub series: &'a Series,
    /// What fills the columns.
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
    /// What theory says at these times, in seconds.
    pub theory: Option<Told<'a>>,
    /// Whether a tick without a value is one without a process.
    pub gaps: bool,
    /// Moments to mark, in seconds, each with a word.
    pub marks: &'a [(f64, &'a str)],
}

/// What theory says at given times, in seconds.
pub type Told<'a> = &'a dyn Fn(&[f64]) -> Vec<Option<f64>>;

/// A value of a tick; none where there was no process to measure.
pub type Value<'a> = &'a dyn Fn(&Point) -> Option<f64>;

/// What fills the columns of a chart.
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
        Fill::Level(value, second) => {
            canvas.columns(buffer, &canvas.values(value), chart.colour, None);
            canvas.unknown(buffer, value);
            if chart.gaps {
                canvas.gaps(buffer);
            }
            if let Some(second) = second {
                canvas.second(buffer, second);
            }
        }
        Fill::Slots(used, lost) => {
            canvas.columns(buffer, &canvas.values(used), chart.colour, None);
            let lost = canvas.values(lost);
            canvas.columns(buffer, &lost, Color::LightRed, Some(chart.colour));
            canvas.gaps(buffer);
        }
        Fill::Outcomes => {
            let rates = |of: &dyn Fn(&Point) -> f64| {
                chart.series.rates(chart.window_s, usize::from(plot.width), of)
            };
            let bad = rates(&|point| f64::from(point.bad));
            let rejected = rates(&|point| f64::from(point.rejected));
            let good = rates(&|point| f64::from(point.ok));
            let sum = |a: &[Option<f64>], b: &[Option<f64>]| -> Vec<Option<f64>> {
                a.iter().zip(b).map(|(a, b)| Some((*a)? + (*b)?)).collect()
            };
            // Where nothing went wrong, no line shall say that something did.
            let only = |all: Vec<Option<f64>>, part: &[Option<f64>]| -> Vec<Option<f64>> {
                all.into_iter()
                    .zip(part)
                    .map(|(all, part)| all.filter(|_| *part > Some(0.0)))
                    .collect()
            };
            let served = sum(&good, &rejected);
            canvas.columns(buffer, &only(sum(&served, &bad), &bad), Color::LightRed, None);
            canvas.columns(
                buffer,
                &only(served, &rejected),
                Color::LightYellow,
                Some(Color::LightRed),
            );
            let behind = if rejected.iter().any(|rate| *rate > Some(0.0)) {
                Color::LightYellow
            } else {
                Color::LightRed
            };
            canvas.columns(buffer, &good, chart.colour, Some(behind));
        }
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

    fn values(&self, value: Value) -> Vec<Option<f64>> {
        self.chart.series.columns(self.chart.window_s, usize::from(self.area.width), value)
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

    /// Fills columns; the part of a cell that they leave has the colour `behind`, where what was
    /// there before reaches beyond it.
    fn columns(
        &self,
        buffer: &mut Buffer,
        values: &[Option<f64>],
        colour: Color,
        behind: Option<Color>,
    ) {
        let style = Style::new().fg(theme::paint(colour));
        for (x, value) in (self.area.left()..).zip(values) {
            let Some(value) = *value else { continue };
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
                let full = cell.symbol() == "█";
                let style = match behind.filter(|_| full && filled < 8) {
                    Some(behind) => style.bg(theme::paint(behind)),
                    None => style,
                };
                cell.set_symbol(EIGHTHS[filled]).set_style(style);
            }
        }
    }

    /// Marks where a process was there and nothing could be measured yet, which is not zero.
    fn unknown(&self, buffer: &mut Buffer, value: Value) {
        let width = usize::from(self.area.width);
        let unknown = self.chart.series.unknown(self.chart.window_s, width, value);
        for (x, unknown) in (self.area.left()..).zip(unknown) {
            if unknown {
                buffer[(x, self.area.bottom() - 1)].set_symbol("?").set_style(theme::warn());
            }
        }
    }

    /// Marks where no process was there to be measured.
    fn gaps(&self, buffer: &mut Buffer) {
        let width = usize::from(self.area.width);
        let gaps = self.chart.series.gaps(self.chart.window_s, width, |point| point.tasks);
        for (x, gap) in (self.area.left()..).zip(gaps) {
            if gap {
                buffer[(x, self.area.bottom() - 1)].set_symbol("✖").set_style(theme::bad());
            }
        }
    }

    fn second(&self, buffer: &mut Buffer, second: Value) {
        for (x, value) in (self.area.left()..).zip(self.values(second)) {
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
            "█" => {
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
