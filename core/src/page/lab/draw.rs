//! The lanes of a lab as HTML: figures, charts, the newest events, and the code with the tasks that wait in it.

use maud::{Markup, html};

use super::controls::controls;
use super::{LabPage, Running};
use crate::figures::{clock, count, mib, number};
use crate::incident::marks::{Mark, marks};
use crate::page::Drawn;
use crate::page::chart::NARROW;
use crate::page::lanes::Shown;
use crate::page::tile::tile;
use crate::page::words::words;
use crate::prose::letter;
use crate::session::lane_state::LaneState;
use crate::session::walk::scaffolding;

/// Seconds to which the time axis is rounded up.
const AXIS_S: f64 = 30.0;

/// Lines of the event log that are shown.
const MOST_LINES: usize = 30;

/// A speed below this share of the one asked for is told.
const BEHIND: f64 = 0.9;

/// The present content.
pub(super) fn drawn(page: &LabPage) -> Drawn {
    let running = &page.running;
    Drawn {
        title: running.session.title().to_owned(),
        progress: clock(running.session.shown().now_s),
        lanes: lanes(running).into_string(),
        page: controls(page).into_string(),
        running: running.is_running(),
        kept: serde_json::to_string(&page.kept()).unwrap_or_default(),
    }
}

/// The name of a lane: `A · broken`; with the variant that it runs, if that is another one.
pub(super) fn name(running: &Running, lane: usize) -> String {
    let session = &running.session;
    let own = session.name(lane);
    let state = session.shown().lanes.get(lane).filter(|_| session.shown().released_s.is_some());
    let runs = state.map_or(own, runs_of(&session.case.plan.incident));
    let differs = if runs == own { String::new() } else { format!(", runs {runs} now") };
    format!("{} · {own}{differs}", letter(lane))
}

/// The variant that a lane runs.
pub(super) fn runs_of(incident: &str) -> impl Fn(&LaneState) -> &str {
    move |lane| lane.bugs.get(incident).map_or("fixed", String::as_str)
}

fn lanes(running: &Running) -> Markup {
    let session = &running.session;
    let (manifest, shown) = (session.case.manifest(), session.shown());
    let names: Vec<String> = (0..shown.lanes.len()).map(|lane| name(running, lane)).collect();
    let end_s = ((session.main.head.now_s / AXIS_S).floor() + 1.0) * AXIS_S;
    let whole = Shown { end_s, width: NARROW, ..Shown::whole(manifest, &running.told, &names) };
    let is_past = session.main.playback.is_some();
    let mut marks = whole.phases();
    let now_ms = running.now_ms();
    let done = running.acts.iter().filter(|(at_ms, _)| *at_ms <= now_ms);
    marks.extend(done.map(|(at_ms, act)| (*at_ms as f64 / 1000.0, act.to_string())));
    marks.extend(is_past.then(|| (shown.now_s, "here".to_owned())));
    marks.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let drawn = Shown { marks: Some(&marks), ..whole };
    html! {
        p.fd-time {
            (time(running)) " · simulated time · " (number(shown.rate_per_s())) " requests a second to each lane"
        }
        div.fd-tiles {
            @for (lane, name) in shown.lanes.iter().zip(&names) {
                section.fd-tile { h3 { (name) } (tile(session, lane)) (says(running, lane)) }
            }
        }
        @for chart in &manifest.charts { div.fd-charts { (drawn.chart(chart)) } }
        details.fd-more { summary { "events" } (log(running)) }
        @for (i, lane) in shown.lanes.iter().enumerate() {
            details.fd-more {
                summary { "code of lane " (letter(i)) ", with the tasks that wait at each line" }
                (code(running, lane))
            }
        }
    }
}

/// The time that is shown, and its speed.
fn time(running: &Running) -> String {
    let at = clock(running.session.shown().now_s);
    if let Some(playback) = &running.session.main.playback {
        let newest = clock(running.session.main.head.now_s);
        return if playback.playing {
            format!("▶ the past at {}×: {at} of {newest}", number(playback.speed))
        } else {
            let is_newest = running.moment().at_ms >= running.now_ms();
            let speed = if is_newest {
                String::new()
            } else {
                format!(", to be played at {}×", number(playback.speed))
            };
            format!("‖ {at} of {newest}{speed}")
        };
    }
    if running.is_over() {
        return format!("■ {at}: the run is over");
    }
    if running.is_on_the_way() {
        return format!("▶▶ {at}, on the way to {}", clock(running.from.at_ms as f64 / 1000.0));
    }
    let asked = match running.times {
        f64::MAX => "as fast as it goes".to_owned(),
        times => format!("{}×", number(times)),
    };
    match running.reached.times.filter(|reached| *reached < BEHIND * running.times) {
        Some(reached) => format!("▶ {}× ({asked}) {at}", number(reached)),
        None => format!("▶ {asked} {at}"),
    }
}

/// The text about a lane: the manifest's sentence, and the place where most tasks wait.
fn says(running: &Running, lane: &LaneState) -> Markup {
    let session = &running.session;
    let values = session.shown().param_history.now();
    let site = lane.culprit().filter(|site| site.waiting > 1);
    let cap_bytes = session.case.manifest().memory.cap_bytes() * lane.instances.len().max(1) as u64;
    html! {
        @if let (Some(server), Some(bytes)) = (&lane.server, lane.resident_bytes) {
            p.fd-quiet { (count(server.tasks)) " tasks · memory " (mib(bytes)) " of " (mib(cap_bytes)) }
        }
        @if let Some(sentence) = lane.sentence(session.case.manifest(), values) { p { (words(&sentence)) } }
        @if let Some(site) = site {
            p.fd-quiet { "▶ " (count(site.waiting)) " wait at " code { (site.file.rsplit('/').next().unwrap_or_default()) ":" (site.line) } }
        }
    }
}

/// The newest events, the last one first.
fn log(running: &Running) -> Markup {
    let log = &running.session.shown().log;
    html! { pre tabindex="0" { @for entry in log.iter().rev().take(MOST_LINES) {
        (clock(entry.at_s)) "  " @if let Some(lane) = entry.lane { (name(running, lane)) ": " } (entry.line)
        @if entry.times > 1 { " (" (entry.times) " times)" }
        "\n"
    } } }
}

/// The code that a lane runs, and other files in which its tasks wait.
fn code(running: &Running, lane: &LaneState) -> Markup {
    let case = &running.session.case;
    let runs = runs_of(&case.plan.incident)(lane);
    let sites = lane.server.iter().flat_map(|server| &server.wait_sites);
    let mut files =
        vec![case.entry.file(runs), format!("{}shared.rs", case.entry.incident.folder())];
    for site in sites.clone() {
        if !files.contains(&site.file) {
            files.push(site.file.clone());
        }
    }
    let waiting = |file: &str, line: usize| -> u64 {
        let here = |site: &&crate::event::WaitSite| site.file == file && site.line as usize == line;
        sites.clone().filter(here).map(|site| site.waiting).sum()
    };
    html! { @for file in &files { @if let Some(text) = case.catalogue.source(file) {
        @let (hidden, marked) = (scaffolding(text), marks(text));
        p { code { (file) } }
        pre.fd-code tabindex="0" { code { @for (i, line) in text.lines().enumerate() {
            @if hidden[i] { @if i == 0 || !hidden[i - 1] { "           …\n" } } @else {
            @let class = match marked.iter().find(|marked| marked.line == i + 1).map(|marked| marked.mark) {
                Some(Mark::Cause) => "fd-cause",
                Some(Mark::Fix) => "fd-fix",
                None => "",
            };
            @let tasks = match waiting(file, i + 1) { 0 => String::new(), n => format!("{}▶", count(n)) };
            span class=(class) { (format!("{tasks:>7} {:>4} {line}\n", i + 1)) }
        } } } }
    } } }
}
