//! Events of a run as a list, and the command that repeats the run.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::event::{Clock, Event, EventKind, ExitCause};
use crate::experiment::Experiment;
use crate::figures::{clock, count, number};
use crate::incident::Manifest;
use crate::incident::exercise::YOURS;
use crate::incident::params;
use crate::prose;
use crate::record::{Header, UnreadableLines};

use crate::timeline::{LaneLine, Timeline};

/// Events that are listed.
const LISTED: usize = 60;

pub(super) fn list(events: &[Event], variants: &[String]) -> Markup {
    let lines: Vec<(f64, String, String)> = events
        .iter()
        .zip(restarted(events))
        .filter_map(|(event, restarted)| {
            let lane = event.lane.and_then(|lane| variants.get(lane)).cloned().unwrap_or_default();
            let restarted = restarted.then(|| RESTARTED.to_owned());
            let line = restarted.or_else(|| line(&event.what))?;
            Some((event.at_ms as f64 / 1000.0, lane, line))
        })
        .collect();
    html! {
        h2 { "What happened" }
        div.scroll { table { tbody {
            @for (at_s, lane, line) in lines.iter().take(LISTED) {
                tr { td { (clock(*at_s)) } td { (lane) } td { (line) } }
            }
        } } }
        @if lines.len() > LISTED {
            p.note { "… and " (count((lines.len() - LISTED) as u64)) " more." }
        }
    }
}

/// Returns the list entry of an event, if it has one.
fn line(what: &EventKind) -> Option<String> {
    match what {
        EventKind::Exit { cause: ExitCause::Stopped, .. }
        | EventKind::Log { .. }
        | EventKind::Rate { .. } => None,
        what => prose::line(what),
    }
}

pub(super) fn reproduce(
    manifest: &Manifest,
    header: &Header,
    timeline: &Timeline,
    (events, faults): (&[Event], &UnreadableLines),
) -> Markup {
    // A live run ends when it ends; a virtual one to the millisecond.
    let steps_per_s = if header.clock == Clock::Live { 10.0 } else { 1000.0 };
    let duration_s = (timeline.end_s.max(1.0) * steps_per_s).round() / steps_per_s;
    // What a file says is pasted into a shell: nothing that the manifest does not know.
    let known = |name: &str| manifest.params.contains_key(name) || params::find(name).is_some();
    let sets = header.params.iter().filter(|(name, _)| known(name));
    let sets: Vec<String> = sets.map(|(name, value)| format!(" --set {name}={value}")).collect();
    let variants = header.variants.iter().filter(|name| manifest.variant(name).is_some());
    let variants: Vec<&str> = variants.map(String::as_str).collect();
    let learners = header.variants.iter().any(|name| name == YOURS);
    let lanes = if learners {
        format!("--with {}", manifest.id)
    } else {
        format!("--variants {}", variants.join(","))
    };
    let command = format!(
        "firedrill run {} --clock {} {lanes} --rate {} --seed {} --for {}s",
        manifest.id,
        header.clock.word(),
        header.rate_per_s,
        header.seed,
        duration_s
    );
    let ends_ms = (timeline.end_s * 1000.0).round() as u64;
    let experiment = Experiment::of_changes(&chaos(events), ends_ms);
    let asks = experiment.as_ref().map(|experiment| {
        let faults = experiment.faults.texts().into_iter().map(|text| format!(" --chaos {text}"));
        let rounded = |seconds: f64| (seconds * steps_per_s).round() / steps_per_s;
        let Experiment { from_s, to_s, .. } = *experiment;
        let times =
            format!(" --chaos-from {}s --chaos-for {}s", rounded(from_s), rounded(to_s - from_s));
        faults.collect::<String>() + &times
    });
    let command = command + &sets.concat() + &asks.unwrap_or_default();
    let by_hand = by_hand(events, experiment.is_some());
    let last = |lane: &LaneLine| lane.samples.last().map(|(_, sample)| sample.load.in_flight);
    // What was under way when a recording stopped early has no outcome in it.
    let whole = timeline.lanes.iter().all(|lane| last(lane) == Some(0));
    html! {
        h2 { "See it yourself" }
        pre tabindex="0" { code { (command) } }
        @if learners {
            p.note { "The lane `yours` ran a learner's package: the folder after " code { "--with" } " is theirs." }
        }
        @if by_hand.is_empty() {
            @if header.clock == Clock::Virtual && whole && faults.all == 0 {
                p.note { "On the virtual clock this gives the same figures, to the last digit." }
            }
        } @else {
            p.note { "The command leaves out what was changed while it ran:" }
            ul { @for line in by_hand { li { (line) } } }
        }
    }
}

/// The events that come with no phase of the manifest: what a phase changes comes in the same moment.
fn between_phases(events: &[Event]) -> impl Iterator<Item = (usize, &Event)> {
    let mut phase_ms = 0;
    events.iter().enumerate().filter(move |(_, event)| {
        if let EventKind::Phase { .. } = event.what {
            phase_ms = event.at_ms;
        }
        event.at_ms > phase_ms + 10
    })
}

/// Lists the changes of faults with their times.
fn chaos(events: &[Event]) -> Vec<(u64, &str, f64)> {
    let changed = between_phases(events).filter_map(|(_, event)| match &event.what {
        EventKind::Param { name, value } if name.starts_with("chaos_") => {
            Some((event.at_ms, name.as_str(), *value))
        }
        _ => None,
    });
    changed.collect()
}

/// Switches, loads and faults that no phase of the manifest brought; faults not, where the command asks for them.
fn by_hand(events: &[Event], asks_for_faults: bool) -> Vec<String> {
    let restarted = restarted(events);
    let mut lines = Vec::new();
    for (i, event) in between_phases(events) {
        let at = clock(event.at_ms as f64 / 1000.0);
        let lane = event.lane.map_or(String::new(), |lane| format!(" in lane {}", letter(lane)));
        match &event.what {
            EventKind::Bug { .. } => {
                lines.push(format!("{at}{lane}: {}", line(&event.what).unwrap_or_default()));
            }
            EventKind::Rate { rate_per_s } => {
                lines.push(format!("{at}: {} requests a second", number(*rate_per_s)));
            }
            EventKind::Param { name, value } if name.starts_with("chaos_") && !asks_for_faults => {
                lines.push(format!("{at}: {name} = {}", number(*value)));
            }
            EventKind::Exit { .. } if restarted[i] => {
                lines.push(format!("{at}{lane}: {RESTARTED}"));
            }
            _ => {}
        }
    }
    lines.truncate(LISTED);
    lines
}

/// Text for a process that was stopped and restarted by hand.
const RESTARTED: &str = "restarted by hand";

/// Returns for each event whether it is the exit of a process that was restarted by hand.
fn restarted(events: &[Event]) -> Vec<bool> {
    let mut starts_later = BTreeSet::new();
    let back = events.iter().rev().map(|event| {
        if matches!(event.what, EventKind::Starting { .. }) {
            starts_later.insert(event.lane);
        }
        let stopped = matches!(event.what, EventKind::Exit { cause: ExitCause::Stopped, .. });
        stopped && starts_later.contains(&event.lane)
    });
    let mut restarted: Vec<bool> = back.collect();
    restarted.reverse();
    restarted
}

fn letter(lane: usize) -> char {
    ('A'..='D').nth(lane).unwrap_or('?')
}
