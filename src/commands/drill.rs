//! `firedrill drill`: on-call shifts.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::figures::number;
use firedrill_core::session::shift::scenario::{LEVELS, Scenario};
use serde::Serialize;

use super::{OUTPUT, runtime, status};
use crate::cli::DrillOptions;
use crate::drill::agent::{OnCall, on_call};
use crate::drill::export;
use crate::drill::history::{self, History, ShiftRecord, date, day, now_s};
use crate::drill::references::compare;
use crate::notice::note;
use crate::run::signals::terminations;
use crate::tui::event_loop::{self, FirstScreen};
use crate::tui::shift::ShiftOptions;
use crate::user_state::Theme;
use firedrill_core::session::shift::debrief::Debrief;

/// Seeds of shifts that nobody chose.
const SEEDS: u64 = 1_000_000;

/// Takes a shift, lets a program take shifts, or prints the shifts so far.
///
/// # Errors
///
/// Returns an error if an incident is unknown, a run cannot start, or a file cannot be written.
pub fn drill(
    catalogue: &'static Catalogue,
    options: DrillOptions,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    if options.history {
        print_history(options.json).context(OUTPUT)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.json && options.auto.is_none() {
        bail!("--json needs --auto or --history");
    }
    let daily = options.daily.then(|| day(now_s()));
    let (seed, level) = match daily {
        // The same for everybody.
        Some(day) => (day, (day % u64::from(*LEVELS.end())) as u8 + 1),
        None => (options.seed.unwrap_or_else(chosen_seed), options.level),
    };
    if let Some(command) = &options.auto {
        let seeds = options.seeds.clone().unwrap_or(seed..=seed);
        let shifts = Shifts { catalogue, options: &options, level, daily };
        return runtime()?.block_on(shifts.take(command, seeds));
    }
    let scenario = Scenario::draw(catalogue, seed, level, &options.of)?;
    let shift = ShiftOptions { scenario, clock: options.clock, daily, export: options.export };
    runtime()?.block_on(event_loop::run(catalogue, FirstScreen::Shift(Box::new(shift)), theme))
}

/// A seed that nobody chose.
fn chosen_seed() -> u64 {
    RandomState::new().build_hasher().finish() % SEEDS
}

/// Shifts that a program takes.
struct Shifts<'a> {
    catalogue: &'static Catalogue,
    options: &'a DrillOptions,
    level: u8,
    daily: Option<u64>,
}

/// The result of a shift, for programs.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    debrief: Debrief,
    /// Problems of the program.
    notes: Vec<String>,
    /// Wall time of the shift in seconds, and the seconds of the service that passed.
    wall_s: f64,
    service_s: f64,
}

impl Shifts<'_> {
    async fn take(
        &self,
        command: &str,
        seeds: std::ops::RangeInclusive<u64>,
    ) -> anyhow::Result<ExitCode> {
        crate::run::process_group::adopt();
        let mut signals = terminations(|| {})?;
        let (mut rows, mut all_stayed) = (Vec::new(), true);
        let is_one = seeds.start() == seeds.end();
        for seed in seeds {
            let scenario = Scenario::draw(self.catalogue, seed, self.level, &self.options.of)?;
            let began = tokio::time::Instant::now();
            let ended = tokio::select! {
                ended = on_call(self.catalogue, scenario, self.options.clock, command) => ended?,
                signal = signals.recv() => {
                    return Ok(signal.map_or(ExitCode::FAILURE, Into::into));
                }
            };
            let OnCall { player, notes, left, debrief } = ended;
            all_stayed &= !left;
            let wall_s = began.elapsed().as_secs_f64();
            if let Some(path) = self.options.export.as_ref().filter(|_| is_one) {
                let compared = compare(player.shift(), self.catalogue).await?;
                let with = (self.catalogue, &compared);
                let plan = &player.session().case.plan;
                let recording = export::write(path, plan, player.shift(), with, player.events())?;
                note(&format!("written: {} and {}", path.display(), recording.display()));
            }
            let service_s = player.shift().now_ms() as f64 / 1000.0;
            let row = Row { debrief, notes, wall_s, service_s };
            if !self.options.json {
                self.print(&row).context(OUTPUT)?;
            }
            rows.push(row);
        }
        if self.options.json {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &rows)
                .map_err(io::Error::from)
                .context(OUTPUT)?;
            writeln!(out).context(OUTPUT)?;
        } else if !is_one {
            print_mean(&rows).context(OUTPUT)?;
        }
        Ok(status(all_stayed))
    }

    fn print(&self, row: &Row) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let name = match self.daily {
            Some(_) => format!("daily {}", date(now_s())),
            None => format!("seed {}", row.debrief.seed),
        };
        writeln!(out, "{}", row.debrief.line(&name))?;
        for note in &row.notes {
            writeln!(out, "  {note}")?;
        }
        Ok(())
    }
}

fn print_mean(rows: &[Row]) -> io::Result<()> {
    let count = rows.len().max(1) as f64;
    let mean = |value: &dyn Fn(&Row) -> f64| rows.iter().map(value).sum::<f64>() / count;
    let points = mean(&|row| row.debrief.score.points);
    let named = rows.iter().filter(|row| row.debrief.score.named_s.is_some()).count();
    let (service_s, wall_s) = (mean(&|row| row.service_s), mean(&|row| row.wall_s));
    writeln!(
        io::stdout().lock(),
        "{} shifts: {} points on average, {named} causes named; a shift of {} s took {} s",
        rows.len(),
        number(points),
        number(service_s),
        number(wall_s)
    )
}

fn print_history(json: bool) -> anyhow::Result<()> {
    let (history, says) = History::read(&history::file()?);
    if let Some(says) = says {
        note(&says);
    }
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &history.shifts)?;
        writeln!(out)?;
        return Ok(());
    }
    if history.shifts.is_empty() {
        writeln!(out, "no shifts yet: `firedrill drill` begins one")?;
        return Ok(());
    }
    let time = |value: Option<f64>| value.map_or("–".to_owned(), |s| format!("{} s", number(s)));
    writeln!(out, "date        level  points  detected  mitigated  named   cause (seed)")?;
    for shift in &history.shifts {
        let ShiftRecord { at_s, level, points, detected_s, mitigated_s, named_s, .. } = shift;
        let cause = match shift.causes.join(", ") {
            none if none.is_empty() => "nothing was wrong".to_owned(),
            causes => causes,
        };
        let daily = if shift.daily.is_some() { ", daily" } else { "" };
        writeln!(
            out,
            "{}  {level:>5}  {:>6}  {:>8}  {:>9}  {:>6}  {cause} ({}{daily})",
            date(*at_s),
            number(*points),
            time(*detected_s),
            time(*mitigated_s),
            time(*named_s),
            shift.seed
        )?;
    }
    let streak = history.streak(day(now_s()));
    if streak > 0 {
        writeln!(out, "daily shifts in a row: {streak}")?;
    }
    Ok(())
}
