//! Report of a run, as one JSON object and as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;

use crate::event::{Clock, ExitCause, Outcomes, WaitSite};
use crate::figures::{count, mib, millis, number};
use crate::incident::Manifest;
use crate::incident::claim::Claim;
use crate::incident::formula::Values;
use crate::incident::measure::{self, Level, Measure};
use crate::load::tally::TRUSTED_LAG_MS;
use crate::plan::Case;
use crate::stability::{Stability, stability};
use crate::timeline::{LaneLine, Timeline, level};
use crate::verdict::{Agreement, Period, Verdict, agreements, grows, judge, period};
use crate::window::Window;

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

/// A figure of all lanes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Name.
    pub name: String,
    /// As each lane has it.
    pub cells: Vec<String>,
}

impl Report {
    /// The figures, a row each: what table and page show.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut row = |name: &str, cell: &dyn Fn(&LaneReport) -> String| {
            let cells = self.lanes.iter().map(cell).collect();
            rows.push(Row { name: name.to_owned(), cells });
        };
        let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), millis);
        let level = |value: Option<f64>| value.map_or("–".to_owned(), number);
        let memory = |bytes: Option<f64>| bytes.map_or("–".to_owned(), |bytes| mib(bytes as u64));
        row("requests sent", &|lane| count(lane.requests.sent));
        row("  ok", &|lane| count(lane.requests.ok));
        if self.lanes.iter().any(|lane| lane.requests.wrong > 0) {
            row("  wrong", &|lane| count(lane.requests.wrong));
        }
        row("  rejected (4xx)", &|lane| count(lane.requests.rejected));
        row("  failed", &|lane| count(lane.requests.failed));
        let reasons: BTreeSet<&String> =
            self.lanes.iter().flat_map(|lane| lane.requests.handshakes.keys()).collect();
        for reason in reasons {
            let of = |lane: &LaneReport| lane.requests.handshakes.get(reason).copied();
            row(&format!("    {reason}"), &|lane| count(of(lane).unwrap_or_default()));
        }
        row("  timed out", &|lane| count(lane.requests.timed_out));
        row("  unfinished", &|lane| count(lane.requests.unfinished));
        row("latency p50", &|lane| ms(lane.latency_ms.p50));
        row("latency p99", &|lane| ms(lane.latency_ms.p99));
        row("p99 of answered only", &|lane| ms(lane.latency_ms.naive_p99));
        let kinds: BTreeSet<&String> = self.lanes.iter().flat_map(|l| l.kinds.keys()).collect();
        for name in kinds {
            row(&format!("{name}: ok of sent"), &|lane| match lane.kinds.get(name) {
                Some(kind) => {
                    format!("{} of {}", count(kind.requests.ok), count(kind.requests.sent))
                }
                None => "–".to_owned(),
            });
            row(&format!("{name}: p99"), &|lane| {
                ms(lane.kinds.get(name).and_then(|kind| kind.latency_ms.p99))
            });
        }
        row("tasks, peak", &|lane| level(lane.tasks.peak));
        row("tasks, growth a second", &|lane| level(lane.tasks.slope_per_s));
        let cap = match self.instances {
            1 => format!("memory, peak of {}", mib(self.memory_cap_bytes)),
            n => format!("memory, of {n} x {}", mib(self.memory_cap_bytes)),
        };
        row(&cap, &|lane| memory(lane.memory_bytes.peak));
        if self.lanes.iter().any(|lane| lane.cpu_percent.peak > Some(0.0)) {
            row("processors, peak %", &|lane| level(lane.cpu_percent.peak));
        }
        row("series of metrics", &|lane| level(lane.series.end));
        row("exits", &|lane| count(lane.exits.len() as u64));
        row("restarts", &|lane| count(lane.restarts as u64));
        let names: BTreeSet<&String> = self.lanes.iter().flat_map(|l| l.gauges.keys()).collect();
        for name in names {
            let ours = |gauge: &GaugeReport| gauge.incident == self.incident;
            if self.lanes.iter().any(|lane| lane.gauges.get(name).is_some_and(ours)) {
                let end = |lane: &LaneReport| level(lane.gauges.get(name).and_then(|g| g.end));
                row(&name.replace('_', " "), &end);
            }
        }
        rows
    }
}

/// The report as a table for people.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let header = format!(
        "{} · {} clock · {} req/s · {} s · seed {}",
        report.incident,
        report.clock.word(),
        number(report.rate_per_s),
        (report.duration_s * 100.0).round() / 100.0,
        report.seed
    );
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{header}\n");
    let names = report.lanes.iter().map(|lane| lane.variant.clone()).collect();
    let head = Row { name: String::new(), cells: names };
    for Row { name, cells } in std::iter::once(head).chain(report.rows()) {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>16}")).collect();
        let _ = writeln!(text, "  {name:<26}{}", cells.concat());
    }
    let ms = |ms: Option<f64>| ms.map_or("–".to_owned(), millis);
    if report.lanes.iter().any(|lane| lane.restarts > 0) {
        let _ = writeln!(text, "\n  {SINCE_RESTART}");
    }
    for lane in &report.lanes {
        for site in &lane.wait_sites {
            let _ = writeln!(
                text,
                "\n  {}: up to {} tasks waited at {}:{} ({})",
                lane.variant,
                count(site.peak),
                site.file,
                site.line,
                site.label
            );
        }
    }
    if report.clock == Clock::Live {
        let _ = writeln!(text, "\n  driver's lag p99 {}", ms(report.driver_lag_ms.p99));
    }
    if !report.trusted {
        let _ = writeln!(
            text,
            "  The driver started requests more than {TRUSTED_LAG_MS} ms late: this machine was \
             too busy, and the figures are not to be trusted."
        );
    }
    if report.dropped_events > 0 {
        let _ = writeln!(text, "  {} events were lost.", count(report.dropped_events));
    }
    if let Some(stability) = &report.stability {
        let _ = write!(text, "\n{}", crate::stability::table(stability));
    }
    let _ = writeln!(text);
    checks(&mut text, &report.verdict);
    text
}

/// The theories of a run in lines, each beside what was measured.
pub fn theory_table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ =
        writeln!(text, "\n  {:<34}{:>12}{:>12}{:>10}", "theory", "computed", "measured", "apart");
    for line in &report.theory {
        let (how, unit) = if line.of_growth { ("grows by", "/s") } else { ("is", "") };
        let name = format!("{}: {} {how}", line.variant, line.metric);
        let figure = |value: f64| format!("{}{unit}", number(value));
        let apart =
            line.apart_percent.map_or("–".to_owned(), |apart| format!("{} %", number(apart)));
        let (theory, measured) = (figure(line.theory), figure(line.measured));
        let _ = writeln!(text, "  {name:<34}{theory:>12}{measured:>12}{apart:>10}");
    }
    if report.theory.is_empty() {
        let _ =
            writeln!(text, "  none of the lanes has a theory that this run could be compared with");
    }
    text
}

/// The verdict, a line each check.
fn checks(text: &mut String, verdict: &Verdict) {
    for check in &verdict.checks {
        let mark = match (check.undecided, check.holds) {
            (Some(_), _) => "undecided",
            (None, true) => "held",
            (None, false) => "FAILED",
        };
        let window = check.window_s.map_or(String::new(), |[from_s, to_s]| {
            format!("{}–{} s", number(from_s), number(to_s))
        });
        let _ = writeln!(
            text,
            "  {mark:<10}{:<10}{:<26}{:<21}{:>10}  {}",
            check.variant,
            check.metric,
            check.expected,
            window,
            check.outcome(),
        );
    }
    let _ = writeln!(text, "\n  {}", verdict.says());
}
