//! One chart of one lane: a level over time, on an axis that all lanes share.
//!
//! Filled columns in eighths of a row, because a thin line does not reach the last row of seats.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::axis::Axis;
use crate::tui::series::{Point, Series};
use crate::tui::theme;

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
    /// The value that fills the columns.
    pub value: fn(&Point) -> Option<f64>,
    /// The columns' colour.
    pub colour: Color,
    /// A second value, marked in each column.
    pub second: Option<fn(&Point) -> Option<f64>>,
    /// The stretch of time, in seconds.
    pub window_s: (f64, f64),
    /// Greatest value of the axis.
    pub axis: Axis,
    /// The axis' labels at its bottom and its top.
    pub labels: [String; 2],
    /// A level not to be reached.
    pub cap: Option<f64>,
    /// What theory says, as a function of the time in seconds.
    pub theory: Option<&'a dyn Fn(f64) -> Option<f64>>,
    /// Whether a tick without a value is one without a process.
    pub gaps: bool,
    /// Moments to mark, in seconds.
    pub marks_s: &'a [f64],
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
    canvas.columns(buffer);
    if chart.gaps {
        canvas.gaps(buffer);
    }
    canvas.second(buffer);
    canvas.theory(buffer);
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

    fn values(&self, value: fn(&Point) -> Option<f64>) -> Vec<Option<f64>> {
        self.chart.series.columns(self.chart.window_s, usize::from(self.area.width), value)
    }

    fn marks(&self, buffer: &mut Buffer) {
        let (from_s, to_s) = self.chart.window_s;
        for at_s in self.chart.marks_s.iter().filter(|s| (from_s..to_s).contains(*s)) {
            let share = (at_s - from_s) / (to_s - from_s);
            let x = self.area.x + (share * f64::from(self.area.width)) as u16;
            for y in self.area.top()..self.area.bottom() {
                buffer[(x, y)].set_symbol("┊").set_style(theme::quiet());
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

    fn columns(&self, buffer: &mut Buffer) {
        let style = Style::new().fg(theme::paint(self.chart.colour));
        for (x, value) in (self.area.left()..).zip(self.values(self.chart.value)) {
            let Some(value) = value else { continue };
            let place = self.chart.axis.place(value).clamp(0.0, 1.0);
            // What was measured shows, however little it is.
            let eighths = (place * f64::from(self.area.height) * 8.0).round().max(1.0) as usize;
            for (i, y) in (self.area.top()..self.area.bottom()).rev().enumerate() {
                let filled = eighths.saturating_sub(i * 8).min(8);
                if filled == 0 {
                    break;
                }
                buffer[(x, y)].set_symbol(EIGHTHS[filled]).set_style(style);
            }
        }
    }

    /// Marks where nothing could be measured, because no process was there.
    fn gaps(&self, buffer: &mut Buffer) {
        let width = usize::from(self.area.width);
        let gaps = self.chart.series.gaps(self.chart.window_s, width, self.chart.value);
        for (x, gap) in (self.area.left()..).zip(gaps) {
            if gap {
                buffer[(x, self.area.bottom() - 1)].set_symbol("✖").set_style(theme::bad());
            }
        }
    }

    fn second(&self, buffer: &mut Buffer) {
        let Some(second) = self.chart.second else {
            return;
        };
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
        for x in (self.area.left()..self.area.right()).step_by(2) {
            let share = (f64::from(x - self.area.x) + 0.5) / f64::from(self.area.width);
            let value = theory(from_s + share * (to_s - from_s));
            let row = value.and_then(|value| self.row(self.chart.axis.place(value)));
            if let Some(y) = row {
                self.over(buffer, x, y, "•");
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
    let label = |s: f64| Span::styled(crate::figures::clock(s), theme::quiet());
    frame.render_widget(Paragraph::new(Line::from(label(from_s))), plot);
    let middle = Paragraph::new(Line::from(label(f64::midpoint(from_s, to_s))));
    frame.render_widget(middle.alignment(Alignment::Center), plot);
    let end = Paragraph::new(Line::from(label(to_s))).alignment(Alignment::Right);
    frame.render_widget(end, plot);
}
