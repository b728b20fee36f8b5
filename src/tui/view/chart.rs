//! One chart of one lane: a level over time, on an axis that all lanes share.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use ratatui::widgets::canvas::{Canvas, Context, Line as Stroke, Points};

use crate::tui::series::{Point, Series};
use crate::tui::theme;

/// Columns left of the plot, for the axis.
pub const GUTTER: u16 = 7;

/// What to draw.
pub struct Chart<'a> {
    /// What it shows.
    pub title: Line<'a>,
    /// The lane's history.
    pub series: &'a Series,
    /// The lines, the last one on top.
    pub lines: &'a [Level],
    /// The stretch of time, in seconds.
    pub window_s: (f64, f64),
    /// Least and greatest value, as `scale` gives them.
    pub bounds: [f64; 2],
    /// The axis' labels at its bottom and its top.
    pub labels: [String; 2],
    /// From a measured value to its place on the axis.
    pub scale: fn(f64) -> f64,
    /// A level not to be reached.
    pub cap: Option<f64>,
    /// What theory says, as time and value.
    pub theory: Vec<(f64, f64)>,
    /// Moments to mark, in seconds.
    pub marks_s: &'a [f64],
}

/// One line of a chart.
pub struct Level {
    /// Its value.
    pub value: fn(&Point) -> Option<f64>,
    /// Its colour.
    pub colour: Color,
    /// Whether it is drawn in every other dot only.
    pub thin: bool,
}

/// Draws a chart.
pub fn draw(frame: &mut Frame, area: Rect, chart: &Chart) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let [gutter, plot] =
        Layout::horizontal([Constraint::Length(GUTTER), Constraint::Min(0)]).areas(body);
    frame.render_widget(Paragraph::new(chart.title.clone()), head);
    axis(frame, gutter, &chart.labels);
    let columns = usize::from(plot.width) * 2;
    let lines: Vec<(Vec<Option<f64>>, &Level)> = chart
        .lines
        .iter()
        .map(|line| (chart.series.columns(chart.window_s, columns, line.value), line))
        .collect();
    let (from_s, to_s) = chart.window_s;
    let canvas = Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, columns as f64])
        .y_bounds(chart.bounds)
        .paint(|context| {
            let column = |at_s: f64| (at_s - from_s) / (to_s - from_s) * columns as f64;
            let [bottom, top] = chart.bounds;
            for at_s in chart.marks_s.iter().filter(|s| (from_s..=to_s).contains(*s)) {
                let dots: Vec<(f64, f64)> = (0..40)
                    .map(|i| (column(*at_s), bottom + (top - bottom) * f64::from(i) / 40.0))
                    .collect();
                context.draw(&Points { coords: &dots, color: theme::paint(Color::Gray) });
            }
            if let Some(cap) = chart.cap {
                let y = (chart.scale)(cap);
                let end = columns as f64;
                context.draw(&Stroke::new(0.0, y, end, y, theme::paint(Color::LightRed)));
            }
            let theory: Vec<(f64, f64)> = chart
                .theory
                .iter()
                .map(|(at_s, value)| (column(*at_s), (chart.scale)(*value)))
                .filter(|(_, y)| *y <= top)
                .collect();
            context.layer();
            context.draw(&Points { coords: &theory, color: theme::paint(Color::White) });
            for (values, line) in &lines {
                context.layer();
                trace(context, values, line, chart.scale);
            }
        });
    frame.render_widget(canvas, plot);
}

fn axis(frame: &mut Frame, area: Rect, [bottom, top]: &[String; 2]) {
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

/// Joins neighbours; a gap in time stays a gap.
fn trace(context: &mut Context, values: &[Option<f64>], line: &Level, scale: fn(f64) -> f64) {
    let colour = theme::paint(line.colour);
    let mut before: Option<(usize, f64)> = None;
    for (i, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let y = scale(*value);
        if line.thin {
            if i % 3 == 0 {
                context.draw(&Points { coords: &[(i as f64 + 0.5, y)], color: colour });
            }
            continue;
        }
        // A window longer than the history leaves columns between two points empty.
        let near = before.filter(|(there, _)| i - there <= 3);
        let (x0, y0) = near.map_or((i as f64, y), |(there, y)| (there as f64, y));
        context.draw(&Stroke::new(x0 + 0.5, y0, i as f64 + 0.5, y, colour));
        before = Some((i, y));
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
