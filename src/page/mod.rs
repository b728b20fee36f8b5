//! `firedrill report`: a recording as one self-contained page: no script, no network.
//!
//! * [`chart`]: one chart of one lane
//! * `happened`: what happened, and how to have it happen again

pub mod chart;
mod happened;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::axis::{Axis, nice_ceiling};
use crate::catalogue::{Catalogue, Entry};
use crate::event::{Clock, Event, What};
use crate::figures::{count, mib, millis, number};
use crate::incident::formula::Values;
use crate::incident::manifest::Manifest;
use crate::load::tally::nearest_rank_ms;
use crate::record::{Faults, Header, Recording};
use crate::report::{LaneReport, Report, SINCE_RESTART, WaitSiteReport};
use crate::timeline::{LaneLine, Timeline, level};
use crate::verdict::{Check, Verdict};
use chart::{Curve, Frame};

/// Lines of source shown before and after a wait site.
const AROUND: usize = 6;

/// The page of a recording.
pub fn render(
    catalogue: &Catalogue,
    entry: &Entry,
    values: &Values,
    recording: &Recording,
) -> String {
    let Recording { header, events, faults } = recording;
    let manifest = &entry.manifest;
    let mut timeline = Timeline::new(manifest, &header.variants);
    for event in events {
        timeline.push(event);
    }
    let report = Report::new(manifest, values, (header.clock, header.seed), &timeline);
    let names: Vec<String> = ('A'..)
        .zip(&header.variants)
        .map(|(letter, name)| format!("lane {letter}, {name}"))
        .collect();
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
                (verdict(&report.verdict))
                (charts(manifest, values, &timeline, &names, events))
                (sites(catalogue, &report))
                (figures(manifest, &report))
                (happened::happened(events, &header.variants))
                (happened::reproduce(manifest, header, &timeline, (events, faults)))
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
        (None, Clock::Virtual) => "the same on every machine".to_owned(),
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

fn charts(
    manifest: &Manifest,
    values: &Values,
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
    let highest = |metric: &str| {
        let samples = timeline.lanes.iter().flat_map(|lane| &lane.samples);
        samples.filter_map(|(_, sample)| level(sample, metric)).fold(0.0, f64::max)
    };
    let frame = |title, class, axis, ticks, cap| Frame {
        title,
        class,
        end_s,
        axis,
        ticks,
        cap,
        phases_s: phases_s.clone(),
    };
    let tasks_top = nice_ceiling(highest("tasks").max(10.0));
    let cap_bytes = manifest.memory.cap_bytes() as f64;
    let memory_top = highest("memory_bytes").max(cap_bytes) * 1.05;
    let bytes = |bytes: f64| mib(bytes as u64);
    let frames = [
        frame("Tasks", "tasks", Axis::Linear(tasks_top), shares(tasks_top, number), None),
        frame(
            "Memory",
            "memory",
            Axis::Linear(memory_top),
            shares(cap_bytes, bytes),
            Some(cap_bytes),
        ),
        frame(
            "Latency, 99th percentile",
            "latency",
            Axis::Log(0.1, 10_000.0),
            [0.1, 10.0, 1000.0, 10_000.0].map(|ms| (ms, millis(ms))).to_vec(),
            None,
        ),
    ];
    let curve = |i: usize, frame: &Frame| -> Markup {
        let lane = &timeline.lanes[i];
        let (points, read): (_, fn(f64) -> String) = match frame.class {
            "tasks" => (levels(lane, "tasks"), number),
            "memory" => (levels(lane, "memory_bytes"), bytes),
            _ => (latencies(lane), millis),
        };
        let theory = match frame.class {
            "tasks" => theory(manifest, values, timeline, lane),
            _ => Vec::new(),
        };
        chart::draw(frame, &Curve { lane, name: &names[i], points, theory, read })
    };
    html! {
        h2 { "Lanes" }
        p.note {
            "Heights compare across lanes: they share each axis. A dashed upright line is the beginning of a "
            "phase, by its number above; ✖ the end of a process; a dotted line what theory says; the level "
            "line in the charts of memory is the cap, at which a process is killed. Latency counts from when a "
            "request was due, and one without an answer counts with its time-out."
        }
        @for frame in &frames {
            div.charts { @for i in 0..timeline.lanes.len() { (curve(i, frame)) } }
        }
    }
}

/// Labels at nothing, the half and the whole of a value.
fn shares(top: f64, read: fn(f64) -> String) -> Vec<(f64, String)> {
    [0.0, 0.5, 1.0].map(|share| (share * top, read(share * top))).to_vec()
}

fn levels(lane: &LaneLine, metric: &str) -> Vec<(f64, Option<f64>)> {
    lane.samples.iter().map(|(at_s, sample)| (*at_s, level(sample, metric))).collect()
}

/// The 99th percentile of each second, the unanswered requests included.
fn latencies(lane: &LaneLine) -> Vec<(f64, Option<f64>)> {
    // A second's last sample is at its end, and belongs to it.
    let second = |at_s: f64| (at_s - 1e-6).floor() as i64;
    let seconds = lane.samples.chunk_by(|(a, _), (b, _)| second(*a) == second(*b));
    seconds
        .filter_map(|ticks| {
            let loads = ticks.iter().map(|(_, sample)| &sample.load);
            let mut values: Vec<(u64, u32)> =
                loads.flat_map(|l| l.latency_us.iter().chain(&l.unanswered_us)).copied().collect();
            values.sort_unstable();
            let p99_ms = nearest_rank_ms(&values, 99.0)?;
            Some((ticks.last()?.0, Some(p99_ms)))
        })
        .collect()
}

/// What theory says of the tasks, from the release to the first exit.
fn theory(
    manifest: &Manifest,
    values: &Values,
    timeline: &Timeline,
    lane: &LaneLine,
) -> Vec<(f64, Option<f64>)> {
    let of_lane =
        |t: &&crate::incident::manifest::Theory| t.metric == "tasks" && t.variant == lane.variant;
    let (Some(theory), Some(release_s)) =
        (manifest.theories.iter().find(of_lane), timeline.release_s)
    else {
        return Vec::new();
    };
    let to_s = lane.first_exit_s().unwrap_or(timeline.end_s);
    let mut values = values.clone();
    lane.between(release_s, to_s)
        .map(|(at_s, _)| {
            values.insert("t".to_owned(), at_s - release_s);
            (at_s, theory.formula.eval(&values).ok())
        })
        .collect()
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
                @if let Some(text) = catalogue.source(&site.file) { (excerpt(text, site)) }
            }
        }
    }
}

/// The lines around a wait site, with the tasks that waited beside theirs.
fn excerpt(text: &str, site: &WaitSiteReport) -> Markup {
    let line = site.line as usize;
    let shown = text.lines().enumerate().map(|(i, text)| (i + 1, text));
    let shown = shown.skip(line.saturating_sub(AROUND + 1)).take(2 * AROUND + 1);
    html! {
        pre tabindex="0" { code {
            @for (number, text) in shown {
                @if number == line {
                    span.waits { (format!("{:>7} ▶ {number:>4}  {text}\n", count(site.peak))) }
                } @else {
                    (format!("{:>7}   {number:>4}  {text}\n", ""))
                }
            }
        } }
    }
}

fn figures(manifest: &Manifest, report: &Report) -> Markup {
    let lanes = &report.lanes;
    let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), millis);
    let level = |value: Option<f64>| value.map_or("–".to_owned(), number);
    let row = |name: &str, cell: &dyn Fn(&LaneReport) -> String| {
        html! {
            tr { th scope="row" { (name) } @for lane in lanes { td.number { (cell(lane)) } } }
        }
    };
    let mut metrics: Vec<&String> = lanes.iter().flat_map(|lane| lane.gauges.keys()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    metrics.retain(|name| {
        lanes.iter().any(|lane| lane.gauges.get(*name).is_some_and(|g| g.incident == manifest.id))
    });
    html! {
        h2 { "Figures" }
        div.scroll { table {
            thead { tr { th { "" } @for lane in lanes { th.number scope="col" { (lane.variant) } } } }
            tbody {
                (row("requests sent", &|lane| count(lane.requests.sent)))
                (row("ok", &|lane| count(lane.requests.ok)))
                (row("rejected (4xx)", &|lane| count(lane.requests.rejected)))
                (row("failed", &|lane| count(lane.requests.failed)))
                (row("timed out", &|lane| count(lane.requests.timed_out)))
                (row("unfinished at the end", &|lane| count(lane.requests.unfinished)))
                (row("latency p50", &|lane| ms(lane.latency_ms.p50)))
                (row("latency p99", &|lane| ms(lane.latency_ms.p99)))
                (row("p99 of the answered alone", &|lane| ms(lane.latency_ms.naive_p99)))
                (row("tasks, peak", &|lane| level(lane.tasks.peak)))
                (row("tasks, growth a second", &|lane| level(lane.tasks.slope_per_s)))
                (row("memory, peak", &|lane| {
                    lane.memory_bytes.peak.map_or("–".to_owned(), |bytes| mib(bytes as u64))
                }))
                (row("processes that ended", &|lane| count(lane.exits.len() as u64)))
                @for name in metrics {
                    (row(&name.replace('_', " "), &|lane| level(lane.gauges.get(name).and_then(|g| g.end))))
                }
            }
        } }
        @if lanes.iter().any(|lane| lane.restarts > 0) { p.note { (SINCE_RESTART) } }
    }
}
