//! The code that the selected lane runs, with the tasks that wait at each line beside it.

use firedrill_core::incident::marks::{Mark, marks};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::{boxed, cut, letter};
use crate::tui::lane::LaneModel;
use crate::tui::model::Lab;
use crate::tui::theme;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::prose::figures::count;

/// A source file on screen.
struct Listing {
    file: String,
    text: &'static str,
}

/// Draws the code, so many lines from where the line stands in the middle at which most tasks wait,
/// or which is marked; of the variant's `own` file, or of that in which the tasks wait.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    catalogue: &'static Catalogue,
    lab: &Lab,
    (shift, own): (isize, bool),
) {
    let lane = lab.lane();
    let Some(source) = source(catalogue, lab, lane, own) else {
        return;
    };
    let title = format!(
        "lane {} {}: {}, tasks that wait ▶ line, cause and fix marked",
        letter(lab.selected),
        lane.variant,
        source.file
    );
    let inner = boxed(frame, area, (area.width - 2, area.height - 1), &title);
    let waiting = |line: usize| {
        let sites = lane.server.iter().flat_map(|server| &server.wait_sites);
        let here = sites.filter(|site| site.file == source.file && site.line as usize == line);
        here.map(|site| site.waiting).sum::<u64>()
    };
    let room = usize::from(inner.width).saturating_sub(12);
    let lines: Vec<String> = source.text.lines().map(|line| cut(line, room)).collect();
    let height = usize::from(inner.height);
    let marked = marks(source.text);
    let mark = |line: usize| marked.iter().find(|marked| marked.line == line).map(|m| m.mark);
    let culprit = (1..=lines.len()).max_by_key(|line| waiting(*line)).filter(|l| waiting(*l) > 0);
    let shown = culprit.or(marked.first().map(|marked| marked.line)).unwrap_or(1);
    let centred = shown.saturating_sub(height / 2 + 1);
    let last = lines.len().saturating_sub(height);
    let top = centred.min(last).saturating_add_signed(shift).min(last);
    let shown = lines.iter().enumerate().skip(top).take(height);
    let shown = shown.map(|(i, line)| {
        let number = format!("{:>4} ", i + 1);
        let text = line.clone();
        let is_comment = line.trim_start().starts_with("//");
        let (left, style) = match (waiting(i + 1), mark(i + 1)) {
            (0, Some(mark @ Mark::Cause)) => (format!("{:>6}▶", mark.word()), theme::bad()),
            (0, Some(mark @ Mark::Fix)) => (format!("{:>6}▶", mark.word()), theme::good()),
            (0, None) if is_comment => (" ".repeat(7), theme::quiet()),
            (0, None) => (" ".repeat(7), Style::new()),
            (tasks, _) => (format!("{:>6}▶", count(tasks)), theme::bad()),
        };
        let number =
            Span::styled(number, if style == Style::new() { theme::quiet() } else { style });
        Line::from(vec![Span::styled(left, style), number, Span::styled(text, style)])
    });
    frame.render_widget(Paragraph::new(Text::from(shown.collect::<Vec<Line>>())), inner);
}

/// The file in which most tasks of the lane wait; where none do, that of its variant.
fn source(
    catalogue: &'static Catalogue,
    lab: &Lab,
    lane: &LaneModel,
    own_file: bool,
) -> Option<Listing> {
    let on = lane.bugs.get(&lab.spec.entry.manifest.id);
    let own = lab.spec.entry.file(on.map_or("fixed", String::as_str));
    let known = |file: String| catalogue.source(&file).map(|text| Listing { file, text });
    let culprit = lane.culprit().filter(|_| !own_file);
    culprit.and_then(|site| known(site.file.clone())).or_else(|| known(own))
}
