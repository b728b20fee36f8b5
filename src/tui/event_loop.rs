//! Keys, mouse, signals, the run's events and the frame clock, in one `select!`.

use std::future::pending;
use std::io::{self, IsTerminal, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use tokio::process::Command as Process;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::model::Model;
use super::terminal::{Screen, panics};
use super::update::{Command, Msg, open, update};
use super::view;
use crate::catalogue::Catalogue;
use crate::event::Event;
use crate::run::{Control, Run, Spec};

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
pub async fn run(catalogue: &'static Catalogue, lab: Option<Spec>) -> anyhow::Result<ExitCode> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!(
            "the lab needs a terminal, and standard input or output is none; \
             `firedrill run ID` works without one"
        );
    }
    let mut terminations = crate::signals::terminations()?;
    let mut model = Model::new(catalogue, crossterm::terminal::size()?);
    let mut stage = Stage { open: Some(Open::new()?), run: None };
    // The first frame does not wait for anything, least of all for a child.
    let start = lab.map(|spec| open(&mut model, spec));
    stage.draw(&mut model)?;
    if let Some(command) = start {
        stage.carry_out(&mut model, command).await?;
    }

    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let code = loop {
        let command = tokio::select! {
            input = next_input(&mut stage.open) => match input {
                Some(Ok(input)) => message(input).and_then(|msg| update(&mut model, msg)),
                // The terminal is gone, and with it whoever looked.
                Some(Err(_)) | None => Some(Command::Quit),
            },
            event = next_event(&mut stage.run) => stage.take(&mut model, event).await,
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
                stage.draw(&mut model)?;
                None
            }
        };
        if let Some(Command::Quit) = command {
            break ExitCode::SUCCESS;
        }
        if let Some(command) = command {
            stage.carry_out(&mut model, command).await?;
        }
    };
    drop(stage.open.take());
    end(stage.run.take()).await;
    Ok(code)
}

/// What the loop holds besides the model.
struct Stage {
    /// None while another program has the terminal.
    open: Option<Open>,
    run: Option<Run>,
}

/// The terminal while it is ours.
struct Open {
    input: EventStream,
    screen: Screen,
}

impl Open {
    fn new() -> io::Result<Self> {
        Ok(Self { screen: Screen::enter()?, input: EventStream::new() })
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

impl Stage {
    fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        if let Some(open) = &mut self.open
            && std::mem::take(&mut model.dirty)
        {
            open.screen.terminal.draw(|frame| view::draw(frame, model))?;
        }
        Ok(())
    }

    /// Takes in an event and those behind it; or learns why there will be no more.
    async fn take(&mut self, model: &mut Model, event: Option<Event>) -> Option<Command> {
        let Some(event) = event else {
            let run = self.run.take()?;
            let why = match run.ended().await {
                Ok(()) => return None,
                Err(why) => format!("{why:#}"),
            };
            return update(model, Msg::RunEnded(why));
        };
        let mut command = update(model, Msg::Run(event));
        let run = self.run.as_mut()?;
        for _ in 0..BATCH {
            if command.is_some() {
                break;
            }
            match run.events.try_recv() {
                Ok(event) => command = update(model, Msg::Run(event)),
                Err(_) => break,
            }
        }
        command
    }

    async fn carry_out(&mut self, model: &mut Model, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Quit => {}
            Command::Start(spec) => {
                end_beside(self.run.take());
                match Run::start(*spec) {
                    Ok(run) => self.run = Some(run),
                    Err(why) => {
                        update(model, Msg::RunEnded(format!("{why:#}")));
                    }
                }
            }
            Command::End => end_beside(self.run.take()),
            Command::Tell(control) => {
                if let Some(run) = &self.run {
                    // Full only when the run hangs; then there is nothing to tell it.
                    run.control.try_send(control).ok();
                }
            }
            Command::Console(port) => {
                let ended = self.console(model, port).await?;
                update(model, Msg::ConsoleEnded(ended));
            }
        }
        Ok(())
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
                        update(model, Msg::Run(event));
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

/// Ends a run without waiting for it: the next one may begin.
fn end_beside(run: Option<Run>) {
    if run.is_some() {
        tokio::spawn(end(run));
    }
}
