//! The walk's part of the screen: what is told, asked and shown; and the code where a line is asked for.

use firedrill_core::glossary;
use firedrill_core::incident::show::Figure;
use firedrill_core::incident::walk::{Debrief, Kind, Step, Tongue};
use firedrill_core::prose::figures::count;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Paragraph, Wrap};

use super::code::coloured;
use super::cut;
use super::lane::wrapped;
use crate::tui::code::scaffolding;
use crate::tui::model::Lab;
use crate::tui::syntax;
use crate::tui::theme;
use crate::tui::walk::{
    Done, Said, Stage, Walk, asked, debrief, is_comment, knows, listing, question, starts, step,
    values,
};

/// Columns that words take at most: longer lines are hard to read.
const WIDEST: u16 = 110;

/// Rows that lanes or code need above the words.
const LEAST_ABOVE: u16 = 10;

/// Rows that the words take, with their frame: as many as they need, and not fewer than before, so that what is
/// above does not jump with each key.
pub fn rows(lab: &Lab, walk: &Walk, area: Rect) -> u16 {
    let width = usize::from(area.width.saturating_sub(2).min(WIDEST));
    let lines = words(lab, walk);
    let needed: usize = lines.iter().map(|line| wrapped(&line.to_string(), width).len()).sum();
    let least = if area.height < 30 { 9 } else { 13 };
    (needed as u16 + 2).max(least).min(area.height.saturating_sub(LEAST_ABOVE + 2))
}

/// Whether a chart stands back: the step is about others.
pub fn stands_back(lab: &Lab, title: &str) -> bool {
    let Some(walk) = &lab.walk else { return false };
    step(lab, walk).is_some_and(|step| {
        !step.watch.is_empty() && !step.watch.iter().any(|watched| watched == title)
    })
}

/// Whether the screen may tell slopes and theory: not before the learner has said a number.
pub fn may_tell(lab: &Lab) -> bool {
    let told = |done: &Done| done.figures.iter().any(|(name, _)| name == "measured");
    lab.walk.as_ref().is_none_or(|walk| {
        let shown = walk.done.iter().take(walk.at + usize::from(walk.stage == Stage::Shown));
        shown.flatten().any(told)
    })
}

/// Whether a walk's screen shows a figure of the headline already: it is in no chart that it does not show.
pub fn may_show(lab: &Lab, figure: &Figure) -> bool {
    let Some(walk) = &lab.walk else { return true };
    let charts = &lab.spec.entry.manifest.charts;
    let mut its_own = charts.iter().filter(|chart| chart.levels().contains(&&figure.metric));
    its_own.all(|chart| knows(lab, walk, chart))
}

/// Draws what is told and asked.
pub fn draw(frame: &mut Frame, area: Rect, lab: &Lab, walk: &Walk) {
    let Some(step) = step(lab, walk) else { return };
    let all = walk.done.len();
    let title = format!(" {} of {all} · {} ", walk.at + 1, step.title);
    let block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .border_style(theme::accent())
        .title(Span::styled(title, theme::strong()))
        .title(Line::styled(state(lab, walk, step), theme::quiet()).alignment(Alignment::Right));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = words(lab, walk);
    let text = Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false });
    let [_, inner, _] =
        Layout::horizontal([Constraint::Length(1), Constraint::Max(WIDEST), Constraint::Fill(1)])
            .areas(inner);
    frame.render_widget(text, inner);
}

/// The texts of a page, as they stand on the screen.
pub fn page(lab: &Lab, walk: &Walk) -> Vec<String> {
    if let Some(debrief) = debrief(lab, walk) {
        let values = values(lab, walk, None);
        let parts = debrief.parts().into_iter();
        return parts.map(|(_, text)| text.fill(&values).unwrap_or_default()).collect();
    }
    let Some(step) = step(lab, walk) else { return Vec::new() };
    let done = walk.done[walk.at].as_ref();
    let asked = done.map_or_else(|| asked(lab, walk, step), |done| done.asked.clone());
    let mut texts = Vec::new();
    let shown = done.filter(|_| walk.stage == Stage::Shown);
    if shown.is_none() || asked.prompt.is_empty() {
        texts.push(asked.says);
    }
    texts.push(asked.prompt);
    texts.extend(shown.map(|done| done.why.clone()));
    texts
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

/// What is told and asked, line by line.
fn words(lab: &Lab, walk: &Walk) -> Vec<Line<'static>> {
    let Some(step) = step(lab, walk) else { return Vec::new() };
    let mut lines = Vec::new();
    if walk.presents && !step.says_to_presenter.is_empty() {
        lines.push(Line::styled(format!("☞ {}", step.says_to_presenter), theme::warn()));
    }
    let given = walk.done[walk.at].as_ref();
    let asked = given.map_or_else(|| asked(lab, walk, step), |done| done.asked.clone());
    let done = given.filter(|_| walk.stage == Stage::Shown);
    if done.is_none() || asked.prompt.is_empty() {
        lines.push(marked(&asked.says, Style::new()));
    }
    if let Some(question) = question(lab, step) {
        lines.push(marked(&format!("? {}", asked.prompt), theme::accent()));
        let right = given.and_then(|done| done.right);
        let chosen = match given.map(|done| done.said) {
            Some(Said::Choice(said)) => Some(said),
            _ if walk.stage == Stage::Told => Some(walk.cursor),
            _ => None,
        };
        for (i, text) in asked.choices.iter().enumerate() {
            let is_chosen = chosen == Some(i);
            if walk.stage == Stage::Shown && !is_chosen {
                continue;
            }
            if walk.stage == Stage::Shown {
                let said = Span::raw(format!("  you: {text}"));
                lines.push(Line::from(vec![said, mark(right)]));
                continue;
            }
            let (mark, style) =
                if is_chosen { ("▸", theme::strong()) } else { (" ", Style::new()) };
            lines.push(Line::styled(format!(" {mark} {}  {text}", i + 1), style));
        }
        match (&question.kind, walk.stage) {
            (Kind::Number { unit, .. }, Stage::Told) => lines.push(Line::from(vec![
                Span::styled(format!("  > {}▏", walk.typed), theme::strong()),
                Span::raw(format!(" {unit}")),
            ])),
            (Kind::Line { .. }, Stage::Told) => {
                let says = "  ↑ ↓ move through the code above, enter points at a line";
                lines.push(Line::raw(says));
            }
            _ => {}
        }
        if walk.stage == Stage::Told {
            let values = values(lab, walk, Some(step));
            // The newest says what the ones before said, and more.
            if let Some(hint) = walk.hints.checked_sub(1).and_then(|at| question.hints.get(at)) {
                let (at, all) = (walk.hints, question.hints.len());
                let hint = hint.fill(&values).unwrap_or_default();
                lines.push(Line::styled(format!("  hint {at} of {all}: {hint}"), theme::warn()));
            }
        }
    }
    if let Some(done) = done {
        lines.extend(told(done));
    }
    if let Some(note) = &walk.note {
        lines.push(Line::styled(format!("  {note}"), theme::warn()));
    }
    lines
}

/// What the next key does.
fn state(lab: &Lab, walk: &Walk, step: &Step) -> String {
    let deploys = walk.at == 1 || step.until.is_some();
    match walk.stage {
        Stage::Told if starts(lab, walk) => " the servers start … ".to_owned(),
        Stage::Told if step.asks.is_some() => {
            let kind = question(lab, step).map(|question| &question.kind);
            let choose = if matches!(kind, Some(Kind::Number { .. })) { "" } else { "↑↓, " };
            format!(" {choose}enter commits · h hint · s skip ")
        }
        Stage::Told if deploys => " held · enter lets it go on ".to_owned(),
        Stage::Runs => " the run goes on … ".to_owned(),
        Stage::Shown | Stage::Told if walk.at + 1 == walk.done.len() => " the end ".to_owned(),
        Stage::Told | Stage::Shown => " held · enter: next ".to_owned(),
    }
}

/// Whether an answer was right.
fn mark(right: Option<bool>) -> Span<'static> {
    match right {
        Some(true) => Span::styled("  ✔", theme::good()),
        Some(false) => Span::styled("  ✖", theme::bad()),
        None => Span::raw(""),
    }
}

fn told(done: &Done) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut spans = Vec::new();
    for (name, value) in &done.figures {
        spans.push(Span::styled(format!("  {name} "), theme::quiet()));
        spans.push(Span::styled(value.clone(), theme::strong()));
    }
    // A choice is marked where it stands.
    if !spans.is_empty() && !matches!(done.said, Said::Choice(_)) {
        spans.push(mark(done.right));
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    if !done.why.is_empty() {
        lines.push(marked(&done.why, Style::new()));
    }
    lines
}

/// Columns that the words for the parts of the last page take.
const PART: usize = 16;

/// From this width on, Go and Rust stand side by side.
const WIDE: u16 = 110;

/// Draws the last page: what to take home.
pub fn take_home(frame: &mut Frame, area: Rect, lab: &Lab, walk: &Walk, debrief: &Debrief) {
    let title = format!(" {} of {} · What to take home ", walk.at + 1, walk.done.len());
    let mut block =
        Block::bordered().border_style(theme::accent()).title(Span::styled(title, theme::strong()));
    let inner = block.inner(area);
    let lines = home(lab, walk, debrief, inner.width);
    let more = lines.len().saturating_sub(usize::from(inner.height));
    let down = walk.down.min(more);
    if more > 0 {
        let says = if down < more {
            format!(" ↓ {} more lines ", more - down)
        } else {
            " ↑ back up ".to_owned()
        };
        block = block.title_bottom(Line::styled(says, theme::warn()).right_aligned());
    }
    if let Some(note) = &walk.note {
        block = block.title_bottom(Line::styled(format!(" {note} "), theme::warn()));
    }
    frame.render_widget(block, area);
    let shown: Vec<Line> = lines.into_iter().skip(down).collect();
    frame.render_widget(Paragraph::new(Text::from(shown)), inner);
}

/// Lines that the last page can be scrolled down in an area.
pub fn furthest(lab: &Lab, walk: &Walk, debrief: &Debrief, (width, height): (u16, u16)) -> usize {
    // The header takes two rows, the key bar one, the frame two.
    let lines = home(lab, walk, debrief, width.saturating_sub(2)).len();
    lines.saturating_sub(usize::from(height.saturating_sub(5)))
}

fn home(lab: &Lab, walk: &Walk, debrief: &Debrief, width: u16) -> Vec<Line<'static>> {
    let values = values(lab, walk, None);
    let columns = usize::from(width.saturating_sub(1).min(WIDEST + PART as u16));
    let mut lines = Vec::new();
    let mut before = "";
    for (part, text) in debrief.parts() {
        let text = text.fill(&values).unwrap_or_else(|error| format!("(not known: {error})"));
        // Of several in a row, the first bears the word.
        let mut word = if part == before { "" } else { part };
        before = part;
        for line in wrapped(&text, columns.saturating_sub(PART + 1)) {
            let label = Span::styled(format!(" {word:<PART$}"), theme::accent());
            lines.push(Line::from(vec![label, Span::raw(line)]));
            word = "";
        }
    }
    lines.push(Line::raw(""));
    let tongue = |name: &str, tongue: &Tongue, width: usize| {
        let mut lines = vec![(name.to_owned(), theme::accent())];
        for line in tongue.code.trim_end().lines() {
            lines.push((format!("  {}", cut(line, width.saturating_sub(2))), theme::strong()));
        }
        let says = tongue.says.fill(&values).unwrap_or_else(|error| error.to_string());
        lines.extend(wrapped(&says, width).into_iter().map(|line| (line, Style::new())));
        lines
    };
    if width < WIDE {
        for (name, part) in [("in Go", &debrief.go), ("in Rust", &debrief.rust)] {
            let part = tongue(name, part, columns.saturating_sub(1));
            lines.extend(part.into_iter().map(|(t, style)| Line::styled(format!(" {t}"), style)));
        }
    } else {
        let half = columns / 2 - 2;
        let (go, rust) =
            (tongue("in Go", &debrief.go, half), tongue("in Rust", &debrief.rust, half));
        for i in 0..go.len().max(rust.len()) {
            let cell = |side: &[(String, Style)]| {
                let (text, style) = side.get(i).cloned().unwrap_or_default();
                Span::styled(format!(" {text:<half$}  "), style)
            };
            lines.push(Line::from(vec![cell(&go), cell(&rust)]));
        }
    }
    lines
}

/// Draws the code that a question is about, in place of the lanes; tells whether there is one.
pub fn code(frame: &mut Frame, area: Rect, lab: &Lab, walk: &Walk) -> bool {
    let Some((file, text)) = step(lab, walk).and_then(|step| listing(lab, step)) else {
        return false;
    };
    let done = walk.done[walk.at].as_ref().filter(|_| walk.stage == Stage::Shown);
    let answer = done.and_then(|done| done.line);
    let block = Block::bordered().title(Span::styled(format!(" {file} "), theme::strong()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let asks = done.is_none();
    let folded = scaffolding(text);
    // Comments, and gaps in the numbers where they stand, would tell the answer.
    let is_shown = |(i, line): &(usize, &str)| !(folded[*i] || asks && is_comment(line));
    let shown: Vec<(usize, &str)> = text.lines().enumerate().filter(is_shown).collect();
    let stretches = syntax::lines(text);
    let centre = answer.unwrap_or(walk.cursor);
    let centre = shown.iter().position(|(i, _)| *i == centre).unwrap_or_default();
    let height = usize::from(inner.height);
    let top = centre.saturating_sub(height / 2).min(shown.len().saturating_sub(height));
    let waiting = |line: usize| {
        // The count would be the answer.
        let lanes = lab.shown().lanes.iter().filter(|_| !asks);
        let sites = lanes.flat_map(|lane| &lane.server).flat_map(|server| &server.wait_sites);
        let here = sites.filter(|site| site.file == file && site.line as usize == line + 1);
        here.map(|site| site.waiting).sum::<u64>()
    };
    let room = usize::from(inner.width).saturating_sub(13);
    let lines = shown.into_iter().skip(top).take(height).map(|(i, line)| {
        let style = match (answer == Some(i), asks && walk.cursor == i) {
            (true, _) => theme::bad(),
            (_, true) => theme::cursor(),
            _ if is_comment(line) => theme::quiet(),
            _ => Style::new(),
        };
        let count = match waiting(i) {
            0 => " ".repeat(7),
            waiting => format!("{:>6}▶", count(waiting)),
        };
        let number = if asks { " ".repeat(5) } else { format!("{:>4} ", i + 1) };
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
    true
}
