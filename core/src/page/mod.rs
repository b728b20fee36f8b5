//! `firedrill report`: a recording as one self-contained page: no script, no network.
//!
//! * [`chart`]: one chart of one lane; [`axis`]: from a value to its place on it
//! * [`figure`]: a figure that a sentence of the book asks for; [`live`]: what a page of the book does by itself
//! * `told`: what there is to tell of a run; `happened`: what happened, and how to have it happen again

pub mod axis;
pub mod chart;
pub mod figure;
mod happened;
pub mod live;
pub mod stability;
mod told;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::catalogue::Catalogue;
use crate::event::{ChainShown, Clock, Event, LoadTick, LogTail, Sample, What};
use crate::figures::{count, mib, millis, number};
use crate::incident::Manifest;
use crate::incident::marks::marks;
use crate::incident::measure::{Level, Measure};
use crate::incident::show::{self, Shows};
use crate::incident::theory::Theory;
use crate::incident::walk::Debrief;
use crate::page::axis::{Axis, nice_ceiling};
use crate::plan::Case;
use crate::record::{Faults, Header};
use crate::report::{LaneReport, Report, SINCE_RESTART, WaitSiteReport};
use crate::timeline::{LaneLine, Timeline, level};
use crate::verdict::{Check, Undecided, Verdict};
use crate::window::Window;
use chart::{Curve, Frame};
pub use told::Told;

/// Lines of source shown before and after a wait site.
const AROUND: usize = 6;

/// The page of a recorded run: its header, what there is to tell of it, and what could not be read.
pub fn render(case: &Case, header: &Header, told: &Told, faults: &Faults) -> String {
    let Told { timeline, events } = told;
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
                (charts(manifest, timeline, &names, events))
                @if short { (verdict(&report.verdict)) }
                (why(case))
                (marked(case, &header.variants))
                (sites(catalogue, &report))
                (figures(&report))
                (happened::happened(events, &header.variants))
                (happened::reproduce(manifest, header, timeline, (events, faults)))
            }
        }
    };
    page.into_string()
}

/// Whether a file is empty, or a report.
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

fn warnings(faults: &Faults, report: &Report) -> Markup {
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

fn charts(manifest: &Manifest, timeline: &Timeline, names: &[String], events: &[Event]) -> Markup {
    html! {
        h2 { "Lanes" }
        p.note {
            "Heights compare across lanes: they share each axis. A dashed upright line is the beginning of a "
            "phase, by its number above; ✖ the end of a process; a dotted line what theory says; the level "
            "line in the charts of memory is the cap, at which a process is killed. Latency counts from when a "
            "request was due, and one without an answer counts with its time-out."
        }
        @for chart in &manifest.charts { (one_chart(chart, manifest, timeline, names, events)) }
    }
}

/// One chart of every lane.
fn one_chart(
    chart: &show::Chart,
    manifest: &Manifest,
    timeline: &Timeline,
    names: &[String],
    events: &[Event],
) -> Markup {
    let phases_s: Vec<f64> = events
        .iter()
        .filter(|event| matches!(event.what, What::Phase { .. }))
        .map(|event| event.at_ms as f64 / 1000.0)
        .take(manifest.phases.len())
        .collect();
    let end_s = timeline.end_s.max(1.0);
    html! {
        div.charts {
            @match chart.shows {
                Shows::Chain => @for (i, name) in names.iter().enumerate() {
                    (chain(name, newest(events, i, |what| match what {
                        What::Chain(chain) => Some(chain),
                        _ => None,
                    })))
                },
                Shows::Log => @for (i, name) in names.iter().enumerate() {
                    (log(&capital(&chart.title()), name, newest(events, i, |what| match what {
                        What::LogTail(tail) => Some(tail),
                        _ => None,
                    })))
                },
                _ => {
                    @let frame = frame(chart, manifest, timeline, (end_s, &phases_s));
                    @for (lane, name) in timeline.lanes.iter().zip(names) {
                        (chart::draw(&frame, &curve(chart, manifest, timeline, (lane, name))))
                    }
                }
            }
        }
    }
}

/// What the lanes of a run are called on a page.
fn lane_names(variants: &[String]) -> Vec<String> {
    ('A'..).zip(variants).map(|(letter, name)| format!("lane {letter}, {name}")).collect()
}

/// The charts of these titles, of every lane.
pub fn charts_of(case: &Case, told: &Told, titles: &[String]) -> Markup {
    let manifest = &case.entry.manifest;
    let names = lane_names(&case.plan.variants);
    let wanted = manifest.charts.iter().filter(|chart| titles.contains(&chart.title()));
    html! {
        @for chart in wanted { (one_chart(chart, manifest, &told.timeline, &names, &told.events)) }
    }
}

/// The figures of all lanes, as a table.
pub fn outcomes_of(case: &Case, told: &Told) -> Markup {
    table(&Report::new(case, Clock::Virtual, &told.timeline))
}

/// The newest of what a lane says of one kind.
fn newest<T>(events: &[Event], lane: usize, is: impl Fn(&What) -> Option<&T>) -> Option<&T> {
    let mut mine = events.iter().rev().filter(|event| event.lane == Some(lane));
    mine.find_map(|event| is(&event.what))
}

/// What a request passes on its way, in order.
fn chain(name: &str, chain: Option<&ChainShown>) -> Markup {
    html! {
        figure {
            figcaption { (name) ": what a request passes, in order, at the end of the run" }
            @if let Some(chain) = chain {
                p { code { "request" @for (slot, _) in &chain.routes { " → " (slot) } " → routes" } }
            } @else {
                p { "nothing was said of it" }
            }
        }
    }
}

/// The end of a lane's log.
fn log(title: &str, name: &str, tail: Option<&LogTail>) -> Markup {
    let LogTail { lines, wrong } = tail.cloned().unwrap_or_default();
    html! {
        figure {
            figcaption { (name) ": " (title) ", its newest lines" }
            pre tabindex="0" { code {
                @if lines.is_empty() { "nothing was written\n" }
                @for line in &lines { (line) "\n" }
                @if let Some(line) = wrong {
                    "and the newest that should not be there:\n"
                    span.waits { (line) "\n" }
                }
            } }
        }
    }
}

/// What all lanes have in common in a chart.
fn frame(
    chart: &show::Chart,
    manifest: &Manifest,
    timeline: &Timeline,
    (end_s, phases_s): (f64, &[f64]),
) -> Frame {
    let cap_bytes = manifest.memory.cap_bytes() as f64 * manifest.instances as f64;
    let highest = |measure: &Measure| {
        let samples = timeline.lanes.iter().flat_map(|lane| &lane.samples);
        samples.filter_map(|(_, sample)| level(sample, measure)).fold(0.0, f64::max)
    };
    let linear = |top: f64, read: fn(f64) -> String| (Axis::Linear(top), shares(top, read));
    let capacity = chart.capacity.as_deref();
    let fixed = capacity.and_then(|capacity| capacity.parse::<f64>().ok());
    let metric = capacity.filter(|_| fixed.is_none()).map(Measure::parse);
    let full = fixed.or(metric.map(|measure| highest(&measure))).filter(|full| *full > 0.0);
    let more = timeline.lanes.iter().map(|lane| lane.more_cap_bytes);
    let most_more = more.max().unwrap_or_default() as f64;
    let bytes = |bytes: f64| mib(bytes as u64);
    let (class, (axis, ticks), cap) = match &chart.shows {
        Shows::Tasks => {
            let top = nice_ceiling(highest(&Measure::Level(Level::Tasks)).max(10.0));
            ("tasks", linear(top, number), None)
        }
        Shows::Memory => {
            let top =
                highest(&Measure::Level(Level::MemoryBytes)).max(cap_bytes + most_more) * 1.05;
            ("memory", (Axis::Linear(top), shares(cap_bytes + most_more, bytes)), Some(cap_bytes))
        }
        Shows::Latency => {
            let ticks = [0.1, 10.0, 1000.0, 10_000.0].map(|ms| (ms, millis(ms))).to_vec();
            ("latency", (Axis::Log(0.1, 10_000.0), ticks), None)
        }
        Shows::Outcomes => {
            let second = |lane: &LaneLine| {
                outcomes(lane).map(|(_, ok, rejected, bad)| ok + rejected + bad).reduce(f64::max)
            };
            let top = timeline.lanes.iter().filter_map(second).fold(1.0, f64::max);
            ("tasks", linear(nice_ceiling(top), number), None)
        }
        Shows::Up => ("tasks", (Axis::Linear(1.0), named(&["down", "up"])), None),
        Shows::State(_, names) => {
            let top = names.len().saturating_sub(1).max(1) as f64;
            ("tasks", (Axis::Linear(top), named(names)), None)
        }
        Shows::Slots { used, .. } => {
            let top = full.unwrap_or(1.0).max(highest(used));
            ("tasks", linear(top, number), full)
        }
        // Both are words, not curves.
        Shows::Chain | Shows::Log => ("tasks", linear(1.0, number), None),
        Shows::Level(measure) => {
            let top = nice_ceiling(highest(measure).max(full.unwrap_or(1.0)));
            ("tasks", linear(top, number), full)
        }
    };
    let title = capital(&chart.title());
    Frame { title, class, end_s, axis, ticks, cap, phases_s: phases_s.to_vec() }
}

/// The names of a state's values, each with its value.
fn named(names: &[impl AsRef<str>]) -> Vec<(f64, String)> {
    names.iter().enumerate().map(|(i, name)| (i as f64, name.as_ref().to_owned())).collect()
}

/// With a capital at its beginning.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// One lane's line in a chart.
fn curve<'a>(
    chart: &show::Chart,
    manifest: &Manifest,
    timeline: &Timeline,
    (lane, name): (&'a LaneLine, &'a str),
) -> Curve<'a> {
    let measure = match &chart.shows {
        Shows::Tasks => Some(Measure::Level(Level::Tasks)),
        Shows::Memory => Some(Measure::Level(Level::MemoryBytes)),
        Shows::Level(measure) | Shows::State(measure, _) | Shows::Slots { used: measure, .. } => {
            Some(measure.clone())
        }
        _ => None,
    };
    let points = match (&chart.shows, &measure) {
        (_, Some(measure)) => levels(lane, measure),
        (Shows::Outcomes, _) => outcomes(lane).map(|(at_s, ok, ..)| (at_s, Some(ok))).collect(),
        (Shows::Up, _) => {
            let up = |sample: &Sample| if sample.server.is_some() { 1.0 } else { 0.0 };
            lane.samples.iter().map(|(at_s, sample)| (*at_s, Some(up(sample)))).collect()
        }
        _ => latencies(lane),
    };
    // Stacked: each line is the sum of what is below it.
    let rejected: Vec<(f64, Option<f64>)> = match &chart.shows {
        Shows::Outcomes if outcomes(lane).any(|(_, _, rejected, _)| rejected > 0.0) => {
            outcomes(lane).map(|(at_s, ok, rejected, _)| (at_s, Some(ok + rejected))).collect()
        }
        _ => Vec::new(),
    };
    let (bad, legend) = match &chart.shows {
        Shows::Outcomes => (
            outcomes(lane).map(|(at_s, ok, rej, bad)| (at_s, Some(ok + rej + bad))).collect(),
            if rejected.is_empty() {
                " (stacked: answered well; dashed: with those that failed or timed out)"
            } else {
                " (stacked: answered well; dotted: with those rejected; dashed: with those that failed)"
            },
        ),
        Shows::Slots { lost, .. } => {
            (levels(lane, lost), " (in use; dashed: those of them that are lost)")
        }
        _ => (Vec::new(), ""),
    };
    let theory = measure.map_or(Vec::new(), |measure| theory(manifest, timeline, lane, &measure));
    let read: fn(f64) -> String = match &chart.shows {
        Shows::Memory => |bytes| mib(bytes as u64),
        Shows::Latency => millis,
        _ => number,
    };
    Curve { lane, name, points, rejected, bad, legend, theory, read }
}

/// For each second: when it ended, requests answered well, those refused for what they asked, and
/// those that ended otherwise.
fn outcomes(lane: &LaneLine) -> impl Iterator<Item = (f64, f64, f64, f64)> {
    let mut from_s = 0.0;
    seconds(lane).filter_map(move |ticks| {
        let (at_s, _) = ticks.last()?;
        // Samples that were put together stand for more than a second.
        let share = (*at_s - from_s).max(1.0);
        let share = if share > 1.5 { share } else { 1.0 };
        from_s = *at_s;
        let sum = |of: fn(&LoadTick) -> u64| {
            ticks.iter().map(|(_, sample)| of(&sample.load) as f64).sum::<f64>() / share
        };
        let bad = sum(|load| load.outcomes.bad());
        Some((*at_s, sum(|load| load.outcomes.ok), sum(|load| load.outcomes.rejected), bad))
    })
}

/// The samples of each second.
fn seconds(lane: &LaneLine) -> impl Iterator<Item = &[(f64, Sample)]> {
    // A second's last sample is at its end, and belongs to it.
    let second = |at_s: f64| (at_s - 1e-6).floor() as i64;
    lane.samples.chunk_by(move |(a, _), (b, _)| second(*a) == second(*b))
}

/// Labels at nothing, the half and the whole of a value.
fn shares(top: f64, read: fn(f64) -> String) -> Vec<(f64, String)> {
    [0.0, 0.5, 1.0].map(|share| (share * top, read(share * top))).to_vec()
}

fn levels(lane: &LaneLine, measure: &Measure) -> Vec<(f64, Option<f64>)> {
    lane.samples.iter().map(|(at_s, sample)| (*at_s, level(sample, measure))).collect()
}

/// The 99th percentile of each second, the unanswered requests included.
fn latencies(lane: &LaneLine) -> Vec<(f64, Option<f64>)> {
    seconds(lane)
        .filter_map(|ticks| {
            let window = Window::of(ticks.iter().map(|(_, sample)| &sample.load));
            let p99_ms = window.latency.percentile_ms(99.0)?;
            Some((ticks.last()?.0, Some(p99_ms)))
        })
        .collect()
}

/// What theory says of a measure, from the release to the first exit.
fn theory(
    manifest: &Manifest,
    timeline: &Timeline,
    lane: &LaneLine,
    measure: &Measure,
) -> Vec<(f64, Option<f64>)> {
    let of_lane = |t: &&Theory| t.metric == *measure && t.variant == lane.variant;
    let (Some(theory), Some(release_s)) =
        (manifest.theories.iter().find(of_lane), timeline.release_s)
    else {
        return Vec::new();
    };
    let to_s = lane.first_exit_s().unwrap_or(timeline.end_s);
    let times: Vec<f64> = lane.between(release_s, to_s).map(|(at_s, _)| at_s).collect();
    let values = theory.values(&timeline.course, release_s, &times);
    times.into_iter().zip(values).collect()
}

/// Why it broke, why the fix works, and what it costs, where the manifest tells.
fn why(case: &Case) -> Markup {
    let mut values = case.values();
    values.extend(case.entry.constants.clone());
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

/// The line at fault in each lane's code, and the line that mends it.
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
            h2 { "The line at fault, and the line that mends it" }
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
