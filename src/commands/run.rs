//! `firedrill run`: a run without the screen.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::{OUTPUT, USAGE, runtime, status};
use crate::cli::HeadlessOptions;
use anyhow::Context;
use firedrill_core::catalogue::Catalogue;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::note;
use crate::recorder::Recorder;
use crate::run::{Control, Run, Spec};
use firedrill_core::event::{Event, ExitCause, What};
use firedrill_core::prose;
use firedrill_core::prose::figures::{clock, count};
use firedrill_core::report::{Report, table};
use firedrill_core::timeline::Timeline;

/// Runs an incident and prints what it measured.
///
/// # Errors
///
/// When an option is wrong, the run cannot start, or standard output cannot be written to.
pub fn run(catalogue: &'static Catalogue, options: HeadlessOptions) -> anyhow::Result<ExitCode> {
    let HeadlessOptions { incident, options, duration, record, json } = options;
    let spec = options.spec(catalogue, &incident)?;
    let own = Duration::from_secs_f64(spec.entry.manifest.duration_s);
    let spec = Spec { duration: Some(duration.unwrap_or(own)), ..spec };
    let recorder = record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
    let ended = runtime()?.block_on(measure(spec, recorder))?;
    print(&ended.report, json).context(OUTPUT)?;
    Ok(if ended.recorded { status(ended.report.verdict.holds) } else { ExitCode::from(USAGE) })
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// What it measured.
    pub report: Report,
    /// Whether all of it was recorded that was to be.
    pub recorded: bool,
}

/// Runs `spec` to its end, or until interrupted, and sums it up. Progress goes to standard error.
///
/// # Errors
///
/// When the run cannot start, or a lane cannot.
pub async fn measure(spec: Spec, mut recorder: Option<Recorder>) -> anyhow::Result<Ended> {
    let manifest = &spec.entry.manifest;
    let plan = spec.plan();
    let mut timeline = Timeline::new(manifest, &spec.variants);
    let mut progress = Progress::new(&spec);
    let clock = spec.clock;

    let mut run = Run::start(spec.clone())?;
    let (mut interrupted, mut recorded) = (false, true);
    crate::run::signals::outlive_file_limit()?;
    let mut terminate = crate::run::signals::terminations()?;
    loop {
        tokio::select! {
            event = run.events.recv() => match event {
                Some(event) => {
                    timeline.push(&event);
                    progress.show(&event);
                    let written = recorder.as_mut().map_or(Ok(()), |to| to.write(&event));
                    if let Err(lost) = written {
                        progress.say(&format!("{lost}; the run goes on"));
                        (recorder, recorded) = (None, false);
                    }
                }
                None => break,
            },
            signal = terminate.recv(), if !interrupted => {
                interrupted = true;
                progress.say(&format!("{}: ending the run", signal.unwrap_or("interrupted")));
                run.control.send(Control::Stop).await.ok();
            }
        }
    }
    let finished = recorder.map_or(Ok(()), Recorder::finish);
    if let Err(lost) = finished {
        progress.say(&lost.to_string());
        recorded = false;
    }
    progress.finish();
    run.ended().await?;
    let report = Report::new(&plan, clock, &timeline);
    Ok(Ended { report, recorded })
}

/// Prints the report: one JSON object, or a table.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn print(report: &Report, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", table(report))?;
    }
    out.flush()
}

/// A bar on a terminal, lines elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    names: Vec<String>,
    tasks: Vec<String>,
    /// Stretches of five seconds that have been told.
    said_fives: u64,
}

impl Progress {
    fn new(spec: &Spec) -> Self {
        let seconds = spec.duration.unwrap_or(Duration::from_secs(1)).as_millis() as u64;
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(seconds);
            let style = ProgressStyle::with_template("{bar:30} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let letters = 'A'..='Z';
        let names: Vec<String> =
            letters.zip(&spec.variants).map(|(l, v)| format!("{l} {v}")).collect();
        let tasks = vec![String::new(); names.len()];
        Self { bar, names, tasks, said_fives: 0 }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => note(line),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&mut self, event: &Event) {
        let at = clock(event.at_ms as f64 / 1000.0);
        let lane = event.lane.and_then(|lane| self.names.get(lane)).cloned().unwrap_or_default();
        if let Some(bar) = &self.bar {
            bar.set_position(event.at_ms);
        }
        let line = match &event.what {
            What::Sample(sample) => {
                if let (Some(lane), Some(tasks)) = (event.lane, &sample.server) {
                    self.tasks[lane] = count(tasks.tasks);
                } else if let Some(lane) = event.lane {
                    "down".clone_into(&mut self.tasks[lane]);
                }
                let lanes = self.names.iter().zip(&self.tasks);
                let each: Vec<String> =
                    lanes.map(|(name, tasks)| format!("{name} {tasks}")).collect();
                let tasks = format!("tasks: {}", each.join(" · "));
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("{at}  {tasks}"));
                    return;
                }
                let fives = event.at_ms / 5000;
                if fives <= self.said_fives {
                    return;
                }
                self.said_fives = fives;
                self.say(&format!("{at}  {tasks}"));
                return;
            }
            What::Exit { cause: ExitCause::Stopped, .. } | What::Log { .. } => return,
            What::Rate { .. } if event.at_ms == 0 => return,
            what => match prose::line(what) {
                Some(line) => line,
                None => return,
            },
        };
        let lane = if lane.is_empty() { lane } else { format!("{lane}: ") };
        self.say(&format!("{at}  {lane}{line}"));
    }
}
