//! The events of a run, in order, by lane: what verdict and report read.

use std::collections::{BTreeMap, HashMap};

use crate::event::{
    Event, EventKind, ExitCause, InstanceSample, KindTick, MOST_KINDS, Metric, Ready, Sample,
    ServerSample, WaitSite,
};
use crate::incident::Manifest;
use crate::incident::manifest::Switch;
use crate::incident::measure::{KindFigure, KindMeasure, Level, Measure};
use crate::incident::theory::ParamHistory;
use crate::incident::traffic::Load;
use crate::load::tally::TRUSTED_LAG_MS;
use crate::window::{Distribution, Window};

/// All that a run measured.
#[derive(Debug)]
pub struct Timeline {
    /// One a lane.
    pub lanes: Vec<LaneLine>,
    /// Time of the release in seconds; none: not yet.
    pub release_s: Option<f64>,
    /// Lateness of the load generator.
    pub lag: Distribution,
    /// The last sample's time, in seconds.
    pub end_s: f64,
    /// Requests that the driver could not send, for want of connections on its own side.
    pub not_sent: u64,
    /// Events that were lost.
    pub dropped: u64,
    /// Rate and parameters as they were.
    pub param_history: ParamHistory,
    /// The traffic, whose shares follow the parameters.
    load: Load,
    /// Times at which the load generator stood still, and their lengths, in seconds.
    stood_s: Vec<(f64, f64)>,
    /// True if the clock of the machine jumped.
    pub clock_jumped: bool,
    release_phase: usize,
    cap_bytes: u64,
}

/// All that one lane measured.
#[derive(Debug, Default)]
pub struct LaneLine {
    /// The variant that the release brings.
    pub variant: String,
    /// Seconds, and the tick's sample. Those of the first minutes and of the newest are as they came;
    /// those between stand for more time the longer a run gets, each with the requests of all that
    /// time and the highest levels in it: a run of any length takes the memory of ten minutes.
    pub samples: Vec<(f64, Sample)>,
    /// All requests.
    pub load: Window,
    /// Those of each kind.
    pub kinds: BTreeMap<String, Window>,
    /// By how much its memory cap is above the manifest's.
    pub more_cap_bytes: u64,
    /// Exits of its processes, except requested ones.
    pub exits: Vec<Exit>,
    /// Times of restarts, in seconds.
    pub restarts: Vec<f64>,
    /// Times at which a bug was switched, in seconds.
    pub switched_s: Vec<f64>,
    /// The metrics that its code registered.
    pub metrics: BTreeMap<String, Metric>,
    /// Each wait site with the most tasks that waited there.
    pub wait_peaks: Vec<WaitSite>,
    /// The place of each wait site among the peaks.
    places: HashMap<(String, u32, String), usize>,
}

/// Samples of a lane that stay as they came: claims are about the minutes around a release.
const EXACT: usize = 3000;

/// Samples of a lane that are kept: as many as ten minutes have.
const MOST: usize = 6000;

/// The newest samples, which stay as they came for now.
const NEWEST: usize = 600;

/// Wait sites of a lane that are told apart: code has far fewer.
const APART: usize = 1000;

/// Exit of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Why.
    pub cause: ExitCause,
    /// Its exit code.
    pub code: Option<i32>,
}

impl Timeline {
    /// An empty timeline of a run with these lanes.
    pub fn new(manifest: &Manifest, variants: &[String]) -> Self {
        let on = manifest.phases.iter().position(|phase| phase.bugs == Some(Switch::On));
        let lane = |variant: &String| LaneLine { variant: variant.clone(), ..LaneLine::default() };
        Self {
            lanes: variants.iter().map(lane).collect(),
            release_phase: on.unwrap_or(0),
            cap_bytes: manifest.memory.cap_bytes(),
            param_history: ParamHistory::new(manifest.formula_values()),
            load: manifest.load.clone(),
            release_s: None,
            lag: Distribution::default(),
            end_s: 0.0,
            not_sent: 0,
            dropped: 0,
            stood_s: Vec::new(),
            clock_jumped: false,
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        let at_s = event.at_ms as f64 / 1000.0;
        match &event.what {
            EventKind::Phase { index, .. } if *index == self.release_phase => {
                self.release_s = Some(at_s);
            }
            EventKind::Rate { rate_per_s } => {
                self.param_history.set(at_s, "rate_per_s", *rate_per_s);
            }
            EventKind::Param { name, value } => {
                self.param_history.set_param(at_s, (name, *value), &self.load);
            }
            EventKind::Driver { lag_us, not_sent } => {
                self.lag.add(lag_us);
                self.not_sent = self.not_sent.saturating_add(*not_sent);
                let most = lag_us.iter().map(|(lag_us, _)| *lag_us).max().unwrap_or_default();
                if most >= STOOD_US && self.stood_s.len() < APART {
                    self.stood_s.push((at_s, most as f64 / 1e6));
                }
            }
            EventKind::ClockJumped { .. } => self.clock_jumped = true,
            EventKind::Dropped { events } => self.dropped = self.dropped.saturating_add(*events),
            EventKind::Sample(_) => {
                // A tick that comes so late: the measuring process has stood still, with or without the lanes.
                if self.end_s > 0.0 && at_s - self.end_s > GAP_S && self.stood_s.len() < APART {
                    self.stood_s.push((at_s, at_s - self.end_s));
                }
                self.end_s = self.end_s.max(at_s);
            }
            _ => {}
        }
        if let Some(lane) = event.lane.and_then(|lane| self.lanes.get_mut(lane)) {
            lane.push(event, at_s, self.cap_bytes);
        }
    }
}

/// A driver that is so late has not been slow, but has stood still: it was stopped, or the machine slept.
const STOOD_US: u64 = 1_000_000;

/// Seconds between two samples, of which there are ten a second, after which somebody has stood still.
const GAP_S: f64 = 1.5;

impl Timeline {
    /// Returns true if the load generator was too late for the figures to be trusted.
    pub fn driver_is_late(&self) -> bool {
        self.lag.percentile_ms(99.0).is_some_and(|p99_ms| p99_ms > TRUSTED_LAG_MS)
    }

    /// Returns true if the load generator stood still between two times, in seconds.
    pub fn stood_between(&self, from_s: f64, to_s: f64) -> bool {
        let within = |(at_s, for_s): &(f64, f64)| *at_s > from_s && at_s - for_s < to_s;
        self.stood_s.iter().any(within)
    }
}

/// Returns true if a level is a metric of which the highest value stands for several instances.
pub fn is_highest(metrics: &BTreeMap<String, Metric>, level: &Measure) -> bool {
    let name = level.name().split('{').next().unwrap_or_default();
    metrics.get(name).is_some_and(|metric| metric.highest)
}

impl LaneLine {
    /// Returns true if this level is the highest of several instances, and not their sum.
    pub fn is_of_highest_instance(&self, level: &Measure) -> bool {
        let several = self.samples.iter().any(|(_, sample)| sample.instances.len() > 1);
        several && is_highest(&self.metrics, level)
    }

    /// Returns true if one of its processes could not be restarted, or did not start to serve.
    pub fn was_refused(&self) -> bool {
        self.exits.iter().any(|exit| matches!(exit.cause, ExitCause::Refused { .. }))
    }

    /// Returns true if one of its processes was killed, and not by its supervisor.
    pub fn was_killed(&self) -> bool {
        self.exits.iter().any(|exit| exit.cause == ExitCause::Killed)
    }

    fn push(&mut self, event: &Event, at_s: f64, cap_bytes: u64) {
        match &event.what {
            EventKind::Sample(sample) => {
                for site in sample.server.iter().flat_map(|server| &server.wait_sites) {
                    self.peak(site);
                }
                self.load.add(&sample.load);
                for (name, tick) in &sample.load.kinds {
                    if self.kinds.contains_key(name) {
                        self.kinds.get_mut(name).into_iter().for_each(|sum| sum.add_kind(tick));
                    } else if self.kinds.len() < MOST_KINDS {
                        self.kinds.entry(name.clone()).or_default().add_kind(tick);
                    }
                }
                self.samples.push((at_s, sample.clone()));
                if self.samples.len() > MOST {
                    self.thin();
                }
            }
            EventKind::Ready(Ready { cap_bytes: own, .. }) => {
                let own = own.unwrap_or(cap_bytes);
                self.more_cap_bytes = self.more_cap_bytes.max(own.saturating_sub(cap_bytes));
            }
            EventKind::Metric(metric) => {
                self.metrics.insert(metric.name.clone(), metric.clone());
            }
            EventKind::Exit { cause, code, .. } if *cause != ExitCause::Stopped => {
                self.exits.push(Exit { at_ms: event.at_ms, cause: cause.clone(), code: *code });
            }
            EventKind::Starting { attempt: 2.., .. } => self.restarts.push(at_s),
            EventKind::Bug { .. } if self.switched_s.len() < APART => self.switched_s.push(at_s),
            _ => {}
        }
    }

    fn peak(&mut self, site: &WaitSite) {
        let key = (site.file.clone(), site.line, site.label.clone());
        if let Some(known) = self.places.get(&key).and_then(|place| self.wait_peaks.get_mut(*place))
        {
            known.waiting = known.waiting.max(site.waiting);
        } else if self.wait_peaks.len() < APART {
            self.places.insert(key, self.wait_peaks.len());
            self.wait_peaks.push(site.clone());
        }
    }

    /// Puts samples between the first and the newest together, two by two.
    fn thin(&mut self) {
        let newest = self.samples.split_off(self.samples.len() - NEWEST);
        let mut between = self.samples.split_off(EXACT).into_iter();
        while let Some((mut at_s, mut sample)) = between.next() {
            if let Some((later_s, later)) = between.next() {
                at_s = later_s;
                sample.and_then(later);
            }
            self.samples.push((at_s, sample));
        }
        self.samples.extend(newest);
    }

    /// The samples from one time to another, in seconds.
    pub fn between(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = (f64, &Sample)> {
        let within = move |(at_s, _): &&(f64, Sample)| (from_s..=to_s).contains(at_s);
        self.samples.iter().filter(within).map(|(at_s, sample)| (*at_s, sample))
    }

    /// The first exit, in seconds.
    pub fn first_exit_s(&self) -> Option<f64> {
        self.exits.first().map(|exit| exit.at_ms as f64 / 1000.0)
    }
}

/// Process measurements of a sample, wherever they are stored.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'a> {
    /// Measurements of the server; none without a process.
    pub server: Option<&'a ServerSample>,
    /// Resident memory.
    pub resident_bytes: Option<u64>,
    /// Share of a processor, in percent.
    pub cpu_percent: Option<f64>,
    /// Requests in flight.
    pub in_flight: u64,
    /// The tick's requests by kind, where kinds have names.
    pub kinds: &'a BTreeMap<String, KindTick>,
    /// Each instance, where there are several.
    pub instances: &'a [InstanceSample],
}

impl<'a> From<&'a Sample> for Levels<'a> {
    fn from(sample: &'a Sample) -> Self {
        Self {
            server: sample.server.as_ref(),
            resident_bytes: sample.resident_bytes,
            cpu_percent: sample.cpu_percent,
            in_flight: sample.load.in_flight,
            kinds: &sample.load.kinds,
            instances: &sample.instances,
        }
    }
}

/// The value of a measure that each sample carries; none for another, or without a process.
pub fn level<'a>(levels: impl Into<Levels<'a>>, measure: &Measure) -> Option<f64> {
    let Levels { server, resident_bytes, cpu_percent, in_flight, kinds, instances } = levels.into();
    match measure {
        Measure::Registered(name) => server?.metrics.get(name).copied(),
        Measure::OfKind(KindMeasure { figure: KindFigure::InFlight, kind, .. }) => {
            Some(kinds.get(kind).map_or(0, |tick| tick.in_flight) as f64)
        }
        Measure::Level(level) => match level {
            Level::InFlight => Some(in_flight as f64),
            Level::MemoryBytes => resident_bytes.map(|bytes| bytes as f64),
            Level::CpuPercent => server.map(|_| cpu_percent.unwrap_or_default()),
            Level::Tasks => server.map(|server| server.tasks as f64),
            Level::Connections => server.map(|server| server.connections as f64),
            Level::HeapBytes => server.map(|server| server.heap_bytes as f64),
            Level::Series => server.map(|server| server.series as f64),
            Level::Waiting => server.map(|server| {
                server.wait_sites.iter().map(|site| site.waiting).sum::<u64>() as f64
            }),
            Level::Instances => Some(match instances.len() {
                0 => f64::from(u8::from(server.is_some())),
                _ => instances.iter().filter(|instance| instance.serves).count() as f64,
            }),
        },
        Measure::OverWindow(_) | Measure::OfKind(_) | Measure::Restarts | Measure::Exits => None,
    }
}

/// The slope of the least-squares line through the points, in y a unit of x; none for fewer than
/// two points, or when all have the same x.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    if points.len() < 2 {
        return None;
    }
    let (mean_x, mean_y) =
        (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = include_str!("../tests/data/incident.toml");
        Manifest::parse("incident.toml", text).expect("it is in order")
    }

    #[test]
    fn an_hour_takes_the_memory_of_ten_minutes_and_says_the_same() {
        let mut timeline = Timeline::new(&manifest(), &["broken".to_owned()]);
        for tick in 1..=36_000_u64 {
            let mut sample = Sample { resident_bytes: Some(1 << 20), ..Sample::default() };
            sample.load.sent = 20;
            sample.load.outcomes.ok = 20;
            sample.load.latency_us = vec![(1000 + tick % 977, 19), (5_000_000 + tick, 1)];
            // A peak between the first minutes and the newest.
            if tick == 20_001 {
                sample.resident_bytes = Some(99 << 20);
            }
            let server = crate::event::ServerSample { tasks: tick, ..Default::default() };
            sample.server = Some(server);
            timeline.push(&Event {
                at_ms: tick * 100,
                lane: Some(0),
                what: EventKind::Sample(sample),
            });
        }
        let lane = &timeline.lanes[0];
        assert!(lane.samples.len() <= MOST, "{}", lane.samples.len());
        let sent: u64 = lane.samples.iter().map(|(_, sample)| sample.load.sent).sum();
        assert_eq!((sent, lane.load.sent), (720_000, 720_000));
        let values = lane.samples.iter().map(|(_, sample)| sample.load.latency_us.len());
        assert!(values.max().is_some_and(|most| most < 200));
        let memory = Measure::Level(Level::MemoryBytes);
        let levels = || lane.samples.iter().filter_map(|(_, sample)| level(sample, &memory));
        assert!(levels().any(|bytes| bytes > 98e6));
        let tasks: Vec<(f64, f64)> = lane
            .between(0.0, 3600.0)
            .filter_map(|(at_s, s)| Some((at_s, level(s, &Measure::Level(Level::Tasks))?)))
            .collect();
        let grows = slope(&tasks).expect("many points");
        assert!((grows / 10.0 - 1.0).abs() < 1e-6, "{grows}");
        // The first five minutes, and the newest, are as they came.
        assert!(lane.samples[..EXACT].windows(2).all(|two| two[1].0 - two[0].0 < 0.11));
        assert!(lane.samples.iter().rev().take(NEWEST).all(|(_, sample)| sample.load.sent == 20));
    }

    #[test]
    fn the_slope_is_that_of_the_line() {
        let line: Vec<(f64, f64)> =
            (0..100).map(|x| (f64::from(x), f64::from(x) * 190.0)).collect();
        assert!((slope(&line).expect("two points and more") - 190.0).abs() < 1e-9);
        assert_eq!(slope(&line[..1]), None);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
