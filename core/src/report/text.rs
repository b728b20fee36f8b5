//! A report as text for people: the rows, the theories, the verdict.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{GaugeReport, LaneReport, Report, SINCE_RESTART};
use crate::event::Clock;
use crate::figures::{count, mib, millis, number};
use crate::load::tally::TRUSTED_LAG_MS;
use crate::verdict::Verdict;

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
            "  {mark:<10}{:<10}{:<27} {:<21}{:>10}  {}",
            check.variant,
            check.metric,
            check.expected,
            window,
            check.outcome(),
        );
    }
    let _ = writeln!(text, "\n  {}", verdict.says());
}
