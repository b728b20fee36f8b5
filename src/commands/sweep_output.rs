//! Output of a sweep: a row for each value as soon as it is measured, then the knees; or JSON, or CSV.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::HeadlessOptions;
use crate::run::Spec;
use firedrill_core::figures::{millis, number};
use firedrill_core::incident::manifest::MAX_RATE_PER_S;
use firedrill_core::sweep::{FoundKnee, LanePoint, Sweep, SweepPoint};

/// Columns of the bar of right answers.
const BAR: usize = 8;

/// Columns of a lane.
const LANE: usize = 33;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Table,
    Json,
    Csv,
}

/// The whole sweep, for `--json`.
#[derive(Debug, Serialize)]
struct SweepReport<'a> {
    incident: &'a str,
    param: &'a str,
    unit: &'a str,
    seed: u64,
    duration_s: f64,
    points: Vec<SweepPoint>,
    /// None: interrupted before they were looked for.
    knees: Option<Vec<VariantKnee>>,
}

#[derive(Debug, Serialize)]
struct VariantKnee {
    variant: String,
    knee: Option<FoundKnee>,
}

/// Prints a sweep.
#[derive(Debug)]
pub struct Output {
    format: Format,
    is_capacity: bool,
    incident: String,
    param: String,
    unit: String,
    variants: Vec<String>,
    seed: u64,
    duration_s: f64,
    points: usize,
}

impl Output {
    /// The output that the options ask for.
    pub fn new(
        options: &HeadlessOptions,
        spec: &Spec,
        (sweep, unit, points): (&Sweep, String, usize),
    ) -> Self {
        let plan = &spec.case.plan;
        Self {
            format: match (options.json, options.many.csv) {
                (true, _) => Format::Json,
                (_, true) => Format::Csv,
                _ => Format::Table,
            },
            is_capacity: options.many.capacity,
            incident: plan.incident.clone(),
            param: sweep.param.clone(),
            unit,
            variants: plan.variants.clone(),
            seed: plan.seed,
            duration_s: plan.duration().unwrap_or_default().as_secs_f64(),
            points,
        }
    }

    /// Prints what stands above the rows.
    pub fn begin(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => Ok(()),
            Format::Csv => {
                writeln!(
                    out,
                    "{},variant,healthy,ok_percent,p99_ms,ok_per_s,tasks,failed",
                    self.param
                )
            }
            Format::Table => {
                let (points, duration) = (self.points, number(self.duration_s));
                writeln!(
                    out,
                    "{}: {points} values of {}, {duration} s of simulated time each, seed {}",
                    self.incident, self.param, self.seed
                )?;
                writeln!(
                    out,
                    "✓ healthy: each claim about `fixed` holds for this lane; ? too few requests to decide\n"
                )?;
                let names: Vec<String> =
                    self.variants.iter().map(|name| format!("  {name:<LANE$}")).collect();
                let names = names.concat();
                writeln!(out, "{:>11}{}", self.unit, names.trim_end())?;
                let heads = format!("  {:<LANE$}", "  answered in time    p99 goodput")
                    .repeat(self.variants.len());
                writeln!(out, "{:>11}{}", "", heads.trim_end())?;
                out.flush()
            }
        }
    }

    /// Prints a value that has been measured.
    pub fn point(&self, point: &SweepPoint) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => Ok(()),
            Format::Csv => {
                for lane in &point.lanes {
                    writeln!(out, "{},{}", point.value, csv(lane))?;
                }
                out.flush()
            }
            Format::Table => {
                let lanes: Vec<String> =
                    point.lanes.iter().map(|lane| format!("  {}", cell(lane))).collect();
                let lanes = lanes.concat();
                writeln!(out, "{:>11}{}", number(point.value), lanes.trim_end())?;
                out.flush()
            }
        }
    }

    /// Prints the knees; none if they were not looked for.
    pub fn end(
        &self,
        points: Vec<SweepPoint>,
        knees: Option<Vec<(String, Option<FoundKnee>)>>,
    ) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match (self.format, knees) {
            (Format::Json, knees) => {
                let named = |(variant, knee)| VariantKnee { variant, knee };
                let report = SweepReport {
                    incident: &self.incident,
                    param: &self.param,
                    unit: &self.unit,
                    seed: self.seed,
                    duration_s: self.duration_s,
                    points,
                    knees: knees.map(|knees| knees.into_iter().map(named).collect()),
                };
                serde_json::to_writer_pretty(&mut out, &report)?;
                writeln!(out)
            }
            (Format::Csv, _) => Ok(()),
            (Format::Table, None) => {
                writeln!(out, "\ninterrupted after {} of {} values", points.len(), self.points)
            }
            (Format::Table, Some(knees)) => {
                writeln!(out)?;
                for (variant, knee) in knees {
                    let last = points.last().and_then(|point| point.health_of(&variant));
                    writeln!(out, "{variant}: {}", self.says(knee.as_ref(), last))?;
                }
                Ok(())
            }
        }
    }

    /// The knee of a variant in words; without one, its health at all values.
    fn says(&self, knee: Option<&FoundKnee>, healthy: Option<bool>) -> String {
        let Some(knee) = knee else {
            return match (healthy, self.is_capacity) {
                (Some(true), true) => {
                    format!(
                        "healthy up to {} req/s, the highest rate there is",
                        number(MAX_RATE_PER_S)
                    )
                }
                (Some(true), false) => "healthy at every value".to_owned(),
                (Some(false), _) => "healthy at no value".to_owned(),
                (None, _) => "undecided: too few requests for its claims".to_owned(),
            };
        };
        let side = if knee.is_healthy_below { "up to" } else { "from" };
        let (healthy_at, unhealthy_at) = (fine(knee.healthy_at), fine(knee.unhealthy_at));
        let unit = &self.unit;
        let beyond = if knee.fails_first.is_empty() { "undecided" } else { "not" };
        let mut lines = vec![format!(
            "healthy {side} {healthy_at} {unit}, {beyond} at {unhealthy_at} {unit} ({} of {} seeds)",
            knee.seeds, knee.of_seeds
        )];
        if let Some(failed) = knee.fails_first.first() {
            lines.push(format!("  fails first: {failed}"));
        } else if let Some(undecided) = knee.undecided.first() {
            lines.push(format!("  undecided: {undecided}"));
        }
        if let Some(theory) = knee.theory {
            let apart = (knee.middle() - theory).abs() / theory.abs() * 100.0;
            lines.push(format!(
                "  theory: the backlog grows {} {} {unit}; {} % apart",
                if knee.is_healthy_below { "above" } else { "below" },
                fine(theory),
                number(apart)
            ));
        }
        lines.join("\n")
    }
}

/// Four digits: the two ends of a knee differ.
fn fine(value: f64) -> String {
    let digits = value.abs().max(1.0).log10().floor() as usize;
    format!("{value:.*}", 3_usize.saturating_sub(digits))
}

fn mark(healthy: Option<bool>) -> char {
    match healthy {
        Some(true) => '✓',
        Some(false) => '✗',
        None => '?',
    }
}

fn cell(lane: &LanePoint) -> String {
    let ok_percent = lane.ok_percent.unwrap_or_default();
    let filled = (ok_percent / 100.0 * BAR as f64).round() as usize;
    let bar = format!("{}{}", "█".repeat(filled.min(BAR)), "·".repeat(BAR - filled.min(BAR)));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let text = format!(
        "{} {bar} {:>5} % {:>8} {:>7}",
        mark(lane.healthy),
        or_none(lane.ok_percent.map(number)),
        or_none(lane.p99_ms.map(millis)),
        or_none(lane.ok_per_s.map(number)),
    );
    format!("{text:<LANE$}")
}

fn csv(lane: &LanePoint) -> String {
    let figure = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let healthy = lane.healthy.map(|healthy| healthy.to_string()).unwrap_or_default();
    let failed = lane.failed.join("; ").replace('"', "\"\"");
    format!(
        "{},{healthy},{},{},{},{},\"{failed}\"",
        lane.variant,
        figure(lane.ok_percent),
        figure(lane.p99_ms),
        figure(lane.ok_per_s),
        figure(lane.tasks),
    )
}
