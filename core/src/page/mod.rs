//! `firedrill report`: a recording as one self-contained page: no script, no network.
//!
//! * [`chart`]: one chart of one lane; [`axis`]: from a value to its place on it
//! * [`figure`]: a figure that a sentence of the book asks for; [`live`]: what a page of the book does by itself
//! * [`walk`]: a guided walk in a page; [`shift`]: an on-call shift in a page; [`lab`]: the lab in a page; `drawn`: what
//!   such a page shows; [`words`]: a text with the terms that the glossary explains
//! * `lanes`: what the lanes showed, chart by chart; `tile`: a lane in a few figures
//! * `data`: what there is to tell of a run; `events`: what happened, and how to have it happen again

pub mod axis;
pub mod chart;
mod data;
mod drawn;
mod events;
pub mod figure;
pub mod lab;
mod lanes;
pub mod live;
pub mod shift;
pub mod stability;
mod tile;
pub mod walk;
pub mod words;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::catalogue::Catalogue;
use crate::event::Clock;
use crate::figures::{count, number};
use crate::incident::Manifest;
use crate::incident::marks::marks;
use crate::incident::walk::Debrief;
use crate::plan::Case;
use crate::prose::capital;
use crate::record::{Header, UnreadableLines};
use crate::report::{LaneReport, Report, SINCE_RESTART, WaitSiteReport};
use crate::verdict::{Check, Undecided, Verdict};
pub use data::PageData;
pub use drawn::Drawn;
use lanes::Shown;

/// Lines of source shown before and after a wait site.
const AROUND: usize = 6;

/// The page of a recorded run: its header, what there is to tell of it, and what could not be read.
pub fn render(case: &Case, header: &Header, told: &PageData, faults: &UnreadableLines) -> String {
    let PageData { timeline, events } = told;
    let (manifest, catalogue) = (&case.entry.manifest, &case.catalogue);
    let report = Report::new(case, header.clock, timeline);
    let names = lane_names(&header.variants);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="firedrill";
                title { (manifest.title) " · firedrill" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (story(manifest, header, &report))
                (warnings(faults, &report))
                // Where the run ended too soon to be judged, what it shows comes first.
                @let short = report.verdict.undecided == Some(Undecided::TooShort);
                @if !short { (verdict(&report.verdict)) }
                @if let Some(stability) = &report.stability { (stability::section(stability)) }
                (Shown::whole(manifest, told, &names).charts())
                @if short { (verdict(&report.verdict)) }
                (why(case))
                (marked(case, &header.variants))
                (sites(catalogue, &report))
                (figures(&report))
                (events::list(events, &header.variants))
                (events::reproduce(manifest, header, timeline, (events, faults)))
            }
        }
    };
    page.into_string()
}

/// Returns true if a file is empty or a report.
///
/// # Errors
///
/// When it cannot be read.
pub fn replaceable(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(1024).read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    Ok(start.is_empty() || start.contains("name=\"generator\" content=\"firedrill\""))
}

fn story(manifest: &Manifest, header: &Header, report: &Report) -> Markup {
    let machine = match (&header.machine, header.clock) {
        (Some(machine), _) => format!("{}, {} processors", machine.system, machine.cpus),
        (None, Clock::Virtual) => "the same on every machine, with the same build".to_owned(),
        (None, Clock::Live) => "on a machine that is not named".to_owned(),
    };
    let clock_says = match header.clock {
        Clock::Live => "live: real processes and sockets",
        Clock::Virtual => "virtual clock: simulated time, memory is the heap",
    };
    html! {
        h1 { (manifest.title) }
        p { (manifest.summary) "." }
        p.meta {
            (clock_says) " · " (machine) " · " (number(header.rate_per_s)) " requests a second to each lane · "
            (number(report.duration_s)) " seconds · seed " (header.seed)
        }
        h2 { "What ran" }
        p.note { (manifest.source) }
        ul {
            @for (letter, variant) in ('A'..).zip(&header.variants) {
                li {
                    strong { "Lane " (letter) ", " (variant) }
                    @if let Some(text) = manifest.variant(variant) { ": " (text.says) }
                }
            }
        }
        ol {
            @for phase in &manifest.phases { li { "from " (number(phase.at_s)) " s: " (phase.says) } }
        }
    }
}

fn warnings(faults: &UnreadableLines, report: &Report) -> Markup {
    html! {
        @if faults.all > 0 {
            div.warning role="note" {
                p { "Not all of the recording could be read. What is missing:" }
                ul { @for line in faults.lines() { li { (line) } } }
            }
        }
        @if report.dropped_events > 0 {
            p.warning role="note" { (count(report.dropped_events)) " events were lost while it ran." }
        }
        @if !report.trusted {
            p.warning role="note" {
                "The driver started requests late: that machine was too busy, and the figures are not to be trusted."
            }
        }
    }
}

fn verdict(verdict: &Verdict) -> Markup {
    let says = verdict.says();
    html! {
        h2 { "Verdict" }
        p.verdict { (says) }
        div.scroll { table {
            thead { tr {
                th { "" } th { "lane" } th { "metric" } th { "observed" } th { "expected" } th { "when" }
            } }
            tbody { @for check in &verdict.checks { (check_row(check)) } }
        } }
    }
}

fn check_row(check: &Check) -> Markup {
    let (class, mark) = match (check.undecided, check.holds) {
        (Some(_), _) => ("note", "undecided"),
        (None, true) => ("held", "✔ held"),
        (None, false) => ("failed", "✖ failed"),
    };
    html! {
        tr {
            td class=(class) { (mark) }
            td { (check.variant) }
            td { (check.metric) }
            td { (check.outcome()) }
            td { (check.expected) }
            td { @if let Some([from_s, to_s]) = check.window_s { (number(from_s)) "–" (number(to_s)) " s" } }
        }
    }
}

/// Returns the names of the lanes on a page.
fn lane_names(variants: &[String]) -> Vec<String> {
    ('A'..).zip(variants).map(|(letter, name)| format!("lane {letter}, {name}")).collect()
}

/// The charts of these titles, of every lane.
pub fn charts_of(case: &Case, told: &PageData, titles: &[String]) -> Markup {
    let manifest = &case.entry.manifest;
    let names = lane_names(&case.plan.variants);
    let wanted = manifest.charts.iter().filter(|chart| titles.contains(&chart.title()));
    html! {
        @for chart in wanted { (Shown::whole(manifest, told, &names).chart(chart)) }
    }
}

/// The figures of all lanes, as a table.
pub fn outcomes_of(case: &Case, told: &PageData) -> Markup {
    table(&Report::new(case, Clock::Virtual, &told.timeline))
}

/// Why it broke, why the fix works, and what it costs, where the manifest tells.
fn why(case: &Case) -> Markup {
    let values = case.values();
    let parts = case.entry.manifest.debrief.iter().flat_map(Debrief::parts);
    // What needs figures of a walk's own run is told there alone.
    let told: Vec<(&str, String)> =
        parts.filter_map(|(part, text)| Some((part, text.fill(&values).ok()?))).collect();
    html! {
        @if !told.is_empty() {
            h2 { "Why" }
            dl { @for (part, text) in told { dt { (capital(part)) } dd { (text) } } }
        }
    }
}

/// The line at fault in each lane's code, and the line that fixes it.
fn marked(case: &Case, variants: &[String]) -> Markup {
    let files: BTreeSet<String> =
        variants.iter().map(String::as_str).chain(["fixed"]).map(|v| case.entry.file(v)).collect();
    let marks = files.iter().filter_map(|file| {
        let text = case.catalogue.source(file)?;
        Some((file, text, marks(text)))
    });
    let marks: Vec<_> = marks.filter(|(.., marks)| !marks.is_empty()).collect();
    html! {
        @if !marks.is_empty() {
            h2 { "The line at fault, and the line that fixes it" }
            @for (file, text, marks) in marks {
                @for mark in marks {
                    p { code { (file) ":" (mark.line) } }
                    (excerpt(text, mark.line, None))
                }
            }
        }
    }
}

fn sites(catalogue: &Catalogue, report: &Report) -> Markup {
    let sites: Vec<(&LaneReport, &WaitSiteReport)> = report
        .lanes
        .iter()
        .flat_map(|lane| lane.wait_sites.iter().map(move |site| (lane, site)))
        .filter(|(_, site)| site.peak > 1)
        .collect();
    html! {
        @if !sites.is_empty() {
            h2 { "Where tasks waited" }
            @for (lane, site) in sites {
                p {
                    "In " strong { (lane.variant) } " up to " strong { (count(site.peak)) } " tasks waited at "
                    code { (site.file) ":" (site.line) } " (" (site.label) "):"
                }
                @if let Some(text) = catalogue.source(&site.file) { (excerpt(text, site.line as usize, Some(site.peak))) }
            }
        }
    }
}

/// The lines around one, with its mark, or with the tasks that waited there.
pub fn excerpt(text: &str, line: usize, peak: Option<u64>) -> Markup {
    let marked = marks(text);
    let shown = text.lines().enumerate().map(|(i, text)| (i + 1, text));
    let shown = shown.skip(line.saturating_sub(AROUND + 1)).take(2 * AROUND + 1);
    html! {
        pre tabindex="0" { code {
            @for (number, text) in shown {
                @let mark = marked.iter().find(|m| m.line == number).map(|m| m.mark.word());
                @if let (true, Some(peak)) = (number == line, peak) {
                    span.waits { (format!("{:>7} ▶ {number:>4}  {text}\n", count(peak))) }
                } @else if let Some(mark) = mark {
                    span.waits { (format!("{mark:>7} ▶ {number:>4}  {text}\n")) }
                } @else {
                    (format!("{:>7}   {number:>4}  {text}\n", ""))
                }
            }
        } }
    }
}

fn figures(report: &Report) -> Markup {
    html! {
        h2 { "Figures" }
        (table(report))
    }
}

/// The figures of all lanes, a row each.
fn table(report: &Report) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "" }
                @for lane in &report.lanes { th.number scope="col" { (lane.variant) } }
            } }
            tbody {
                @for row in report.rows() {
                    tr {
                        th scope="row" { (row.name.trim()) }
                        @for cell in &row.cells { td.number { (cell) } }
                    }
                }
            }
        } }
        @if report.lanes.iter().any(|lane| lane.restarts > 0) { p.note { (SINCE_RESTART) } }
    }
}
