//! The events of a run, in order, by lane: what verdict and report read.

use std::collections::BTreeMap;

use crate::event::{Event, ExitCause, LoadTick, Metric, Sample, WaitSite, What};
use crate::incident::Manifest;
use crate::incident::manifest::Switch;
use crate::load::tally::Percentiles;

/// All that a run measured.
#[derive(Debug, Default)]
pub struct Timeline {
    /// One a lane.
    pub lanes: Vec<LaneLine>,
    /// When the release went out, in seconds; none: not yet.
    pub release_s: Option<f64>,
    /// How late the driver started requests.
    pub lag: Percentiles,
    /// The last sample's time, in seconds.
    pub end_s: f64,
    /// Events that were lost.
    pub dropped: u64,
    release_phase: usize,
}

/// All that one lane measured.
#[derive(Debug, Default)]
pub struct LaneLine {
    /// The variant that the release brings.
    pub variant: String,
    /// Seconds, and the tick's sample.
    pub samples: Vec<(f64, Sample)>,
    /// How its processes ended, but for those that were asked to.
    pub exits: Vec<Exit>,
    /// When it was started again, in seconds.
    pub restarts: Vec<f64>,
    /// The metrics that its code registered.
    pub metrics: BTreeMap<String, Metric>,
    /// Each wait site with the most tasks that waited there.
    pub wait_peaks: Vec<WaitSite>,
}

/// How a process ended.
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
            ..Self::default()
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        let at_s = event.at_ms as f64 / 1000.0;
        match &event.what {
            What::Phase { index, .. } if *index == self.release_phase => {
                self.release_s = Some(at_s);
            }
            What::Driver { lag_us } => self.lag.add(lag_us),
            What::Dropped { events } => self.dropped = self.dropped.saturating_add(*events),
            What::Sample(_) => self.end_s = self.end_s.max(at_s),
            _ => {}
        }
        if let Some(lane) = event.lane.and_then(|lane| self.lanes.get_mut(lane)) {
            lane.push(event, at_s);
        }
    }
}

impl LaneLine {
    fn push(&mut self, event: &Event, at_s: f64) {
        match &event.what {
            What::Sample(sample) => {
                for site in sample.server.iter().flat_map(|server| &server.wait_sites) {
                    self.peak(site);
                }
                self.samples.push((at_s, sample.clone()));
            }
            What::Metric(metric) => {
                self.metrics.insert(metric.name.clone(), metric.clone());
            }
            What::Exit { cause, code } if *cause != ExitCause::Stopped => {
                self.exits.push(Exit { at_ms: event.at_ms, cause: cause.clone(), code: *code });
            }
            What::Starting { attempt: 2.. } => self.restarts.push(at_s),
            _ => {}
        }
    }

    fn peak(&mut self, site: &WaitSite) {
        let same =
            |s: &&mut WaitSite| (&s.file, s.line, &s.label) == (&site.file, site.line, &site.label);
        match self.wait_peaks.iter_mut().find(same) {
            Some(known) => known.waiting = known.waiting.max(site.waiting),
            None => self.wait_peaks.push(site.clone()),
        }
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

/// The value of a metric that each sample carries: `tasks`, `connections`, `memory_bytes`,
/// `heap_bytes`, `in_flight`, or one that the lane's code registered.
pub fn level(sample: &Sample, metric: &str) -> Option<f64> {
    match metric {
        "in_flight" => Some(sample.load.in_flight as f64),
        "memory_bytes" => sample.resident_bytes.map(|bytes| bytes as f64),
        "tasks" => sample.server.as_ref().map(|server| server.tasks as f64),
        "connections" => sample.server.as_ref().map(|server| server.connections as f64),
        "heap_bytes" => sample.server.as_ref().map(|server| server.heap_bytes as f64),
        name => sample.server.as_ref()?.metrics.get(name).copied(),
    }
}

/// The outcomes and latencies of several ticks together.
#[derive(Debug, Clone, Default)]
pub struct LoadSum {
    /// Their counts; the latencies in it are empty.
    pub counts: LoadTick,
    /// All requests, those without an answer included.
    pub latency: Percentiles,
    /// The answered ones alone: what a load tool shows that leaves failures out.
    pub naive: Percentiles,
}

impl LoadSum {
    /// Forgets all ticks.
    pub fn clear(&mut self) {
        self.counts = LoadTick::default();
        self.latency.clear();
        self.naive.clear();
    }

    /// Adds a tick.
    pub fn add(&mut self, tick: &LoadTick) {
        let sum = &mut self.counts;
        sum.sent = sum.sent.saturating_add(tick.sent);
        sum.ok = sum.ok.saturating_add(tick.ok);
        sum.rejected = sum.rejected.saturating_add(tick.rejected);
        sum.failed = sum.failed.saturating_add(tick.failed);
        sum.timed_out = sum.timed_out.saturating_add(tick.timed_out);
        sum.unfinished = sum.unfinished.saturating_add(tick.unfinished);
        self.latency.add(&tick.latency_us);
        self.latency.add(&tick.unanswered_us);
        self.naive.add(&tick.latency_us);
    }

    /// Whether [`LoadSum::value`] knows a metric of this name.
    pub fn knows(metric: &str) -> bool {
        const KNOWN: [&str; 9] = [
            "ok_percent",
            "rejected_percent",
            "failed_percent",
            "timed_out_percent",
            "p50_ms",
            "p90_ms",
            "p99_ms",
            "max_ms",
            "naive_p99_ms",
        ];
        KNOWN.contains(&metric)
    }

    /// Requests with an outcome.
    pub fn ended(&self) -> u64 {
        let c = &self.counts;
        let outcomes = [c.ok, c.rejected, c.failed, c.timed_out, c.unfinished];
        outcomes.into_iter().fold(0, u64::saturating_add)
    }

    /// The value of a metric over the ticks: `ok_percent`, `rejected_percent`, `failed_percent`,
    /// `timed_out_percent`, `p50_ms`, `p90_ms`, `p99_ms`, `max_ms`, `naive_p99_ms`; none for
    /// another name, or without a request that ended.
    pub fn value(&self, metric: &str) -> Option<f64> {
        let percent = |count: u64| {
            let ended = self.ended();
            (ended > 0).then(|| count as f64 * 100.0 / ended as f64)
        };
        match metric {
            "ok_percent" => percent(self.counts.ok),
            "rejected_percent" => percent(self.counts.rejected),
            "failed_percent" => percent(self.counts.failed),
            "timed_out_percent" => percent(self.counts.timed_out),
            "p50_ms" => self.latency.at_ms(50.0),
            "p90_ms" => self.latency.at_ms(90.0),
            "p99_ms" => self.latency.at_ms(99.0),
            "max_ms" => self.latency.max_ms(),
            "naive_p99_ms" => self.naive.at_ms(99.0),
            _ => None,
        }
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

    #[test]
    fn the_slope_is_that_of_the_line() {
        let line: Vec<(f64, f64)> =
            (0..100).map(|x| (f64::from(x), f64::from(x) * 190.0)).collect();
        assert!((slope(&line).expect("two points and more") - 190.0).abs() < 1e-9);
        assert_eq!(slope(&line[..1]), None);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
