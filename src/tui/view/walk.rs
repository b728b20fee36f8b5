//! The page of a walk: text, question and result; and the code where a line is asked for.

use firedrill_core::figures::count;
use firedrill_core::glossary;
use firedrill_core::session::walk::page::{AnswerForm, Asking, Outcome, Page, StepPage};
use firedrill_core::session::walk::{Answer, Listing, Stage, is_comment};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

use super::code::coloured;
use super::parts::{cut, wrapped};
use crate::tui::model::PageScreen;
use crate::tui::syntax;
use crate::tui::theme;

/// Columns that words take at most: longer lines are hard to read.
pub const WIDEST: u16 = 110;

/// Rows that lanes or code need above the words.
const LEAST_ABOVE: u16 = 10;

/// Rows that the words take, with their frame: as many as they need, and not fewer than before, so that what is
/// above does not jump with each key.
pub fn rows(page: &Page, screen: &PageScreen, area: Rect) -> u16 {
    let width = usize::from(area.width.saturating_sub(2).min(WIDEST));
    let lines = words(page, screen);
    let needed: usize = lines.iter().map(|line| wrapped(&line.to_string(), width).len()).sum();
    let least = if area.height < 30 { 9 } else { 13 };
    (needed as u16 + 2).max(least).min(area.height.saturating_sub(LEAST_ABOVE + 2))
}

/// Draws the words of the page.
pub fn draw(frame: &mut Frame, area: Rect, page: &Page, screen: &PageScreen) {
    let Some(step) = page.step() else { return };
    let title = format!(" {} of {} · {} ", page.number, page.of, page.title);
    let block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .border_style(theme::accent())
        .title(Span::styled(title, theme::strong()))
        .title(Line::styled(state(page, step), theme::quiet()).alignment(Alignment::Right));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let text = Paragraph::new(Text::from(words(page, screen))).wrap(Wrap { trim: false });
    let [_, inner, _] =
        Layout::horizontal([Constraint::Length(1), Constraint::Max(WIDEST), Constraint::Fill(1)])
            .areas(inner);
    frame.render_widget(text, inner);
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

/// The words of the page, line by line.
fn words(page: &Page, screen: &PageScreen) -> Vec<Line<'static>> {
    let Some(step) = page.step() else { return Vec::new() };
    let mut lines = Vec::new();
    if screen.presenter && !step.presenter.is_empty() {
        lines.push(Line::styled(format!("☞ {}", step.presenter), theme::warn()));
    }
    lines.extend(step.says.as_ref().map(|says| {
        let joint = if step.pace.is_empty() { "" } else { " " };
        marked(&format!("{says}{joint}{}", step.pace), Style::new())
    }));
    if let Some(question) = &step.question {
        lines.push(marked(&format!("? {}", question.prompt), theme::accent()));
        lines.extend(options(step.stage, question, screen));
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

/// The ways to answer, or the option that was chosen.
fn options(stage: Stage, question: &Asking, screen: &PageScreen) -> Vec<Line<'static>> {
    let told = stage == Stage::Told;
    match &question.form {
        AnswerForm::Choice(choices) => {
            let chosen = match question.answer {
                Some(Answer::Choice(choice)) => Some(choice),
                _ => told.then_some(screen.cursor),
            };
            let lines = choices.iter().enumerate().map(|(i, text)| {
                let is_chosen = chosen == Some(i);
                if stage == Stage::Shown {
                    let said = Span::raw(format!("  you: {text}"));
                    return is_chosen.then(|| Line::from(vec![said, mark(question.right)]));
                }
                let (mark, style) =
                    if is_chosen { ("▸", theme::strong()) } else { (" ", Style::new()) };
                Some(Line::styled(format!(" {mark} {}  {text}", i + 1), style))
            });
            lines.flatten().collect()
        }
        AnswerForm::Number(unit) if told => vec![Line::from(vec![
            Span::styled(format!("  > {}▏", screen.typed), theme::strong()),
            Span::raw(format!(" {unit}")),
        ])],
        AnswerForm::Line(_) if told => {
            vec![Line::raw("  ↑ ↓ move through the code above, enter points at a line")]
        }
        AnswerForm::Number(_) | AnswerForm::Line(_) => Vec::new(),
    }
}

/// The effect of the next key.
fn state(page: &Page, step: &StepPage) -> String {
    match (step.stage, &step.question) {
        (Stage::Told, _) if step.is_starting => " the servers start … ".to_owned(),
        (Stage::Told, Some(question)) => {
            let is_number = matches!(question.form, AnswerForm::Number(_));
            let choose = if is_number { "" } else { "↑↓, " };
            format!(" {choose}enter commits · h hint · s skip ")
        }
        (Stage::Told, None) if step.goes_on => " held · enter lets it go on ".to_owned(),
        (Stage::Runs, _) => " the run goes on … ".to_owned(),
        (Stage::Shown | Stage::Told, _) if page.number == page.of => " the end ".to_owned(),
        (Stage::Told | Stage::Shown, _) => " held · enter: next ".to_owned(),
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
    if !outcome.why.is_empty() {
        lines.push(marked(&outcome.why, Style::new()));
    }
    lines
}

/// Draws the code of a question, in place of the lanes.
pub fn code(frame: &mut Frame, area: Rect, listing: &Listing, cursor: usize) {
    let title = format!(" {} ", listing.file);
    let block = Block::bordered().title(Span::styled(title, theme::strong()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = listing.text.lines().enumerate();
    let shown: Vec<(usize, &str)> = lines.filter(|(i, _)| !listing.hidden[*i]).collect();
    let stretches = syntax::lines(&listing.text);
    let centre = listing.answer.unwrap_or(cursor);
    let centre = shown.iter().position(|(i, _)| *i == centre).unwrap_or_default();
    let height = usize::from(inner.height);
    let top = centre.saturating_sub(height / 2).min(shown.len().saturating_sub(height));
    let room = usize::from(inner.width).saturating_sub(13);
    let lines = shown.into_iter().skip(top).take(height).map(|(i, line)| {
        let style = match (listing.answer == Some(i), listing.is_open && cursor == i) {
            (true, _) => theme::bad(),
            (_, true) => theme::cursor(),
            _ if is_comment(line) => theme::quiet(),
            _ => Style::new(),
        };
        let count = match listing.waiting[i] {
            0 => " ".repeat(7),
            waiting => format!("{:>6}▶", count(waiting)),
        };
        let number = if listing.is_open { " ".repeat(5) } else { format!("{:>4} ", i + 1) };
        let mut spans =
            vec![Span::styled(count, theme::bad()), Span::styled(number, theme::quiet())];
        if style == Style::new() {
            spans.extend(coloured(line, &stretches[i], (0, room), style));
        } else {
            spans.push(Span::styled(format!("{:<room$}", cut(line, room)), style));
        }
        Line::from(spans)
    });
    frame.render_widget(Paragraph::new(Text::from(lines.collect::<Vec<Line>>())), inner);
}
