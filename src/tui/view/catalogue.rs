//! The list of incidents by what is seen of them, and what there is to do with the one under the cursor. It
//! tells symptoms; the answers are what a walk is for, and are shown when asked for.
//!
//! ```text
//! firedrill ▸ choose an outage
//!
//!  ▶ Requests hang          slow         new             Requests hang, tasks and memory climb …
//!    The canary was green   down         finished ✔      A release does well in one instance …
//!
//! ┌ Requests hang ─────────────────────────────────────────────────────────────┐
//! │ …                                                                          │
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::parts::wrapped;
use super::parts::{columns, cut};
use crate::tui::layout::{Layout as Places, Target};
use crate::tui::model::{CatalogueModel, Model};
use crate::tui::theme;
use crate::user_state::Exercised;
use firedrill_core::figures::number;
use firedrill_core::incident::Manifest;
use firedrill_core::session::progress::WalkProgress;

/// Rows above the first incident.
const HEAD: u16 = 3;

/// From this width on, the list and the story stand side by side.
const WIDE: u16 = 150;

/// From this height on, where they do, symptoms stand in the list.
const TALL: u16 = 40;

/// Columns of the list where they do.
const LIST: u16 = 74;

/// Rows of the story at least, where it stands below the list: the list scrolls.
const STORY: u16 = 6;

/// Minutes that a page of a walk takes, by those who took it.
const MINUTES_A_PAGE: f64 = 1.2;

/// Draws the list.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    model: &Model,
    list: &CatalogueModel,
    layout: &mut Places,
) {
    let matches = list.matches(model.catalogue);
    let rows = (matches.len().max(1)) as u16;
    let [head, body] = Layout::vertical([Constraint::Length(HEAD), Constraint::Min(0)]).areas(area);
    let [entries, more, story] = if area.width >= WIDE {
        let [entries, story] =
            Layout::horizontal([Constraint::Length(LIST), Constraint::Min(0)]).areas(body);
        [entries, Rect::default(), story]
    } else {
        let rows = rows.min(body.height.saturating_sub(STORY + 1)).max(1);
        Layout::vertical([Constraint::Length(rows), Constraint::Length(1), Constraint::Min(0)])
            .areas(body)
    };
    let mut title = vec![
        Span::styled(" firedrill", theme::accent()),
        Span::styled(" ▸ choose an incident", theme::strong()),
    ];
    if let Some(symptom) = list.symptom {
        title.push(Span::raw(format!(
            "   {}: {} of {}",
            symptom.word(),
            matches.len(),
            model.catalogue.entries.len()
        )));
    }
    if !list.search.is_empty() {
        title.push(Span::raw(format!("   matching “{}”", list.search)));
    }
    let says = match &model.note {
        Some(note) => Line::styled(cut(&format!(" {note}"), area.width.into()), theme::warn()),
        None => Line::styled(
            " Real servers, broken and fixed side by side, under the same load.",
            theme::quiet(),
        ),
    };
    frame.render_widget(Paragraph::new(Text::from(vec![Line::from(title), says])), head);

    let width = usize::from(entries.width);
    let row = |(i, entry): (usize, &&'static firedrill_core::catalogue::CatalogueEntry)| {
        let manifest = &entry.manifest;
        let remembered = &model.remembered;
        let walked = remembered.walks.get(&manifest.id);
        let exercised = remembered.exercises.get(&manifest.id);
        row(manifest, (walked, exercised), (list.answers, i == list.cursor), width)
    };
    let rows_each = rows_each(area, matches.len());
    let fit = usize::from(entries.height / rows_each).max(1);
    let first = (list.cursor + 1).saturating_sub(fit).min(matches.len().saturating_sub(fit));
    let mut lines: Vec<Line> = Vec::new();
    for (i, entry) in matches.iter().enumerate().skip(first).take(fit) {
        let place = Rect { y: entries.y + lines.len() as u16, height: rows_each, ..entries };
        layout.target(place, Target::Entry(i));
        lines.push(row((i, entry)));
        if rows_each > 1 {
            let text = wrapped(&format!("{}.", entry.manifest.summary), width.saturating_sub(4));
            let text = text.into_iter().chain(std::iter::repeat(String::new()));
            let said = text.take(usize::from(rows_each) - 1);
            lines.extend(said.map(|line| Line::styled(format!("   {line}"), theme::quiet())));
        }
    }
    let text =
        if lines.is_empty() { Text::raw("   no incident matches") } else { Text::from(lines) };
    frame.render_widget(Paragraph::new(text), entries);
    let below = matches.len().saturating_sub(first + fit);
    let says = [(first, '↑'), (below, '↓')].into_iter().filter(|(count, _)| *count > 0);
    let says: Vec<String> = says.map(|(count, arrow)| format!("{arrow} {count} more")).collect();
    let says = format!("   {}", says.join("   "));
    frame.render_widget(Paragraph::new(Line::styled(says, theme::warn())), more);
    if let Some(entry) = matches.get(list.cursor) {
        let walked = model.remembered.walks.get(&entry.manifest.id);
        let exercised = model.remembered.exercises.get(&entry.manifest.id);
        tell(frame, story, &entry.manifest, (walked, exercised), list.answers);
    }
}

/// Returns the title of an incident: its cause once it is known.
fn name<'a>(manifest: &'a Manifest, walked: Option<&WalkProgress>, answers: bool) -> &'a str {
    let knows = answers || walked.is_some_and(|walked| walked.finished);
    if knows { &manifest.title } else { manifest.seen_as() }
}

/// Describes the progress in its walk.
fn state(manifest: &Manifest, walked: Option<&WalkProgress>) -> String {
    let pages = manifest.pages();
    match walked {
        _ if pages == 0 => "no walk yet".to_owned(),
        None => "new".to_owned(),
        Some(WalkProgress { finished: true, answered: 0, .. }) => "finished ✔".to_owned(),
        Some(WalkProgress { finished: true, answered, right, .. }) => {
            format!("finished {right}/{answered}")
        }
        Some(walked) => format!("page {} of {pages}", walked.pages.min(pages)),
    }
}

fn row(
    manifest: &Manifest,
    (walked, exercised): (Option<&WalkProgress>, Option<&Exercised>),
    (answers, selected): (bool, bool),
    width: usize,
) -> Line<'static> {
    let mark = if selected { " ▶ " } else { "   " };
    let name = name(manifest, walked, answers);
    let (symptom, state) = (manifest.symptom.word(), state(manifest, walked));
    let fixed = match exercised.map(|exercised| exercised.fixed) {
        Some(Some(_)) => "fixed ✔",
        Some(None) => "started",
        None => "",
    };
    let start = format!("{mark}{name:<30} {symptom:<13} {state:<15} {fixed:<8}");
    let room = width.saturating_sub(columns(&start) + 1);
    let summary = if room > 20 { cut(&manifest.summary, room) } else { String::new() };
    let line = cut(&format!("{start} {summary}"), width);
    let line = format!("{line:<width$}");
    if selected { Line::styled(line, theme::cursor()) } else { Line::raw(line) }
}

fn tell(
    frame: &mut Frame,
    area: Rect,
    manifest: &Manifest,
    (walked, exercised): (Option<&WalkProgress>, Option<&Exercised>),
    answers: bool,
) {
    let block = Block::bordered()
        .title(format!(" {} ", name(manifest, walked, answers)))
        .border_style(theme::quiet());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let quiet = |text: String| Line::styled(text, theme::quiet());
    let mut lines =
        vec![Line::styled(format!(" {}.", manifest.summary), theme::strong()), Line::raw("")];
    let pages = manifest.pages();
    let finished = walked.is_some_and(|walked| walked.finished);
    let mut offer = |key: &str, what: &str, says: String| {
        let style = if lines.len() == 2 { theme::accent() } else { Style::new() };
        lines.push(Line::from(vec![
            Span::styled(format!(" {key:<6}"), theme::accent()),
            Span::styled(format!("{what:<10}"), style),
            Span::raw(says),
        ]));
    };
    if pages > 0 {
        let minutes = number((pages as f64 * MINUTES_A_PAGE).ceil());
        let says = format!("{pages} pages, about {minutes} minutes: predict, run, explain");
        offer(if finished { "W" } else { "enter" }, "walk", says);
    }
    let rate = manifest.load.rate_per_s;
    offer(
        if pages > 0 && !finished { "l" } else { "enter" },
        "lab",
        format!(
            "{} requests a second to each server; switch bugs, change the load, look inside",
            number(rate)
        ),
    );
    if manifest.exercise.is_some() {
        let says = match exercised.map(|exercised| exercised.fixed) {
            Some(Some(_)) => "you have fixed it ✔".to_owned(),
            Some(None) => "fix it yourself; you have started".to_owned(),
            None => "fix it yourself in your editor; checked on every save".to_owned(),
        };
        offer("e", "exercise", says);
    }
    let variants = manifest.variants.len();
    offer("a", "all lanes", format!("the lab with {} of its {variants} variants", variants.min(4)));
    if !answers {
        offer("C", "causes", "show the cause and the variants".to_owned());
    }
    if answers {
        lines.push(Line::raw(""));
        for variant in &manifest.variants {
            let style = match variant.name.as_str() {
                "fixed" => theme::good(),
                "broken" => theme::bad(),
                _ => theme::warn(),
            };
            let name = Span::styled(format!(" {:<10} ", variant.name), style);
            lines.push(Line::from(vec![name, Span::raw(variant.says.clone())]));
        }
        for phase in &manifest.phases {
            lines.push(quiet(format!(" {:>4} s  {}", number(phase.at_s), phase.says)));
        }
        lines.push(quiet(format!(" {}", manifest.source)));
    }
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), inner);
}

/// Rows of an incident: its symptom is below it if all incidents fit that way.
fn rows_each(area: Rect, incidents: usize) -> u16 {
    let fit = area.height.saturating_sub(HEAD) / (incidents.max(1) as u16);
    if area.width >= WIDE && area.height >= TALL { fit.clamp(1, 4) } else { 1 }
}
