//! Report of a run, as one JSON object; `text`: as a table.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{Clock, ExitCause, Outcomes, WaitSite};
use crate::incident::Manifest;
use crate::incident::claim::Claim;
use crate::incident::formula::Values;
use crate::incident::measure::{self, Level, Measure};
use crate::plan::Case;
use crate::stability::{Stability, stability};
use crate::timeline::{LaneLine, Timeline, level};
use crate::verdict::{Agreement, Period, Verdict, agreements, grows, judge, period};
use crate::window::Window;

pub use text::{Row, table, theory_table};

// ANCHOR: report
/// A run, measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The incident's id.
    pub incident: String,
    /// The clock.
    pub clock: Clock,
    /// The arrivals' seed.
    pub seed: u64,
    /// Arrivals a second, to each lane, at the beginning.
    pub rate_per_s: f64,
    /// Values of the incident's parameters.
    pub params: Values,
    /// Resident memory at which a lane is killed.
    pub memory_cap_bytes: u64,
    /// Processes of the lane that had most of them.
    pub instances: usize,
    /// Measured time in seconds.
    pub duration_s: f64,
    /// Lateness of the load generator.
    pub driver_lag_ms: Lag,
    /// True if the load generator was punctual enough for the figures to be trusted.
    pub trusted: bool,
    /// Events that were lost on the way to this report.
    pub dropped_events: u64,
    /// One a lane.
    pub lanes: Vec<LaneReport>,
    /// Stability of the lanes, if faults were injected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<Stability>,
    /// The manifest's theories beside what was measured, over the first seconds after the release. What has too
    /// few samples is not compared.
    pub theory: Vec<TheoryReport>,
    /// Result of the claims.
    pub verdict: Verdict,
}

/// A theory beside the measurement.
#[derive(Debug, Clone, Serialize)]
pub struct TheoryReport {
    /// The lane's variant.
    pub variant: String,
    /// The measure.
    pub metric: String,
    /// True if growth per second is compared, false for the mean of a constant theory.
    pub of_growth: bool,
    /// By theory.
    pub theory: f64,
    /// As measured.
    pub measured: f64,
    /// Relative deviation of the measurement in percent; none if theory says 0 and the measurement does not.
    pub apart_percent: Option<f64>,
}

impl From<Agreement> for TheoryReport {
    fn from(agreement: Agreement) -> Self {
        let apart_percent = agreement.apart() * 100.0;
        let Agreement { variant, metric, of_growth, theory, measured } = agreement;
        Self {
            variant,
            metric: metric.to_string(),
            of_growth,
            theory,
            measured,
            apart_percent: Some(apart_percent).filter(|apart| apart.is_finite()),
        }
    }
}

/// Lateness of the load generator.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "percentiles, as named, in milliseconds")]
pub struct Lag {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

/// One lane, measured.
#[derive(Debug, Clone, Serialize)]
pub struct LaneReport {
    /// The variant that the release brought.
    pub variant: String,
    /// Outcomes of the requests.
    pub requests: Requests,
    /// Latency since each request was due, the unanswered ones included.
    pub latency_ms: Latency,
    /// Tasks alive in the server, without those that serve a connection.
    pub tasks: LevelSummary,
    /// Connections open in the server.
    pub connections: LevelSummary,
    /// Its resident memory.
    pub memory_bytes: LevelSummary,
    /// Share of its processors that it used, in percent.
    pub cpu_percent: LevelSummary,
    /// Series of metrics.
    pub series: LevelSummary,
    /// By kind of request, where the incident names several.
    pub kinds: BTreeMap<String, KindReport>,
    /// Exits of its processes.
    pub exits: Vec<ExitReport>,
    /// Number of restarts.
    pub restarts: usize,
    /// The metrics that its code registered.
    pub gauges: BTreeMap<String, GaugeReport>,
    /// Wait sites of its tasks.
    pub wait_sites: Vec<WaitSiteReport>,
}

/// Outcomes of the requests: `sent` is the sum of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as in crate::event::LoadTick")]
pub struct Requests {
    pub sent: u64,
    pub ok: u64,
    /// Answered, and not as it should be.
    pub wrong: u64,
    pub rejected: u64,
    pub failed: u64,
    /// Failed handshakes among the failed requests, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub handshakes: BTreeMap<String, u64>,
    pub timed_out: u64,
    pub unfinished: u64,
}

/// The requests of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct KindReport {
    /// Outcomes.
    pub requests: Requests,
    /// Their latency.
    pub latency_ms: Latency,
}

/// Percentiles of latency, in milliseconds; none without requests.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "percentiles, as named")]
pub struct Latency {
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    /// The percentile over answered requests only, as in load tools that leave failures out.
    pub naive_p99: Option<f64>,
}

/// Values of a level over time.
#[derive(Debug, Clone, Serialize)]
pub struct LevelSummary {
    /// At the first sample.
    pub start: Option<f64>,
    /// The highest.
    pub peak: Option<f64>,
    /// At the last sample.
    pub end: Option<f64>,
    /// By least squares, over the window of the expectation of its slope; where there is none,
    /// from the release to the end or the first exit.
    pub slope_per_s: Option<f64>,
}

/// Exit of a process.
#[derive(Debug, Clone, Serialize)]
pub struct ExitReport {
    /// Seconds since the run began.
    pub at_s: f64,
    /// Why, as one word.
    pub cause: &'static str,
    /// Its exit code.
    pub code: Option<i32>,
}

/// One registered metric.
#[derive(Debug, Clone, Serialize)]
pub struct GaugeReport {
    /// Its unit.
    pub unit: String,
    /// The incident that it belongs to; empty for the service's own.
    pub incident: String,
    /// Its highest value.
    pub peak: f64,
    /// Its value in the last process, which counts from its own start; none: it had none yet.
    pub end: Option<f64>,
}

/// One wait site.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "as in crate::event::WaitSite")]
pub struct WaitSiteReport {
    pub file: String,
    pub line: u32,
    pub label: String,
    /// The most tasks that waited there at once.
    pub peak: u64,
}

// ANCHOR_END: report
impl Report {
    /// Sums up a run.
    pub fn new(case: &Case, clock: Clock, timeline: &Timeline) -> Self {
        let (manifest, values) = (&case.entry.manifest, case.values());
        let lag = Lag {
            p50: timeline.lag.percentile_ms(50.0),
            p99: timeline.lag.percentile_ms(99.0),
            max: timeline.lag.percentile_ms(100.0),
        };
        let samples = timeline.lanes.iter().flat_map(|lane| &lane.samples);
        let instances = samples.map(|(_, sample)| sample.instances.len());
        let lanes = timeline.lanes.iter().map(|lane| lane_report(manifest, timeline, lane));
        Self {
            incident: manifest.id.clone(),
            clock,
            seed: case.plan.seed,
            rate_per_s: values.get("rate_per_s").copied().unwrap_or_default(),
            params: manifest
                .params
                .keys()
                .filter_map(|n| Some((n.clone(), *values.get(n)?)))
                .collect(),
            memory_cap_bytes: manifest.memory.cap_bytes(),
            instances: instances.max().unwrap_or(manifest.instances).max(manifest.instances),
            duration_s: timeline.end_s,
            trusted: !timeline.driver_is_late(),
            driver_lag_ms: lag,
            dropped_events: timeline.dropped,
            lanes: lanes.collect(),
            stability: stability(timeline),
            theory: agreements(manifest, timeline).into_iter().map(Into::into).collect(),
            verdict: judge(manifest, timeline),
        }
    }
}

fn lane_report(manifest: &Manifest, timeline: &Timeline, lane: &LaneLine) -> LaneReport {
    let in_flight = lane.samples.last().map_or(0, |(_, sample)| sample.load.in_flight);
    let kinds = lane.kinds.iter().map(|(name, sum)| {
        let report = KindReport { requests: requests(sum, 0), latency_ms: latency(sum) };
        (name.clone(), report)
    });
    let exit = |exit: &crate::timeline::Exit| ExitReport {
        at_s: exit.at_ms as f64 / 1000.0,
        cause: exit.cause.word(),
        code: exit.code,
    };
    let site = |site: &WaitSite| WaitSiteReport {
        file: site.file.clone(),
        line: site.line,
        label: site.label.clone(),
        peak: site.waiting,
    };
    let summary = |metric| level_summary(manifest, timeline, lane, &Measure::Level(metric));
    let mut memory_bytes = summary(Level::MemoryBytes);
    // What was seen at a kill is the highest, and between two samples.
    let at_kills = lane.exits.iter().filter_map(|exit| match exit.cause {
        ExitCause::OutOfMemory { resident_bytes, .. } => Some(resident_bytes as f64),
        _ => None,
    });
    memory_bytes.peak = at_kills.chain(memory_bytes.peak).reduce(f64::max);
    LaneReport {
        variant: lane.variant.clone(),
        // A recording may stop while requests are under way.
        requests: requests(&lane.load, in_flight),
        latency_ms: latency(&lane.load),
        kinds: kinds.collect(),
        tasks: summary(Level::Tasks),
        connections: summary(Level::Connections),
        memory_bytes,
        cpu_percent: summary(Level::CpuPercent),
        series: summary(Level::Series),
        exits: lane.exits.iter().map(exit).collect(),
        restarts: lane.restarts.len(),
        gauges: gauges(lane),
        wait_sites: lane.wait_peaks.iter().map(site).collect(),
    }
}

fn requests(sum: &Window, in_flight: u64) -> Requests {
    let Outcomes { ok, wrong, rejected, failed, timed_out, unfinished } = sum.outcomes;
    Requests {
        sent: sum.sent,
        ok,
        wrong,
        rejected,
        failed,
        handshakes: sum.handshakes.clone(),
        timed_out,
        unfinished: unfinished.saturating_add(in_flight),
    }
}

fn latency(sum: &Window) -> Latency {
    let of = |period| sum.value(period, 0.0);
    Latency {
        p50: of(measure::WindowMeasure::P50Ms),
        p90: of(measure::WindowMeasure::P90Ms),
        p99: of(measure::WindowMeasure::P99Ms),
        max: of(measure::WindowMeasure::MaxMs),
        naive_p99: of(measure::WindowMeasure::NaiveP99Ms),
    }
}

fn gauges(lane: &LaneLine) -> BTreeMap<String, GaugeReport> {
    let mut gauges = BTreeMap::new();
    for (name, metric) in &lane.metrics {
        let measure = Measure::Registered(name.clone());
        let values = lane.samples.iter().filter_map(|(_, sample)| level(sample, &measure));
        let served = lane.samples.iter().rev().find(|(_, sample)| sample.server.is_some());
        let end = served.and_then(|(_, sample)| level(sample, &measure));
        if let Some(peak) = values.reduce(f64::max) {
            gauges.insert(
                name.clone(),
                GaugeReport {
                    unit: metric.unit.clone(),
                    incident: metric.incident.clone(),
                    peak,
                    end,
                },
            );
        }
    }
    gauges
}

fn level_summary(
    manifest: &Manifest,
    timeline: &Timeline,
    lane: &LaneLine,
    measure: &Measure,
) -> LevelSummary {
    let levels: Vec<f64> = lane.samples.iter().filter_map(|(_, s)| level(s, measure)).collect();
    let named = manifest.expectations.iter().find(|expectation| {
        expectation.variant == lane.variant
            && expectation.metric == *measure
            && matches!(expectation.claim, Claim::Slope(..))
    });
    let window = match named {
        Some(expectation) => period(timeline.release_s, expectation, timeline, lane).ok(),
        None => timeline.release_s.map(|from_s| {
            let to_s = lane.first_exit_s().unwrap_or(timeline.end_s);
            Period { from_s, to_s }
        }),
    };
    LevelSummary {
        start: levels.first().copied(),
        peak: levels.iter().copied().reduce(f64::max),
        end: levels.last().copied(),
        slope_per_s: window.and_then(|window| grows(lane, measure, window)),
    }
}

/// Note on metrics after a restart.
pub const SINCE_RESTART: &str =
    "A lane's own metrics are those of its last process, and count from its start.";
