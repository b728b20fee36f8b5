//! `firedrill run --sweep A --sweep B`: all pairs of values of two parameters, as a map for each lane.

use std::io::{self, Write};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::OUTPUT;
use super::sweep::{Swept, at, at_once, measure};
use super::sweep_output::{CSV_LANE, Format, csv, figure};
use crate::run::Spec;
use crate::run::signals::{Termination, terminations};
use firedrill_core::figures::number;
use firedrill_core::sweep::LanePoint;

/// Columns of a value.
const CELL: usize = 2;

/// All lanes at one pair of values.
#[derive(Debug, Serialize)]
struct Pair {
    /// The values, in the order of the parameters.
    values: [f64; 2],
    lanes: Vec<LanePoint>,
}

/// The whole map, for `--json`.
#[derive(Debug, Serialize)]
struct HeatMap<'a> {
    incident: &'a str,
    params: [&'a str; 2],
    units: [&'a str; 2],
    seed: u64,
    duration_s: f64,
    points: Vec<Pair>,
    /// True if a signal ended it before the last pair.
    interrupted: bool,
}

/// Measures all pairs, row by row: the first parameter from left to right, the second from top to bottom.
pub(super) async fn run(
    spec: Spec,
    swept: [Swept; 2],
    format: Format,
) -> anyhow::Result<Option<Termination>> {
    let mut signals = terminations(|| {})?;
    let [across, down] = &swept;
    let pairs = down.values.iter().flat_map(|b| across.values.iter().map(|a| [*a, *b]));
    let runs = pairs.map(|values| {
        let row = at(&spec, &down.sweep, values[1]);
        let run = measure(at(&row, &across.sweep, values[0]));
        async move { anyhow::Ok(Pair { values, lanes: run.await? }) }
    });
    let mut runs = stream::iter(runs).buffered(at_once());
    begin(&spec, &swept, format).context(OUTPUT)?;
    let mut pairs = Vec::new();
    let terminated = loop {
        tokio::select! {
            pair = runs.next() => {
                let Some(pair) = pair.transpose()? else { break None };
                pairs.push(pair);
                // A map is printed row by row.
                let row = if format == Format::Table { across.values.len() } else { 1 };
                if pairs.len().is_multiple_of(row) {
                    print_row(&pairs[pairs.len() - row..], format).context(OUTPUT)?;
                }
            }
            signal = signals.recv() => break Some(signal.unwrap_or(Termination::Interrupted)),
        }
    };
    drop(runs);
    end(&spec, &swept, pairs, (format, terminated.is_some())).context(OUTPUT)?;
    Ok(terminated)
}

fn begin(spec: &Spec, [across, down]: &[Swept; 2], format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let plan = &spec.case.plan;
    match format {
        Format::Json => Ok(()),
        Format::Csv => {
            writeln!(out, "{},{},{CSV_LANE}", across.sweep.param, down.sweep.param)
        }
        Format::Table => {
            let range = |swept: &Swept, way: &str| {
                let (from, to) = (number(swept.sweep.from), number(swept.sweep.to));
                format!("{way}: {} from {from} to {to} {}", swept.sweep.param, swept.unit)
            };
            let duration_s = plan.duration().unwrap_or_default().as_secs_f64();
            writeln!(
                out,
                "{}: {} x {} values, {} s of simulated time each, seed {}",
                plan.incident,
                across.values.len(),
                down.values.len(),
                number(duration_s),
                plan.seed
            )?;
            writeln!(out, "{}", range(across, "left to right"))?;
            writeln!(out, "{}", range(down, "top to bottom"))?;
            writeln!(
                out,
                "██ healthy: each claim about `fixed` holds for this lane; ?? undecided\n\
                 ▓▓ ▒▒ ░░ not healthy, and more than 66 %, more than 33 %, or less answered right and in time\n"
            )?;
            let width = across.values.len() * CELL;
            let names = plan.variants.iter().map(|name| format!("  {name:<width$}"));
            let names: Vec<String> = names.collect();
            writeln!(out, "{:>11}{}", down.unit, names.concat().trim_end())?;
            out.flush()
        }
    }
}

fn print_row(row: &[Pair], format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => return Ok(()),
        Format::Csv => {
            for Pair { values: [a, b], lanes } in row {
                for lane in lanes {
                    writeln!(out, "{a},{b},{}", csv(lane))?;
                }
            }
        }
        Format::Table => {
            let Some(first) = row.first() else { return Ok(()) };
            let lanes: Vec<String> = (0..first.lanes.len())
                .map(|lane| {
                    let cells = row.iter().map(|pair| cell(&pair.lanes[lane]));
                    format!("  {}", cells.collect::<String>())
                })
                .collect();
            writeln!(out, "{:>11}{}", figure(first.values[1]), lanes.concat())?;
        }
    }
    out.flush()
}

fn end(
    spec: &Spec,
    [across, down]: &[Swept; 2],
    points: Vec<Pair>,
    (format, interrupted): (Format, bool),
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let plan = &spec.case.plan;
            let params = [across.sweep.param.as_str(), down.sweep.param.as_str()];
            let (incident, seed) = (plan.incident.as_str(), plan.seed);
            let units = [across.unit.as_str(), down.unit.as_str()];
            let duration_s = plan.duration().unwrap_or_default().as_secs_f64();
            let map = HeatMap { incident, params, units, seed, duration_s, points, interrupted };
            serde_json::to_writer_pretty(&mut out, &map)?;
            writeln!(out)
        }
        Format::Table if interrupted => {
            let all = across.values.len() * down.values.len();
            writeln!(out, "\ninterrupted after {} of {all} pairs", points.len())
        }
        Format::Csv | Format::Table => Ok(()),
    }
}

/// The shade of a lane.
fn cell(lane: &LanePoint) -> &'static str {
    match (lane.healthy, lane.ok_percent.unwrap_or_default()) {
        (Some(true), _) => "██",
        (None, _) => "??",
        (Some(false), 66.0..) => "▓▓",
        (Some(false), 33.0..) => "▒▒",
        (Some(false), _) => "░░",
    }
}
