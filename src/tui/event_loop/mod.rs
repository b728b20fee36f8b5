//! Keys, mouse, signals, the run's events and the frame clock, in one `select!`.
//!
//! * `sources`: the things that it waits for; `recording`: a run to a file; `lend`: the terminal to another program

mod lend;
mod recording;
mod sources;

use std::io::{self, IsTerminal, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use sources::{Open, next_event, next_input, next_message};

use super::inputs::{Inputs, TerminalInput};
use super::message::{Command, Msg};
use super::model::{Lab, Model, Screen};
use super::programs::program_for;
use super::room::Room;
use super::shift::{Debriefed, ShiftOptions};
use super::terminal::{self, panics};
use super::update::{open, take_shift, take_walk, update};
use super::user_state::{begun, remember};
use super::view;
use crate::drill::debrief::EndedShift;
use crate::join::client::Link;
use crate::notice::note;
use crate::recorder::Recorder;
use crate::run::signals::{Pause, Termination, pauses, stand_still};
use crate::run::{Control, Run, Spec};
use crate::user_state::Theme;
use crate::user_state::UserState;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Event;
use firedrill_core::plan::Case;
use firedrill_core::record::UnreadableLines;
use firedrill_core::session::Effect;
use firedrill_core::session::history::Lines;
use firedrill_core::session::track::RunId;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(33);

/// Time between two frames after which this program, or the machine, has stood still.
const STOOD_STILL: Duration = Duration::from_millis(1500);

/// Events of the run that are taken in before the next key gets its turn.
const BATCH: usize = 256;

/// Time limit for the children to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Opens the terminal: the catalogue, or the lab of one run. The theme, where one is named, is remembered.
///
/// # Errors
///
/// When there is no terminal, or it refuses.
pub async fn run(
    catalogue: &'static Catalogue,
    begin: FirstScreen,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    require_terminal()?;
    crate::run::signals::outlive_file_limit()?;
    let mut terminations = crate::run::signals::terminations(terminal::restore)?;
    let mut pauses = pauses()?;
    let mut model = begun(catalogue, theme);
    let mut session = Runs::new()?;
    // The first frame does not wait for anything, least of all for a child.
    let start = session.begin(&mut model, begin);
    session.draw(&mut model)?;
    for command in start {
        session.carry_out(&mut model, command);
    }

    let mut keyboard = Inputs::default();
    let mut drawn = Instant::now();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let code = 'running: loop {
        let commands = tokio::select! {
            input = next_input(&mut session.open) => match input {
                Some(Ok(input)) => match keyboard.take(input) {
                    None => Vec::new(),
                    Some(TerminalInput::Message(msg)) => update(&mut model, msg),
                    Some(TerminalInput::Leave) => break ExitCode::SUCCESS,
                    Some(TerminalInput::Repaint) if session.repaint(&mut model).is_ok() => Vec::new(),
                    Some(TerminalInput::Suspend) if session.suspend(&mut model, true).is_ok() => Vec::new(),
                    // The terminal is gone.
                    Some(TerminalInput::Repaint | TerminalInput::Suspend) => break Termination::HungUp.into(),
                },
                // The terminal is gone, and with it its user.
                Some(Err(_)) | None => break Termination::HungUp.into(),
            },
            event = next_event(&mut session.run) => session.take(&mut model, RunId::Main, event).await,
            event = next_event(&mut session.lapse) => session.take(&mut model, RunId::Lapse, event).await,
            msg = next_message(&mut session.debrief, &mut session.class) => update(&mut model, msg),
            signal = terminations.recv() => break signal.unwrap_or(Termination::HungUp).into(),
            Some(pause) = pauses.recv() => {
                if session.suspend(&mut model, pause == Pause::Stop).is_err() {
                    // A terminal that is closed lets its programs go on, too.
                    break Termination::HungUp.into();
                }
                Vec::new()
            }
            _ = frames.tick() => {
                let passed = drawn.elapsed();
                drawn += passed;
                match session.frame(&mut model, passed) {
                    Ok(commands) => commands,
                    Err(_) => break Termination::HungUp.into(),
                }
            }
        };
        for command in commands {
            if matches!(command, Command::Quit) {
                break 'running ExitCode::SUCCESS;
            }
            match program_for(model.catalogue, &command) {
                None => session.carry_out(&mut model, command),
                Some(Ok(program)) => {
                    let handed = session.hand_over(&mut model, program, &mut terminations);
                    if let Some(signal) = handed.await {
                        break 'running signal.into();
                    }
                    // The process of an exercise saves its own progress.
                    model.remembered.exercises = UserState::read().0.exercises;
                    drawn = Instant::now();
                }
                Some(Err(why)) => {
                    update(&mut model, Msg::GivenBack(Err(why)));
                }
            }
        }
    };
    remember(&mut model);
    session.end().await?;
    Ok(code)
}

/// Checks that there is a terminal that the screens can be drawn on.
fn require_terminal() -> anyhow::Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!(
            "this command needs a terminal, but standard input or output is not one; \
             `firedrill run ID` works without one"
        );
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        bail!(
            "this command draws a screen, which this terminal cannot do (TERM=dumb); \
             `firedrill run ID` prints lines"
        );
    }
    Ok(())
}

/// First screens.
#[derive(Debug)]
pub enum FirstScreen {
    /// The catalogue.
    Catalogue,
    /// The lab of one run, which may be recorded.
    Lab(Box<Spec>, Option<Recorder>),
    /// The guided walk of an incident, and how many times as fast it passes.
    Walk(Box<Spec>, f64),
    /// The class that was joined.
    Class(Link),
    /// An on-call shift.
    Shift(Box<ShiftOptions>),
    /// A recording.
    Recording(Box<Spec>, Lines, UnreadableLines),
}

/// The runs, the terminal and the recording of the loop.
struct Runs {
    /// None while another program has the terminal.
    open: Option<Open>,
    run: Option<Run>,
    lapse: Option<Run>,
    recorder: Option<(RunId, Recorder)>,
    /// Why a recording was lost, to be said once more in the end.
    lost: Option<String>,
    /// The debrief of a shift while it is computed.
    debrief: Option<JoinHandle<anyhow::Result<Debriefed>>>,
    /// The connection to the class.
    class: Option<Link>,
}

/// Ends a run and waits for its children, within reason.
async fn end(run: Option<Run>) {
    if let Some(run) = run {
        run.control.send(Control::Stop).await.ok();
        timeout(FAREWELL, run.ended()).await.ok();
    }
}

impl Runs {
    /// The terminal, and no run yet.
    fn new() -> io::Result<Self> {
        let open = Some(Open::new()?);
        Ok(Self {
            open,
            run: None,
            lapse: None,
            recorder: None,
            lost: None,
            debrief: None,
            class: None,
        })
    }

    fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.screen.is_gone() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if open.screen.is_idle() && std::mem::take(&mut model.dirty) {
            open.screen.draw(|frame| model.layout = view::draw(frame, model))?;
        }
        Ok(())
    }

    /// A frame, so long after the one before.
    fn frame(&mut self, model: &mut Model, passed: Duration) -> io::Result<Vec<Command>> {
        for line in panics() {
            update(model, Msg::Panicked(line));
        }
        if passed > STOOD_STILL {
            update(model, Msg::StoodStill(passed.as_secs_f64()));
        }
        let commands = update(model, Msg::Passed(passed.as_secs_f64() * 1000.0));
        remember(model);
        self.draw(model)?;
        Ok(commands)
    }

    /// Enters the terminal again, and redraws everything.
    fn repaint(&mut self, model: &mut Model) -> io::Result<()> {
        drop(self.open.take());
        self.open = Some(Open::new()?);
        model.dirty = true;
        self.draw(model)
    }

    /// Gives the terminal to the shell until this program goes on, or enters it again when it does.
    fn suspend(&mut self, model: &mut Model, stops: bool) -> io::Result<()> {
        if stops {
            drop(self.open.take());
            stand_still();
        }
        self.repaint(model)
    }

    /// Shows what there is to begin with; returns what is asked for by it.
    fn begin(&mut self, model: &mut Model, begin: FirstScreen) -> Vec<Command> {
        let commands = match begin {
            FirstScreen::Catalogue => Vec::new(),
            FirstScreen::Lab(spec, recorder) => {
                self.recorder = recorder.map(|recorder| (RunId::Main, recorder));
                open(model, *spec)
            }
            FirstScreen::Walk(spec, faster) => take_walk(model, *spec, faster),
            FirstScreen::Class(link) => {
                (self.class, model.room) = (Some(link), Some(Room::default()));
                Vec::new()
            }
            FirstScreen::Shift(options) => take_shift(model, *options),
            FirstScreen::Recording(spec, lines, faults) => {
                model.screen = Screen::Lab(Box::new(Lab::recorded(*spec, lines, &faults)));
                Vec::new()
            }
        };
        if let (Some((run, recorder)), Screen::Lab(lab)) = (&self.recorder, &mut model.screen) {
            lab.recording = Some((*run, recorder.path().to_owned()));
        }
        commands
    }

    /// Gives the terminal back and ends all runs; fails if a recording was lost.
    async fn end(mut self) -> anyhow::Result<()> {
        // First what must not be lost.
        let recorded = self.finish_recording();
        drop(self.open.take());
        if let Some(debrief) = self.debrief.take() {
            debrief.abort();
        }
        end(self.lapse.take()).await;
        end(self.run.take()).await;
        if let Some(path) = recorded {
            note(&format!("recorded to {}", path.display()));
        }
        if let Some(lost) = self.lost {
            bail!(lost);
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
    async fn take(&mut self, model: &mut Model, id: RunId, event: Option<Event>) -> Vec<Command> {
        let Some(event) = event else {
            let Some(ended) = self.run(id).take() else { return Vec::new() };
            let why = ended.ended().await.err().map(|why| format!("{why:#}"));
            return update(model, Msg::RunEnded(id, why));
        };
        let mut commands = self.pass_on(model, id, event);
        for _ in 0..BATCH {
            let more = self.run(id).as_mut().and_then(|run| run.events.try_recv().ok());
            let Some(event) = more.filter(|_| commands.is_empty()) else { break };
            commands = self.pass_on(model, id, event);
        }
        commands
    }

    /// Records an event and shows it.
    fn pass_on(&mut self, model: &mut Model, id: RunId, event: Event) -> Vec<Command> {
        self.record(model, id, &event);
        update(model, Msg::Run(id, event))
    }

    fn carry_out(&mut self, model: &mut Model, command: Command) {
        match command {
            // The loop does these itself.
            Command::Quit | Command::Console(_) | Command::Edit(..) | Command::Exercise(_) => {}
            Command::Session(effect) => self.effect(model, effect),
            Command::Record(begin) => self.set_recording(model, begin),
            Command::Debrief => self.begin_debrief(model),
            Command::Say(message) => {
                if let Some(link) = &self.class {
                    link.say(message);
                }
            }
        }
    }

    /// Computes the debrief of a shift beside the screen.
    fn begin_debrief(&mut self, model: &Model) {
        let Screen::Lab(lab) = &model.screen else { return };
        let (Some(shift), Some(screen)) = (&lab.session.shift, &lab.shift) else { return };
        let ended = EndedShift {
            catalogue: model.catalogue,
            plan: lab.session.case.plan.clone(),
            shift: shift.clone(),
            events: lab.session.main.history.events().collect(),
            daily: screen.daily,
            export: screen.export.clone(),
        };
        self.debrief = Some(tokio::spawn(ended.debriefed()));
    }

    /// Carries out an effect of the session.
    fn effect(&mut self, model: &mut Model, effect: Effect) {
        match effect {
            Effect::Start { run: id, plan, pacing } => {
                let Screen::Lab(lab) = &model.screen else { return };
                let case = Case { plan, ..lab.session.case.clone() };
                let spec = Spec::at(lab.venue.clone(), case, pacing);
                self.leave(id);
                // A run that begins again is not part of the recording.
                if lab.recording.is_none() {
                    self.tell_recorded(model);
                }
                match Run::start(spec) {
                    Ok(run) => *self.run(id) = Some(run),
                    Err(why) => {
                        update(model, Msg::RunEnded(id, Some(format!("{why:#}"))));
                    }
                }
            }
            Effect::End(id) => {
                self.leave(id);
                if self.recorder.as_ref().is_some_and(|(run, _)| id == RunId::Main || *run == id) {
                    self.tell_recorded(model);
                }
            }
            Effect::Control(id, control) => {
                if let Some(run) = self.run(id) {
                    // Full only when the run hangs; then no command reaches it.
                    run.control.try_send(control).ok();
                }
            }
            // The screen keeps progress itself.
            Effect::SaveProgress(_) => {}
        }
    }

    /// Ends a run without waiting for it; the simulated run beside the main one, too.
    fn leave(&mut self, id: RunId) {
        end_beside(self.lapse.take());
        if id == RunId::Main {
            end_beside(self.run.take());
        }
    }
}

/// Ends a run without waiting for it: the next one may begin.
fn end_beside(run: Option<Run>) {
    if run.is_some() {
        tokio::spawn(end(run));
    }
}
