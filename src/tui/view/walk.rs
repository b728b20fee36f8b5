//! The page of a walk: text, question and result; and the code where a line is asked for.

use std::borrow::Cow;
use std::ops::Range;

use firedrill_core::figures::count;
use firedrill_core::glossary;
use firedrill_core::session::walk::page::{AnswerForm, Asking, Outcome, Page, StepPage};
use firedrill_core::session::walk::{Answer, Listing, Stage, is_comment, numbers};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::code::{breaks, columns as part_of};
use super::parts::{columns, cut, wrapped};
use crate::tui::layout::{self, Scroll};
use crate::tui::model::PageScreen;
use crate::tui::syntax;
use crate::tui::theme;

/// Columns of the text at most: longer lines are hard to read.
pub const WIDEST: u16 = 110;

/// From this width on, the text is beside the lanes or the code.
const WIDE: u16 = 150;

/// Columns of a text beside the lanes.
const BESIDE: u16 = 68;

/// Columns before the text of an option.
const OPTION: usize = 6;

/// Rows that lanes or code need above the text.
const LEAST_ABOVE: u16 = 10;

/// Splits the area below the header: lanes or code, and the text of the page.
pub fn regions(area: Rect, page: &Page, screen: &PageScreen) -> [Rect; 2] {
    if area.width >= WIDE {
        return Layout::horizontal([Constraint::Fill(1), Constraint::Length(BESIDE)]).areas(area);
    }
    let rows = rows(page, screen, area);
    Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(area)
}

/// Rows of the text, with its frame: as many as it needs, and a fixed least number, so that the lanes above keep
/// their place from key to key.
fn rows(page: &Page, screen: &PageScreen, area: Rect) -> u16 {
    let width = usize::from(area.width.saturating_sub(2).min(WIDEST));
    let needed = wrapped_lines(text_lines(page, screen, false), width).len();
    let least = if area.height < 30 { 9 } else { 13 };
    (needed as u16 + 2).max(least).min(area.height.saturating_sub(LEAST_ABOVE))
}

/// Draws the text of the page. A text that does not fit scrolls.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    page: &Page,
    screen: &PageScreen,
    held: Option<&str>,
    layout: &mut layout::Layout,
) {
    let Some(step) = page.step() else { return };
    let next = held.map_or_else(|| state(page, step), str::to_owned);
    let title = format!(" {} of {} · {} ", page.number, page.of, page.title);
    let mut block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .border_style(theme::accent())
        .title(Span::styled(title, theme::strong()))
        .title_bottom(Line::styled(next, theme::quiet()).alignment(Alignment::Right));
    let inner = block.inner(area);
    let [_, inner, _] =
        Layout::horizontal([Constraint::Length(1), Constraint::Max(WIDEST), Constraint::Min(1)])
            .areas(inner);
    let has_room = area.width == BESIDE;
    let lines = wrapped_lines(text_lines(page, screen, has_room), usize::from(inner.width));
    let furthest = lines.len().saturating_sub(usize::from(inner.height));
    // The answer in the making, and a hint, are at the end of the text.
    let answers = step.stage == Stage::Prompt
        && (screen.cursor.is_some_and(|_| page.listing().is_none())
            || !screen.typed.is_empty()
            || step.question.as_ref().is_some_and(|question| question.hint.is_some()));
    let at = screen.down.unwrap_or(if answers { furthest } else { 0 }).min(furthest);
    layout.scroll = Some(Scroll { at, furthest }).filter(|_| furthest > 0);
    if furthest > 0 {
        let says = match furthest - at {
            0 => " ↑ pgup ".to_owned(),
            1 => " ↓ 1 more line: pgdn ".to_owned(),
            more => format!(" ↓ {more} more lines: pgdn "),
        };
        block = block.title(Line::styled(says, theme::warn()).right_aligned());
    }
    frame.render_widget(block, area);
    let shown: Vec<Line> = lines.into_iter().skip(at).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), inner);
}

/// Shown in place of a note for the presenter.
const NO_NOTE: &str = "no note for the presenter on this page";

/// Wraps styled lines. Continuation lines keep the indentation of the first.
fn wrapped_lines(lines: Vec<Line<'static>>, width: usize) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    for line in lines {
        let text = line.to_string();
        let body = text.trim_start();
        let indent = " ".repeat(text.len() - body.len());
        let mut from = indent.len();
        // The text of an option begins behind its number.
        let is_option = text.starts_with(' ')
            && text.chars().skip(3).zip("0  ".chars()).all(|(c, like)| match like {
                '0' => c.is_ascii_digit(),
                _ => c == ' ',
            });
        let hang = if is_option { OPTION } else { from };
        let (mut indent, hanging) = (indent, " ".repeat(hang));
        for piece in wrapped(body, width.saturating_sub(hang)) {
            let start = text[from..].find(&piece).map_or(from, |found| from + found);
            from = start + piece.len();
            let mut spans = vec![Span::raw(indent.clone())];
            spans.extend(cut_spans(&line, start..from));
            all.push(Line::from(spans).style(line.style));
            indent.clone_from(&hanging);
        }
    }
    all
}

/// The part of a line's spans within a range of bytes of its text.
fn cut_spans(line: &Line<'static>, range: Range<usize>) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut begins = 0;
    for span in &line.spans {
        let ends = begins + span.content.len();
        let (from, to) = (range.start.max(begins), range.end.min(ends));
        if from < to {
            let text = span.content[from - begins..to - begins].to_owned();
            spans.push(Span::styled(text, span.style));
        }
        begins = ends;
    }
    spans
}

/// A text in which the words of the glossary are marked.
fn marked(text: &str, style: Style) -> Line<'static> {
    let mut spans = Vec::new();
    let mut from = 0;
    for (range, _) in glossary::marked(text) {
        spans.push(Span::styled(text[from..range.start].to_owned(), style));
        spans.push(Span::styled(text[range.clone()].to_owned(), style.patch(theme::term())));
        from = range.end;
    }
    spans.push(Span::styled(text[from..].to_owned(), style));
    Line::from(spans)
}

/// The text of the page, line by line.
fn text_lines(page: &Page, screen: &PageScreen, has_room: bool) -> Vec<Line<'static>> {
    let Some(step) = page.step() else { return Vec::new() };
    let mut lines = Vec::new();
    if screen.presenter {
        let note = if step.presenter.is_empty() { NO_NOTE } else { &step.presenter };
        lines.push(Line::styled(format!("☞ {note}"), theme::warn()));
    }
    // Where there is room, the introduction stays beside its answer.
    if has_room || step.result.is_none() || step.question.is_none() {
        let joint = if step.pace.is_empty() { "" } else { " " };
        lines.push(marked(&format!("{}{joint}{}", step.says, step.pace), Style::new()));
        if has_room {
            lines.push(Line::raw(""));
        }
    }
    if let Some(question) = &step.question {
        lines.push(marked(&format!("? {}", question.prompt), theme::accent()));
        lines.extend(options(step, question, screen));
        if let Some((at, all, hint)) = &question.hint {
            lines.push(Line::styled(format!("  hint {at} of {all}: {hint}"), theme::warn()));
        }
    }
    lines.extend(step.result.iter().flat_map(|result| outcome(result, step.question.as_ref())));
    for note in screen.note.iter().chain(&page.note) {
        lines.push(Line::styled(format!("  {note}"), theme::warn()));
    }
    lines
}

/// The ways to answer; once answered, the options with their marks, and the reply under the chosen one.
fn options(step: &StepPage, question: &Asking, screen: &PageScreen) -> Vec<Line<'static>> {
    let told = step.stage == Stage::Prompt;
    match &question.form {
        AnswerForm::Choice(choices) => {
            let chosen = match question.answer {
                Some(Answer::Choice(choice)) => Some(choice),
                _ => screen.cursor.filter(|_| told),
            };
            let mut lines = Vec::new();
            for (i, text) in choices.iter().enumerate() {
                let is_chosen = chosen == Some(i);
                let right = step.result.as_ref().map(|result| result.right_option == Some(i));
                let sign = if is_chosen { "▸" } else { " " };
                let style = match right {
                    _ if is_chosen => theme::strong(),
                    Some(false) => theme::quiet(),
                    _ => Style::new(),
                };
                let mut spans = vec![Span::styled(format!(" {sign} {}  {text}", i + 1), style)];
                if right == Some(true) || right.is_some() && is_chosen {
                    spans.push(mark(right));
                }
                lines.push(Line::from(spans));
                let replied = match (&step.result, question.answer) {
                    (Some(result), Some(_)) if is_chosen => Some(&result.says),
                    (Some(result), None) if right == Some(true) => Some(&result.says),
                    _ => None,
                };
                lines.extend(replied.map(|says| marked(&format!("      {says}"), Style::new())));
            }
            lines
        }
        AnswerForm::Number { unit, tolerance } if told => vec![Line::from(vec![
            Span::styled(format!("  > {}▏", screen.typed), theme::strong()),
            Span::raw(format!(" {unit}")),
            Span::styled(format!("   {tolerance}"), theme::quiet()),
        ])],
        AnswerForm::Line(_) if told => {
            vec![Line::raw("  ↑ ↓ select a line of the code, enter commits")]
        }
        AnswerForm::Number { .. } | AnswerForm::Line(_) => Vec::new(),
    }
}

/// The effect of the next key.
fn state(page: &Page, step: &StepPage) -> String {
    match (step.stage, &step.question) {
        (Stage::Prompt, _) if step.is_starting => " the servers are starting … ".to_owned(),
        (Stage::Prompt, Some(question)) => {
            let is_number = matches!(question.form, AnswerForm::Number { .. });
            let choose = if is_number { "" } else { "↑↓, " };
            format!(" {choose}enter commits · h hint · s skip ")
        }
        (Stage::Prompt, None) if step.goes_on => " paused · enter continues the run ".to_owned(),
        (Stage::Running, _) => " the run continues … ".to_owned(),
        (Stage::Revealed | Stage::Prompt, _) if page.number == page.of => " the end ".to_owned(),
        (Stage::Prompt | Stage::Revealed, _) => " paused · enter: next ".to_owned(),
    }
}

/// The mark of a right or a wrong answer.
fn mark(right: Option<bool>) -> Span<'static> {
    match right {
        Some(true) => Span::styled("  ✔", theme::good()),
        Some(false) => Span::styled("  ✖", theme::bad()),
        None => Span::raw(""),
    }
}

fn outcome(outcome: &Outcome, question: Option<&Asking>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut spans = Vec::new();
    for (name, value) in &outcome.figures {
        spans.push(Span::styled(format!("  {name} "), theme::quiet()));
        spans.push(Span::styled(value.clone(), theme::strong()));
    }
    if !spans.is_empty() {
        // A choice is marked beside its text.
        let is_choice = |asking: &&Asking| matches!(asking.answer, Some(Answer::Choice(_)));
        spans.extend(question.filter(|asking| !is_choice(asking)).map(|asking| mark(asking.right)));
        lines.push(Line::from(spans));
    }
    let is_line = question.is_some_and(|asking| matches!(asking.form, AnswerForm::Line(_)));
    if is_line && !outcome.says.is_empty() {
        lines.push(marked(&outcome.says, Style::new()));
    }
    if !outcome.why.is_empty() {
        lines.push(marked(&outcome.why, Style::new()));
    }
    lines
}

/// Draws the code of a question, in place of the lanes.
pub fn code(frame: &mut Frame, area: Rect, listing: &Listing, cursor: Option<usize>) {
    let title = format!(" {} ", listing.title);
    let mut block = Block::bordered().title(Span::styled(title, theme::strong()));
    let inner = block.inner(area);
    // Until the answer is shown there are no counts, and the lines are numbered as they are shown.
    let gutter = if listing.is_open { 4 } else { 12 };
    let numbers = numbers(&listing.hidden);
    let room = usize::from(inner.width).saturating_sub(gutter + 1);
    let lines = listing.text.lines().enumerate().filter(|(i, _)| !listing.hidden[*i]);
    let shown: Vec<CodeRow> = lines.flat_map(|line| rows_of(line, room)).collect();
    let stretches = syntax::lines(&listing.text);
    let centre = listing.answer.or(cursor).unwrap_or_default();
    let centre = shown.iter().position(|row| row.at == centre).unwrap_or_default();
    let height = usize::from(inner.height);
    let top = centre.saturating_sub(height / 2).min(shown.len().saturating_sub(height));
    let below = shown.len().saturating_sub(top + height);
    for (more, arrow) in [(top, '↑'), (below, '↓')] {
        if more > 0 {
            let plural = if more == 1 { "" } else { "s" };
            let says = format!(" {arrow} {more} more line{plural} ");
            let says = Line::styled(says, theme::warn()).right_aligned();
            block = if arrow == '↑' { block.title(says) } else { block.title_bottom(says) };
        }
    }
    frame.render_widget(block, area);
    let lines = shown.into_iter().skip(top).take(height).map(|row| {
        let CodeRow { at: i, is_first, indent, part: (from, to), text: line } = row;
        let style = match (listing.answer == Some(i), listing.is_open && cursor == Some(i)) {
            (true, _) => theme::bad(),
            (_, true) => theme::cursor(),
            _ if is_comment(&line) => theme::quiet(),
            _ => Style::new(),
        };
        let (count, number) = match listing.waiting[i] {
            _ if listing.is_open && is_first => (String::new(), format!("{:>3} ", numbers[i])),
            _ if !is_first => (String::new(), " ".repeat(gutter)),
            0 => (" ".repeat(7), format!("{:>4} ", i + 1)),
            waiting => (format!("{:>6}▶", count(waiting)), format!("{:>4} ", i + 1)),
        };
        let mut spans =
            vec![Span::styled(count, theme::bad()), Span::styled(number, theme::quiet())];
        if style == Style::new() {
            let whole = listing.text.lines().nth(i).unwrap_or_default();
            spans.push(Span::raw(" ".repeat(indent)));
            spans.extend(part_of(whole, &stretches[i], (from, to - from), style));
        } else {
            spans.push(Span::styled(format!("{:<room$}", cut(&line, room)), style));
        }
        Line::from(spans)
    });
    frame.render_widget(Paragraph::new(Text::from(lines.collect::<Vec<Line>>())), inner);
}

/// A row of the code that is drawn.
struct CodeRow<'a> {
    /// The line that it belongs to, from 0.
    at: usize,
    is_first: bool,
    /// Columns before the part.
    indent: usize,
    /// The part of the line's characters that it shows.
    part: (usize, usize),
    text: Cow<'a, str>,
}

/// The rows of a line: one, but what is longer than the room wraps.
fn rows_of((at, line): (usize, &str), room: usize) -> Vec<CodeRow<'_>> {
    if columns(line) <= room {
        let part = (0, line.chars().count());
        return vec![CodeRow { at, is_first: true, indent: 0, part, text: Cow::Borrowed(line) }];
    }
    let body = line.trim_start();
    let indent = &line[..line.len() - body.len()];
    if is_comment(line) {
        let text = body.trim_start_matches('/').trim_start();
        let rows = wrapped(text, room.saturating_sub(indent.len() + 3)).into_iter().enumerate();
        let row = |(row, text)| {
            let text = Cow::Owned(format!("{indent}// {text}"));
            CodeRow { at, is_first: row == 0, indent: 0, part: (0, 0), text }
        };
        return rows.map(row).collect();
    }
    let hanging = indent.len() + 4;
    let parts = breaks(line, room.saturating_sub(hanging)).into_iter();
    let row = |(from, to): (usize, usize)| {
        let text: String = line.chars().skip(from).take(to - from).collect();
        let indent = if from == 0 { 0 } else { hanging };
        let text = Cow::Owned(" ".repeat(indent) + &text);
        CodeRow { at, is_first: from == 0, indent, part: (from, to), text }
    };
    parts.map(row).collect()
}
