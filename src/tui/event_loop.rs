//! Keys, mouse, signals, the run's events and the frame clock, in one `select!`.

use std::future::pending;
use std::io::{self, IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use tokio::process::Command as Process;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::model::{Lab, Model, Screen};
use super::past::Lines;
use super::terminal::{self, panics};
use super::track::Source;
use super::update::{Command, Msg, RunId, open, update};
use super::view;
use crate::cli::note;
use crate::recorder::Recorder;
use crate::run::{Control, Run, Spec};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event};
use firedrill_core::record::Faults;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(33);

/// Events of the run that are taken in before the next key gets its turn.
const BATCH: usize = 256;

/// How long leaving may wait for the children to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Opens the terminal: the catalogue, or the lab of one run.
///
/// # Errors
///
/// When there is no terminal, or it refuses.
pub async fn run(catalogue: &'static Catalogue, begin: Begin) -> anyhow::Result<ExitCode> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!(
            "the lab needs a terminal, and standard input or output is none; \
             `firedrill run ID` works without one"
        );
    }
    crate::run::signals::outlive_file_limit()?;
    let mut terminations = crate::run::signals::terminations()?;
    let mut model = Model::new(catalogue, crossterm::terminal::size()?);
    let mut session =
        Session { open: Some(Open::new()?), run: None, lapse: None, recorder: None, lost: None };
    // The first frame does not wait for anything, least of all for a child.
    let start = match begin {
        Begin::Catalogue => None,
        Begin::Lab(spec, recorder) => {
            session.recorder = recorder.map(|recorder| (RunId::Main, recorder));
            Some(open(&mut model, *spec))
        }
        Begin::Recording(spec, lines, faults) => {
            model.screen = Screen::Lab(Box::new(Lab::recorded(*spec, lines, &faults)));
            None
        }
    };
    if let (Some((run, recorder)), Screen::Lab(lab)) = (&session.recorder, &mut model.screen) {
        lab.recording = Some((*run, recorder.path().to_owned()));
    }
    session.draw(&mut model)?;
    if let Some(command) = start {
        session.carry_out(&mut model, command).await?;
    }

    let mut drawn = Instant::now();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let code = loop {
        let command = tokio::select! {
            input = next_input(&mut session.open) => match input {
                Some(Ok(input)) => message(input).and_then(|msg| update(&mut model, msg)),
                // The terminal is gone, and with it whoever looked.
                Some(Err(_)) | None => Some(Command::Quit),
            },
            event = next_event(&mut session.run) => session.take(&mut model, RunId::Main, event).await,
            event = next_event(&mut session.lapse) => session.take(&mut model, RunId::Lapse, event).await,
            signal = terminations.recv() => {
                let number = match signal {
                    Some("terminated") => 15,
                    Some("hung up") => 1,
                    _ => 2,
                };
                break ExitCode::from(128 + number);
            }
            _ = frames.tick() => {
                for line in panics() {
                    update(&mut model, Msg::Panicked(line));
                }
                let passed = drawn.elapsed();
                drawn += passed;
                let command = update(&mut model, Msg::Passed(passed.as_secs_f64() * 1000.0));
                session.draw(&mut model)?;
                command
            }
        };
        if let Some(Command::Quit) = command {
            break ExitCode::SUCCESS;
        }
        if let Some(command) = command {
            session.carry_out(&mut model, command).await?;
        }
    };
    drop(session.open.take());
    let recorded = session.finish_recording();
    end(session.lapse.take()).await;
    end(session.run.take()).await;
    if let Some(path) = recorded {
        note(&format!("recorded to {}", path.display()));
    }
    if let Some(lost) = session.lost {
        anyhow::bail!(lost);
    }
    Ok(code)
}

/// What to begin with.
#[derive(Debug)]
pub enum Begin {
    /// The catalogue.
    Catalogue,
    /// The lab of one run, which may be recorded.
    Lab(Box<Spec>, Option<Recorder>),
    /// A recording.
    Recording(Box<Spec>, Lines, Faults),
}

/// What the loop holds besides the model.
struct Session {
    /// None while another program has the terminal.
    open: Option<Open>,
    run: Option<Run>,
    lapse: Option<Run>,
    recorder: Option<(RunId, Recorder)>,
    /// Why a recording was lost, to be said once more in the end.
    lost: Option<String>,
}

/// The terminal while it is ours.
struct Open {
    input: EventStream,
    screen: terminal::Screen,
}

impl Open {
    fn new() -> io::Result<Self> {
        Ok(Self { screen: terminal::Screen::enter()?, input: EventStream::new() })
    }
}

async fn next_input(open: &mut Option<Open>) -> Option<io::Result<Input>> {
    match open {
        Some(open) => open.input.next().await,
        None => pending().await,
    }
}

fn message(input: Input) -> Option<Msg> {
    match input {
        Input::Key(key) => Some(Msg::Key(key)),
        Input::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Input::Resize(width, height) => Some(Msg::Resize(width, height)),
        _ => None,
    }
}

async fn next_event(run: &mut Option<Run>) -> Option<Event> {
    match run {
        Some(run) => run.events.recv().await,
        None => pending().await,
    }
}

/// Ends a run and waits for its children, within reason.
async fn end(run: Option<Run>) {
    if let Some(run) = run {
        run.control.send(Control::Stop).await.ok();
        timeout(FAREWELL, run.ended()).await.ok();
    }
}

impl Session {
    fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        if let Some(open) = &mut self.open
            && std::mem::take(&mut model.dirty)
        {
            open.screen.terminal.draw(|frame| view::draw(frame, model))?;
        }
        Ok(())
    }

    fn run(&mut self, run: RunId) -> &mut Option<Run> {
        match run {
            RunId::Main => &mut self.run,
            RunId::Lapse => &mut self.lapse,
        }
    }

    /// Takes in an event and those behind it; or learns why there will be no more.
    async fn take(
        &mut self,
        model: &mut Model,
        id: RunId,
        event: Option<Event>,
    ) -> Option<Command> {
        let Some(event) = event else {
            let why = self.run(id).take()?.ended().await.err().map(|why| format!("{why:#}"));
            return update(model, Msg::RunEnded(id, why));
        };
        let mut command = self.pass_on(model, id, event);
        for _ in 0..BATCH {
            if command.is_some() {
                break;
            }
            match self.run(id).as_mut()?.events.try_recv() {
                Ok(event) => command = self.pass_on(model, id, event),
                Err(_) => break,
            }
        }
        command
    }

    /// Records an event and shows it.
    fn pass_on(&mut self, model: &mut Model, id: RunId, event: Event) -> Option<Command> {
        self.record(model, id, &event);
        update(model, Msg::Run(id, event))
    }

    fn record(&mut self, model: &mut Model, id: RunId, event: &Event) {
        if let Some((run, recorder)) = self.recorder.as_mut().filter(|(run, _)| *run == id)
            && let Err(lost) = recorder.write(event)
        {
            let run = *run;
            self.recorder = None;
            self.lost = Some(lost.to_string());
            update(model, Msg::Recording(run, Err(format!("{lost}; the run goes on"))));
        }
    }

    /// Ends the recording, if there is one; returns its file.
    fn finish_recording(&mut self) -> Option<PathBuf> {
        let (_, recorder) = self.recorder.take()?;
        let path = recorder.path().to_owned();
        match recorder.finish() {
            Ok(()) => Some(path),
            Err(lost) => {
                self.lost = Some(lost.to_string());
                None
            }
        }
    }

    /// Ends the recording, if there is one, and says so.
    fn tell_recorded(&mut self, model: &mut Model) {
        if self.recorder.is_none() {
            return;
        }
        let path = self.finish_recording();
        if let Screen::Lab(lab) = &mut model.screen {
            lab.recording = None;
            let line = match (path, &self.lost) {
                (Some(path), _) => format!("recorded to {}", path.display()),
                (None, lost) => format!("⚠ {}", lost.as_deref().unwrap_or_default()),
            };
            lab.note(None, line);
        }
    }

    /// Begins to record a run, with what is kept of its past; or stops.
    fn set_recording(&mut self, model: &mut Model, begin: Option<RunId>) {
        self.tell_recorded(model);
        let (Some(id), Screen::Lab(lab)) = (begin, &mut model.screen) else {
            return;
        };
        let track = lab.track();
        let clock = if track.source == Source::Live { Clock::Live } else { Clock::Virtual };
        let spec = Spec { clock, ..lab.spec.clone() };
        let path = free_name(&spec.entry.manifest.id);
        match Recorder::create(&path, &spec.header()) {
            Ok(recorder) => {
                let past: Vec<Event> = track.past.events().collect();
                self.recorder = Some((id, recorder));
                update(model, Msg::Recording(id, Ok(path)));
                for event in past {
                    self.record(model, id, &event);
                }
            }
            Err(error) => {
                update(model, Msg::Recording(id, Err(error.to_string())));
            }
        }
    }

    async fn carry_out(&mut self, model: &mut Model, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Quit => {}
            Command::Start(id, spec) => {
                self.leave(id);
                // A run that begins anew is not part of what was recorded.
                if let Screen::Lab(lab) = &model.screen
                    && lab.recording.is_none()
                {
                    self.tell_recorded(model);
                }
                match Run::start(*spec) {
                    Ok(run) => *self.run(id) = Some(run),
                    Err(why) => {
                        update(model, Msg::RunEnded(id, Some(format!("{why:#}"))));
                    }
                }
            }
            Command::End(id) => {
                self.leave(id);
                if self.recorder.as_ref().is_some_and(|(run, _)| id == RunId::Main || *run == id) {
                    self.tell_recorded(model);
                }
            }
            Command::Tell(id, control) => {
                if let Some(run) = self.run(id) {
                    // Full only when the run hangs; then there is nothing to tell it.
                    run.control.try_send(control).ok();
                }
            }
            Command::Record(begin) => self.set_recording(model, begin),
            Command::Console(port) => {
                let ended = self.console(model, port).await?;
                update(model, Msg::ConsoleEnded(ended));
            }
        }
        Ok(())
    }

    /// Ends a run without waiting for it; the time-lapse beside the main one, too.
    fn leave(&mut self, id: RunId) {
        end_beside(self.lapse.take());
        if id == RunId::Main {
            end_beside(self.run.take());
        }
    }

    /// Hands the terminal to tokio-console until it ends; the run goes on meanwhile.
    async fn console(
        &mut self,
        model: &mut Model,
        port: u16,
    ) -> anyhow::Result<Result<(), String>> {
        drop(self.open.take());
        let mut console = match Process::new("tokio-console")
            .arg(format!("http://127.0.0.1:{port}"))
            .kill_on_drop(true)
            .spawn()
        {
            Ok(console) => console,
            Err(error) => {
                self.open = Some(Open::new()?);
                return Ok(Err(format!("cannot start tokio-console: {error}")));
            }
        };
        let status = loop {
            tokio::select! {
                status = console.wait() => break status,
                event = next_event(&mut self.run) => match event {
                    Some(event) => {
                        self.pass_on(model, RunId::Main, event);
                    }
                    None => self.run = None,
                },
            }
        };
        self.open = Some(Open::new()?);
        Ok(match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("tokio-console ended with {status}")),
            Err(error) => Err(format!("tokio-console: {error}")),
        })
    }
}

/// A name for a recording that is not taken, in the folder that the program was started in.
fn free_name(incident: &str) -> PathBuf {
    let name = |n: u32| PathBuf::from(format!("{incident}-{n}.jsonl"));
    (1..10_000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

/// Ends a run without waiting for it: the next one may begin.
fn end_beside(run: Option<Run>) {
    if run.is_some() {
        tokio::spawn(end(run));
    }
}
