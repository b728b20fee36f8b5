//! The code of the selected lane: the broken variant beside the fixed one, what differs, what is marked, and the
//! tasks that wait at each line.
//!
//! ```text
//!  A broken  incidents/pool_leak/broken.rs        │ B fixed  incidents/pool_leak/fixed.rs
//!   25        let mut connection = pool.get() …   │   34        let connection = got.map_err( …
//!   27 −cause let reply = connection.command( …   │   36 +fix   let mut connection = guard( …
//! ```

use firedrill_core::figures::count;
use firedrill_core::incident::marks::Mark;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph};

use super::axes::axes;
use super::charts;
use super::parts::cut;
use super::scene::Scene;
use crate::tui::code::{Row, Sheet, Side, sheets};
use crate::tui::layout::{Layout as Places, Scroll};
use crate::tui::model::CodeView;
use crate::tui::syntax;
use crate::tui::theme;
use firedrill_core::prose::letter;
use firedrill_core::session::series::Point;

/// From this width on, both forms stand side by side.
const WIDE: u16 = 116;

/// Columns of the number and the mark of a line.
const GUTTER: usize = 13;

/// Columns of the bar of those that wait.
const BAR: usize = 16;

/// Lines that wrapped code and counts may take beyond a line a row.
const SPARE: usize = 8;

/// Rows of the charts below.
const STRIP: u16 = 7;

/// Draws the code.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Scene, view: &CodeView, layout: &mut Places) {
    frame.render_widget(Clear, area);
    let sheets = sheets(lab);
    let [title, body, strip] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(strip_rows(area.height)),
    ])
    .areas(area);
    let Some(sheet) = sheets.get(view.sheet.min(sheets.len().saturating_sub(1))) else {
        frame.render_widget(Paragraph::new(" this program was built without its source"), title);
        return;
    };
    let rows = sheet.rows(view.unfolded);
    let height = usize::from(body.height.saturating_sub(1));
    let top = top(lab, view, sheet, &rows, height);
    layout.scroll = Some(Scroll { at: top, furthest: last(&rows, height) });
    draw_title(frame, title, view, (sheets.len(), rows.len().saturating_sub(top + height)));
    let shown = &rows[top..];
    let panes = |width: u16, sides: &[(&Side, bool)]| -> Vec<Vec<Line<'static>>> {
        let scroll = (view.right, usize::from(width));
        let cells: Vec<Vec<Vec<Line>>> =
            sides.iter().map(|side| cells(lab, *side, shown, scroll)).collect();
        let alone = sides.len() == 1;
        let heads = sides.iter().map(|(side, _)| vec![head(side, usize::from(width))]);
        let mut panes: Vec<Vec<Line>> = heads.collect();
        for row in 0..shown.len() {
            // What takes more rows on one side leaves room on the other.
            let most = cells.iter().map(|cells| cells[row].len()).max().unwrap_or(0);
            let (l, r) = match shown[row] {
                Row::Lines(l, r, _) => (l.is_some(), r.is_some()),
                Row::Folded(_) => (true, true),
            };
            // One form alone has no gaps for what the other has.
            if alone && !(if sides[0].1 { r } else { l }) {
                continue;
            }
            for (pane, cells) in panes.iter_mut().zip(&cells) {
                pane.extend(cells[row].iter().cloned());
                pane.extend(vec![Line::raw(""); most - cells[row].len()]);
            }
        }
        panes
    };
    let put = |frame: &mut Frame, area: Rect, lines: Vec<Line<'static>>| {
        frame.render_widget(Paragraph::new(Text::from(lines)), area);
    };
    match &sheet.right {
        Some(right) if body.width >= WIDE => {
            let [a, gap, b] = Layout::horizontal([
                Constraint::Fill(1),
                Constraint::Length(1),
                Constraint::Fill(1),
            ])
            .areas(body);
            let bars = vec![Line::styled("│", theme::quiet()); usize::from(gap.height)];
            frame.render_widget(Paragraph::new(Text::from(bars)), gap);
            let sides = panes(a.width.min(b.width), &[(&sheet.left, false), (right, true)]);
            for (lines, area) in sides.into_iter().zip([a, b]) {
                put(frame, area, lines);
            }
        }
        right => {
            let side = match right {
                Some(right) if view.fixed => (right, true),
                _ => (&sheet.left, false),
            };
            put(frame, body, panes(body.width, &[side]).remove(0));
        }
    }
    draw_strip(frame, strip, lab);
}

/// Draws both variants of the lane's first file, one below the other, each around its marked line.
pub fn stacked(frame: &mut Frame, area: Rect, lab: &Scene) {
    let sheets = sheets(lab);
    let Some(sheet) = sheets.first() else { return };
    let rows = sheet.rows(false);
    let left = std::iter::once((&sheet.left, false));
    let sides: Vec<(&Side, bool)> = left.chain(sheet.right.iter().map(|r| (r, true))).collect();
    let areas = Layout::vertical(vec![Constraint::Fill(1); sides.len()]).split(area);
    for ((side, is_right), area) in sides.into_iter().zip(areas.iter()) {
        let line = |row: &Row| match row {
            Row::Lines(left, right, _) => {
                if is_right {
                    *right
                } else {
                    *left
                }
            }
            Row::Folded(_) => None,
        };
        let own: Vec<Row> = rows
            .iter()
            .filter(|row| matches!(row, Row::Folded(_)) || line(row).is_some())
            .copied()
            .collect();
        let width = usize::from(area.width);
        let cells = cells(lab, (side, is_right), &own, (0, width));
        let marked = own.iter().position(|row| line(row).is_some_and(|at| side.mark(at).is_some()));
        let before = cells.iter().take(marked.unwrap_or(0)).map(Vec::len).sum::<usize>();
        let all = cells.iter().map(Vec::len).sum::<usize>();
        let height = usize::from(area.height.saturating_sub(1));
        let top = before.saturating_sub(height / 2).min(all.saturating_sub(height));
        let mut head = head(side, width);
        let below = all.saturating_sub(top + height);
        if below > 0 {
            head.push_span(Span::styled(format!(" ↓ {below} more lines"), theme::quiet()));
        }
        let mut lines = vec![head];
        lines.extend(cells.into_iter().flatten().skip(top));
        frame.render_widget(Paragraph::new(Text::from(lines)), *area);
    }
}

/// The row at the top.
fn top(lab: &Scene, view: &CodeView, sheet: &Sheet, rows: &[Row], height: usize) -> usize {
    let centred = || sheet.focus(lab, rows, view.at_wait).saturating_sub(height / 2);
    view.top.unwrap_or_else(centred).min(last(rows, height))
}

/// Rows of the charts below the code, in an area of this height.
fn strip_rows(height: u16) -> u16 {
    if height < 20 { 0 } else { STRIP.min(height / 4) }
}

/// The furthest row at the top. What matters takes several lines: the end stays within reach.
fn last(rows: &[Row], height: usize) -> usize {
    rows.len().saturating_sub(height.saturating_sub(SPARE))
}

fn draw_title(frame: &mut Frame, area: Rect, view: &CodeView, (all, below): (usize, usize)) {
    let mut spans = vec![Span::styled(
        format!(" code · file {} of {all}", view.sheet.min(all - 1) + 1),
        theme::accent(),
    )];
    if below > 0 {
        spans.push(Span::styled(format!(" · ↓ {below} more lines"), theme::quiet()));
    }
    let legend = "− only here · + only in the fixed variant · ◀ suspended tasks";
    let (says, style) = match &view.note {
        Some(note) => (note.as_str(), theme::warn()),
        None => (legend, theme::quiet()),
    };
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(area.width).saturating_sub(used);
    spans.push(Span::styled(cut(&format!("   {says}"), room), style));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The first line of a side: whose it is, and which file.
fn head(side: &Side, width: usize) -> Line<'static> {
    let whose = side.lane.map_or(String::new(), |lane| format!("{} ", letter(lane)));
    let form = side.file.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    Line::from(vec![
        Span::styled(format!(" {whose}{form} "), theme::strong()),
        Span::styled(cut(&side.file, width.saturating_sub(14)), theme::quiet()),
    ])
}

/// The rows of one side; each may take several lines.
fn cells(
    lab: &Scene,
    (side, is_right): (&Side, bool),
    rows: &[Row],
    (right, width): (usize, usize),
) -> Vec<Vec<Line<'static>>> {
    let stretches = syntax::lines(side.text);
    let texts: Vec<&str> = side.text.split('\n').collect();
    let most = scale(lab);
    let room = width.saturating_sub(GUTTER);
    let cell = |row: &Row| {
        let (line, same) = match row {
            Row::Folded(folded) => {
                let says = format!("{:GUTTER$}⋯ {folded} lines folded (u)", "");
                return vec![Line::styled(cut(&says, width), theme::quiet())];
            }
            Row::Lines(left, right, same) => (if is_right { right } else { left }, *same),
        };
        let Some(line) = *line else { return vec![Line::raw("")] };
        let waiting = side.waiting(lab, line);
        let (word, style) = match (side.mark(line), waiting) {
            (Some(mark @ Mark::Cause), _) => (mark.word(), theme::bad()),
            (Some(mark @ Mark::Fix), _) => (mark.word(), theme::good()),
            (None, 1..) => ("waits", theme::warn()),
            (None, 0) => ("", theme::quiet()),
        };
        let sign = match (same, is_right) {
            (true, _) => Span::raw(" "),
            (false, false) => Span::styled("−", theme::bad()),
            (false, true) => Span::styled("+", theme::good()),
        };
        let number = Span::styled(format!("{:>4} ", line + 1), theme::quiet());
        let (text, stretches) = (texts[line], &stretches[line]);
        // What matters, and what is said of it, is shown to its end.
        let is_comment = text.trim_start().starts_with("// ");
        if word.is_empty() && (!is_comment || right > 0) {
            let mut spans = vec![number, sign, Span::raw(" ".repeat(GUTTER - 6))];
            spans.extend(coloured(text, stretches, (right, room), Style::new()));
            return vec![Line::from(spans)];
        }
        let style_of_text = if is_comment { Style::new() } else { theme::strong() };
        let arrow = if word.is_empty() { ' ' } else { '▶' };
        let mut lines = Vec::new();
        for (i, (from, to)) in breaks(text, room).into_iter().enumerate() {
            let mut spans = match i {
                0 => vec![
                    number.clone(),
                    sign.clone(),
                    Span::styled(format!("{word:<5}{arrow}"), style),
                ],
                _ => vec![Span::raw(" ".repeat(GUTTER - 1))],
            };
            spans.push(Span::raw(" "));
            spans.extend(columns(text, stretches, (from, to - from), style_of_text));
            lines.push(Line::from(spans));
        }
        if waiting > 0 {
            let filled = (waiting as f64 / most * BAR as f64).ceil() as usize;
            let bar = "█".repeat(filled.min(BAR));
            let says = format!("{:GUTTER$}◀ {} wait here {bar}", "", count(waiting));
            lines.push(Line::styled(cut(&says, width), theme::warn()));
        }
        lines
    };
    rows.iter().map(cell).collect()
}

/// Breaks a text into rows of at most `room` columns, at a gap or before a dot if possible.
pub fn breaks(text: &str, room: usize) -> Vec<(usize, usize)> {
    let letters: Vec<char> = text.chars().collect();
    let mut rows = Vec::new();
    let mut from = 0;
    while letters.len() - from > room.max(1) {
        let full = from + room.max(1);
        let least = from + room / 2;
        let good = (least..full).rev().find(|at| matches!(letters[*at], ' ' | '.'));
        let to = good.unwrap_or(full);
        rows.push((from, to));
        from = to;
    }
    rows.push((from, letters.len()));
    rows
}

/// Columns of a line from `right` on, `room` of them at most, in the colours of its words; with a sign where it
/// goes on.
fn coloured(
    text: &str,
    stretches: &syntax::Stretches,
    (right, room): (usize, usize),
    style: Style,
) -> Vec<Span<'static>> {
    let long = text.chars().count() > right + room;
    let shown = room.saturating_sub(usize::from(long));
    let mut spans = columns(text, stretches, (right, shown), style);
    if long {
        spans.push(Span::styled("…", theme::quiet()));
    }
    spans
}

/// Cuts columns out of a line, with its syntax colours.
pub fn columns(
    text: &str,
    stretches: &syntax::Stretches,
    (mut skip, mut left): (usize, usize),
    style: Style,
) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (range, class) in stretches {
        let word = &text[range.clone()];
        let shown: String = word.chars().skip(skip).take(left).collect();
        skip = skip.saturating_sub(word.chars().count());
        left -= shown.chars().count();
        spans.push(Span::styled(shown, theme::word(*class).patch(style)));
    }
    spans
}

/// Returns the value of a full bar: the most tasks of any lane in the time span of the charts.
fn scale(lab: &Scene) -> f64 {
    let (from_s, _) = lab.window_s();
    let tasks = |point: &Point| point.tasks;
    let most = lab.view.run.lanes.iter().map(|lane| lane.series.highest(from_s, tasks));
    most.fold(10.0, f64::max)
}

/// Draws a chart of each lane.
fn draw_strip(frame: &mut Frame, area: Rect, lab: &Scene) {
    if area.is_empty() {
        return;
    }
    let lanes = lab.view.run.lanes.len();
    let axes = axes(lab);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); lanes]).split(area);
    for (index, area) in areas.iter().enumerate() {
        charts::strip(frame, *area, lab, index, &axes);
    }
}
