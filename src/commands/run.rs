//! `firedrill run`: a run without the screen.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::progress_output::Progress;
use super::{OUTPUT, USAGE, runtime, status};
use crate::cli::HeadlessOptions;
use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;

use crate::recorder::Recorder;
use crate::run::signals::Termination;
use crate::run::{Control, Run, Spec};
use firedrill_core::figures::number;
use firedrill_core::report::{Report, table, theory_table};
use firedrill_core::timeline::Timeline;

/// Time limit for output on standard error at the end.
const LEAVING: Duration = Duration::from_secs(1);

/// Seconds that a run goes on at least after an experiment.
const AFTERWARDS_S: f64 = 8.0;

/// Runs an incident and prints what it measured.
///
/// # Errors
///
/// When an option is wrong, the run cannot start, or standard output cannot be written to.
pub fn run(catalogue: &'static Catalogue, options: HeadlessOptions) -> anyhow::Result<ExitCode> {
    if !options.many.sweep.is_empty() || options.many.capacity {
        return super::sweep::run(catalogue, &options);
    }
    let HeadlessOptions { incident, options, duration, record, theory, json, .. } = options;
    let mut spec = options.spec(catalogue, &incident)?;
    // After an experiment there is to be time to see whether a lane recovers.
    let watched_s =
        spec.case.plan.experiment.as_ref().map_or(0.0, |experiment| experiment.to_s + AFTERWARDS_S);
    let own = Duration::from_secs_f64(spec.case.entry.manifest.duration_s.max(watched_s));
    spec.case.plan.set_duration(duration.unwrap_or(own));
    if let (Some(experiment), Some(ends)) = (&spec.case.plan.experiment, spec.case.plan.duration())
        && experiment.from_s >= ends.as_secs_f64()
    {
        let (from, ends) = (number(experiment.from_s), number(ends.as_secs_f64()));
        bail!(
            "the faults would begin after {from} s, and the run ends after {ends} s: begin them earlier with \
             --chaos-from, or let it run longer with --for"
        );
    }
    let recorder = record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
    // Kept until the report is printed: it is what hears signals.
    let runtime = runtime()?;
    let ended = runtime.block_on(measure(spec, recorder))?;
    if let Some(termination) = ended.terminated {
        // Who wants to leave is not kept by a reader that takes no output.
        let (told, printed) = std::sync::mpsc::channel();
        let report = ended.report.clone();
        std::thread::spawn(move || told.send(print(&report, json, theory)));
        let Ok(printed) = printed.recv_timeout(LEAVING) else {
            runtime.shutdown_background();
            return Ok(termination.into());
        };
        unless_nobody_reads(printed)?;
    } else {
        unless_nobody_reads(print(&ended.report, json, theory))?;
    }
    // A thread that hangs in a write must not keep the program.
    runtime.shutdown_background();
    Ok(if ended.recorded { status(ended.report.verdict.holds) } else { ExitCode::from(USAGE) })
}

/// Ignores an output error if the reader has left: the exit status still has the verdict.
fn unless_nobody_reads(printed: io::Result<()>) -> anyhow::Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context(OUTPUT),
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Measurements.
    pub report: Report,
    /// True if the recording is complete.
    pub recorded: bool,
    /// Reason of an early end.
    pub terminated: Option<Termination>,
}

/// Runs `spec` to its end, or until interrupted, and sums it up. Progress goes to standard error.
///
/// # Errors
///
/// When the run cannot start, or a lane cannot.
pub async fn measure(spec: Spec, mut recorder: Option<Recorder>) -> anyhow::Result<Ended> {
    let manifest = &spec.case.entry.manifest;
    let mut timeline = Timeline::new(manifest, &spec.case.plan.variants);
    let mut progress = Progress::new(&spec);
    let clock = spec.case.plan.clock;

    let mut run = Run::start(spec.clone())?;
    let (mut terminated, mut recorded) = (None, true);
    crate::run::signals::outlive_file_limit()?;
    let mut terminate = crate::run::signals::terminations(|| {})?;
    loop {
        tokio::select! {
            event = run.events.recv() => match event {
                Some(event) => {
                    timeline.push(&event);
                    progress.show(&event);
                    let written = recorder.as_mut().map_or(Ok(()), |to| to.write(&event));
                    if let Err(lost) = written {
                        progress.say(format!("{lost}; the run continues"));
                        (recorder, recorded) = (None, false);
                    }
                }
                None => break,
            },
            signal = terminate.recv(), if terminated.is_none() => {
                terminated = Some(signal.unwrap_or(Termination::Interrupted));
                let says = terminated.map_or("interrupted", Termination::says);
                progress.say(format!("{says}: ending the run; again to end at once"));
                run.control.send(Control::Stop).await.ok();
            }
        }
    }
    let finished = recorder.map_or(Ok(()), Recorder::finish);
    if let Err(lost) = finished {
        progress.say(lost.to_string());
        recorded = false;
    }
    // Who wants to leave is not kept by a terminal that takes no output.
    let patience = if terminated.is_some() { LEAVING } else { Duration::MAX };
    progress.finish(patience).await;
    run.ended().await?;
    let report = Report::new(&spec.case, clock, &timeline);
    Ok(Ended { report, recorded, terminated })
}

/// Prints the report: one JSON object, or a table.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn print(report: &Report, json: bool, theory: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", table(report))?;
        if theory {
            write!(out, "{}", theory_table(report))?;
        }
    }
    out.flush()
}
