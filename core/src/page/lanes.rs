//! Charts of the lanes of a run, for each chart of the manifest.

use maud::{Markup, html};

use super::PageData;
use super::axis::{Axis, nice_ceiling};
use super::chart::{self, Curve, Frame, WIDTH};
use crate::event::{ChainShown, Event, EventKind, LoadTick, LogTail, Sample};
use crate::figures::{mib, millis, number};
use crate::incident::Manifest;
use crate::incident::measure::{Level, Measure, WindowMeasure};
use crate::incident::show::{self, Shows};
use crate::incident::theory::Theory;
use crate::prose::capital;
use crate::timeline::{LaneLine, Timeline, level};
use crate::window::Window;

/// From here on a second is whole: the samples of a live run are not quite a tenth of a second apart.
const WHOLE_S: f64 = 0.85;

/// Phases that are marked in a chart at most.
const MOST_PHASES: usize = 100;

/// The lanes of a run, as a page shows them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// The manifest of their incident.
    pub manifest: &'a Manifest,
    /// Their measurements.
    pub timeline: &'a Timeline,
    /// Their names, for people.
    pub names: &'a [String],
    /// The events of the run.
    pub events: &'a [Event],
    /// The end of the time axis, in seconds.
    pub end_s: f64,
    /// Width of a drawing, in its own units.
    pub width: f64,
    /// True if theory is drawn.
    pub theory: bool,
    /// Moments that are marked, in seconds, with their names, in the place of the phases; none: the phases are.
    pub marks: Option<&'a [(f64, String)]>,
}

impl<'a> Shown<'a> {
    /// The lanes of a whole run, with these names.
    pub(super) fn whole(manifest: &'a Manifest, told: &'a PageData, names: &'a [String]) -> Self {
        let PageData { timeline, events } = told;
        Self {
            manifest,
            timeline,
            names,
            events,
            end_s: timeline.end_s.max(1.0),
            width: WIDTH,
            theory: true,
            marks: None,
        }
    }

    /// Each chart of the manifest, of every lane.
    pub(super) fn charts(&self) -> Markup {
        html! {
            h2 { "Lanes" }
            p.note {
                "Heights compare across lanes: they share each axis. A dashed upright line is the beginning of a "
                "phase, with its name where it has one; ✖ the end of a process; a dotted line what theory says; the "
                "level line in the charts of memory is the cap, at which a process is killed. Latency counts from "
                "when a request was due, and one without an answer counts with its timeout."
            }
            @for chart in &self.manifest.charts { (self.chart(chart)) }
        }
    }

    /// The beginning of each phase but the first, in seconds, with its name.
    pub(super) fn phases(&self) -> Vec<(f64, String)> {
        if let Some(marks) = self.marks {
            return marks.to_vec();
        }
        let began = self.events.iter().filter_map(|event| match event.what {
            EventKind::Phase { index, .. } => Some((event.at_ms as f64 / 1000.0, index)),
            _ => None,
        });
        let named = began.filter_map(|(at_s, index)| {
            let phase = self.manifest.phases.get(index).filter(|_| index > 0)?;
            Some((at_s, phase.word().to_owned()))
        });
        named.filter(|(at_s, _)| *at_s <= self.end_s).take(MOST_PHASES).collect()
    }

    /// One chart of every lane.
    pub(super) fn chart(&self, chart: &show::Chart) -> Markup {
        let Self { timeline, names, events, .. } = *self;
        html! {
            div.charts {
                @match chart.shows {
                    Shows::Chain => @for (i, name) in names.iter().enumerate() {
                        (chain(name, newest(events, i, |what| match what {
                            EventKind::Chain(chain) => Some(chain),
                            _ => None,
                        })))
                    },
                    Shows::Log => @for (i, name) in names.iter().enumerate() {
                        (log(&capital(&chart.title()), name, newest(events, i, |what| match what {
                            EventKind::LogTail(tail) => Some(tail),
                            _ => None,
                        })))
                    },
                    _ => {
                        @let frame = self.frame(chart);
                        @for (lane, name) in timeline.lanes.iter().zip(names) {
                            (chart::draw(&frame, &self.curve(chart, (lane, name))))
                        }
                    }
                }
            }
        }
    }

    /// Returns the common properties of a chart in all lanes.
    fn frame(&self, chart: &show::Chart) -> Frame {
        let Self { manifest, timeline, end_s, width, .. } = *self;
        let cap_bytes = manifest.memory.cap_bytes() as f64 * manifest.instances as f64;
        let highest = |measure: &Measure| {
            let samples = timeline.lanes.iter().flat_map(|lane| &lane.samples);
            if measure.over_window().is_some() {
                let of_lanes = timeline.lanes.iter().flat_map(|lane| levels(lane, measure));
                return of_lanes.filter_map(|(_, value)| value).fold(0.0, f64::max);
            }
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
                (
                    "memory",
                    (Axis::Linear(top), shares(cap_bytes + most_more, bytes)),
                    Some(cap_bytes),
                )
            }
            Shows::Latency => {
                let ticks = [0.1, 10.0, 1000.0, 10_000.0].map(|ms| (ms, millis(ms))).to_vec();
                ("latency", (Axis::Log(0.1, 10_000.0), ticks), None)
            }
            Shows::Outcomes => {
                let second = |lane: &LaneLine| {
                    outcomes(lane)
                        .map(|(_, ok, rejected, bad)| ok + rejected + bad)
                        .reduce(f64::max)
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
                ("tasks", linear(top, number), fixed)
            }
            // Both are words, not curves.
            Shows::Chain | Shows::Log => ("tasks", linear(1.0, number), None),
            Shows::Level(measure) => {
                let top = nice_ceiling(highest(measure).max(full.unwrap_or(1.0)));
                ("tasks", linear(top, number), fixed)
            }
        };
        let mut title = capital(&chart.title());
        if let Shows::Level(measure) | Shows::State(measure, _) = &chart.shows
            && timeline.lanes.iter().any(|lane| lane.is_of_highest_instance(measure))
        {
            title.push_str(", of the highest instance");
        }
        Frame { title, class, width, end_s, axis, ticks, cap, phases: self.phases() }
    }

    /// One lane's line in a chart.
    fn curve(&self, chart: &show::Chart, (lane, name): (&'a LaneLine, &'a str)) -> Curve<'a> {
        let Self { manifest, timeline, .. } = *self;
        let measure = match &chart.shows {
            Shows::Tasks => Some(Measure::Level(Level::Tasks)),
            Shows::Memory => Some(Measure::Level(Level::MemoryBytes)),
            Shows::Level(measure)
            | Shows::State(measure, _)
            | Shows::Slots { used: measure, .. } => Some(measure.clone()),
            _ => None,
        };
        let points = match (&chart.shows, &measure) {
            (_, Some(measure)) => levels(lane, measure),
            (Shows::Outcomes, _) => outcomes(lane).map(|(at_s, ok, ..)| (at_s, Some(ok))).collect(),
            (Shows::Up, _) => {
                let up = |sample: &Sample| if sample.server.is_some() { 1.0 } else { 0.0 };
                lane.samples.iter().map(|(at_s, sample)| (*at_s, Some(up(sample)))).collect()
            }
            // The 99th percentile of each second, the unanswered requests included.
            _ => each_second(lane, WindowMeasure::P99Ms, None),
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
        // One that is a metric is each lane's own, and may change.
        let capacity =
            chart.capacity.as_deref().filter(|capacity| capacity.parse::<f64>().is_err());
        let capacity = capacity.map_or(Vec::new(), |name| levels(lane, &Measure::parse(name)));
        let theory = measure.filter(|_| self.theory);
        let theory =
            theory.map_or(Vec::new(), |measure| theory_of(manifest, timeline, lane, &measure));
        let read: fn(f64) -> String = match &chart.shows {
            Shows::Memory => |bytes| mib(bytes as u64),
            Shows::Latency => millis,
            _ => number,
        };
        Curve { lane, name, points, rejected, bad, capacity, legend, theory, read }
    }
}

/// The newest of what a lane says of one kind.
fn newest<T>(events: &[Event], lane: usize, is: impl Fn(&EventKind) -> Option<&T>) -> Option<&T> {
    let mut mine = events.iter().rev().filter(|event| event.lane == Some(lane));
    mine.find_map(|event| is(&event.what))
}

/// Draws the middleware stack, in order.
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

/// The names of a state's values, each with its value.
fn named(names: &[impl AsRef<str>]) -> Vec<(f64, String)> {
    names.iter().enumerate().map(|(i, name)| (i as f64, name.as_ref().to_owned())).collect()
}

/// For each second: when it ended, requests answered well, those refused for what they asked, and
/// those that ended otherwise.
fn outcomes(lane: &LaneLine) -> impl Iterator<Item = (f64, f64, f64, f64)> {
    let mut from_s = 0.0;
    seconds(lane).filter_map(move |ticks| {
        let (at_s, _) = ticks.last()?;
        // Samples that were put together stand for more than a second; the newest second may not be over.
        let seconds = *at_s - std::mem::replace(&mut from_s, *at_s);
        let share = if seconds > 1.5 { seconds } else { 1.0 };
        if seconds < WHOLE_S {
            return None;
        }
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

/// A level at each sample; a figure over a window for each second.
fn levels(lane: &LaneLine, measure: &Measure) -> Vec<(f64, Option<f64>)> {
    if let Some((figure, kind)) = measure.over_window() {
        return each_second(lane, figure, kind);
    }
    lane.samples.iter().map(|(at_s, sample)| (*at_s, level(sample, measure))).collect()
}

/// A figure over each second, of one kind of request or of all; seconds without one are left out.
fn each_second(
    lane: &LaneLine,
    figure: WindowMeasure,
    kind: Option<&str>,
) -> Vec<(f64, Option<f64>)> {
    let mut from_s = 0.0;
    let each = seconds(lane).filter_map(|ticks| {
        let loads = ticks.iter().map(|(_, sample)| &sample.load);
        let window = match kind {
            Some(kind) => Window::of_kind(loads.filter_map(|load| load.kinds.get(kind))),
            None => Window::of(loads),
        };
        let to_s = ticks.last()?.0;
        let value = window.value(figure, to_s - std::mem::replace(&mut from_s, to_s))?;
        Some((to_s, Some(value)))
    });
    each.collect()
}

/// Returns the theory of a measure from the release to the first exit.
fn theory_of(
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
    let values = theory.values(&timeline.param_history, release_s, &times);
    times.into_iter().zip(values).collect()
}
