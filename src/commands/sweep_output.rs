//! Output of a sweep: a row for each value as soon as it is measured, then the knees; or JSON, or CSV.

use std::io::{self, Write};

use serde::Serialize;

use super::sweep::Swept;
use crate::cli::HeadlessOptions;
use crate::run::Spec;
use firedrill_core::figures::{millis, number};
use firedrill_core::incident::manifest::MAX_RATE_PER_S;
use firedrill_core::sweep::{FoundKnee, LanePoint, SweepPoint};

/// Columns of the bar of right answers.
const BAR: usize = 8;

/// Columns of a lane.
const LANE: usize = 35;

/// Columns of a lane in CSV.
pub(super) const CSV_LANE: &str = "variant,healthy,ok_percent,p99_ms,ok_per_s,tasks,failed";

/// Formats of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON object.
    Json,
    /// A head, and a line for each lane at each value.
    Csv,
}

impl Format {
    /// The format that the options ask for.
    pub(super) fn of(options: &HeadlessOptions) -> Self {
        match (options.json, options.many.csv) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Table,
        }
    }
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
    /// None: interrupted before they were found.
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
        Swept { sweep, unit, values }: &Swept,
    ) -> Self {
        let plan = &spec.case.plan;
        Self {
            format: Format::of(options),
            is_capacity: options.many.capacity,
            incident: plan.incident.clone(),
            param: sweep.param.clone(),
            unit: unit.clone(),
            variants: plan.variants.clone(),
            seed: plan.seed,
            duration_s: plan.duration().unwrap_or_default().as_secs_f64(),
            points: values.len(),
        }
    }

    /// Prints what stands above the rows.
    pub fn begin(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => Ok(()),
            Format::Csv => {
                writeln!(out, "{},{CSV_LANE}", self.param)
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
                    "✓ healthy: each claim about `fixed` holds for this lane; ? undecided\n"
                )?;
                let names: Vec<String> =
                    self.variants.iter().map(|name| format!("  {name:<LANE$}")).collect();
                let names = names.concat();
                writeln!(out, "{:>11}{}", self.unit, names.trim_end())?;
                let heads = format!("  {:<LANE$}", "  right, in time        p99 goodput")
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
                writeln!(out, "{:>11}{}", figure(point.value), lanes.trim_end())?;
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
            (Format::Table, None) if points.len() == self.points => {
                writeln!(out, "\ninterrupted while the knees were looked for")
            }
            (Format::Table, None) => {
                writeln!(out, "\ninterrupted after {} of {} values", points.len(), self.points)
            }
            (Format::Table, Some(knees)) => {
                writeln!(out)?;
                for (variant, knee) in knees {
                    let says = match knee {
                        Some(knee) => self.knee(&knee),
                        None => self.without_knee(&variant, &points),
                    };
                    writeln!(out, "{variant}: {says}")?;
                }
                Ok(())
            }
        }
    }

    /// The health of a variant that has no knee.
    fn without_knee(&self, variant: &str, points: &[SweepPoint]) -> String {
        let with = |health: Option<bool>| {
            points.iter().filter(|point| point.health_of(variant) == health).count()
        };
        let (healthy, unhealthy, undecided) = (with(Some(true)), with(Some(false)), with(None));
        let mut says = match (healthy, unhealthy, self.is_capacity) {
            (0, 0, _) => "undecided at every value".to_owned(),
            (_, 0, true) if undecided == 0 => {
                format!("healthy up to {} req/s, the highest rate there is", number(MAX_RATE_PER_S))
            }
            (_, 0, _) if undecided == 0 => "healthy at every value".to_owned(),
            (0, _, _) if undecided == 0 => "healthy at no value".to_owned(),
            _ => format!("healthy at {healthy} of {} values, {undecided} undecided", points.len()),
        };
        let reason = points.iter().flat_map(|point| &point.lanes);
        let reason = reason.filter(|lane| lane.variant == variant && lane.healthy.is_none());
        if let Some(reason) = reason.flat_map(|lane| &lane.undecided).next() {
            says.push_str("\n  undecided: ");
            says.push_str(reason);
        }
        says
    }

    /// The knee of a variant in words.
    fn knee(&self, knee: &FoundKnee) -> String {
        let side = if knee.is_healthy_below { "up to" } else { "from" };
        let (healthy_at, unhealthy_at) =
            (fine(knee.healthy_at, knee), fine(knee.unhealthy_at, knee));
        let unit = &self.unit;
        let beyond = if knee.fails_first.is_empty() { "undecided" } else { "not" };
        let mut lines = vec![format!(
            "healthy {side} {healthy_at} {unit}, {beyond} at {unhealthy_at} {unit} ({} of {} seeds)",
            knee.seeds, knee.of_seeds
        )];
        if (knee.seeds as u64) < knee.of_seeds {
            let says = "  with the other seeds it is not between these neighbours: fewer --points show more of the range";
            lines.push(says.to_owned());
        }
        if let Some(failed) = knee.fails_first.first() {
            lines.push(format!("  fails first: {failed}"));
        } else if let Some(undecided) = knee.undecided.first() {
            lines.push(format!("  undecided: {undecided}"));
        }
        if let Some(theory) = knee.theory {
            let apart = (knee.middle() - theory.at).abs();
            let apart = if theory.at.abs() > (knee.healthy_at - knee.unhealthy_at).abs() {
                format!("{} %", number(apart / theory.at.abs() * 100.0))
            } else {
                format!("{} {unit}", number(apart))
            };
            let side = if theory.grows_above { "above" } else { "below" };
            let at = fine(theory.at, knee);
            lines.push(format!("  theory: the backlog grows {side} {at} {unit}; {apart} apart"));
        }
        lines.join("\n")
    }
}

/// A value of the parameter: four digits, as neighbours may differ by little.
pub(super) fn figure(value: f64) -> String {
    let digits = value.abs().max(1.0).log10().floor() as usize;
    let text = format!("{value:.*}", 3_usize.saturating_sub(digits));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A value with as many decimals as make the two ends of a knee differ.
fn fine(value: f64, knee: &FoundKnee) -> String {
    let apart = (knee.healthy_at - knee.unhealthy_at).abs().max(1e-9);
    let decimals = (1.0 - apart.log10().floor()).clamp(0.0, 10.0) as usize;
    format!("{value:.decimals$}")
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

/// The columns [`CSV_LANE`] of a lane.
pub(super) fn csv(lane: &LanePoint) -> String {
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
