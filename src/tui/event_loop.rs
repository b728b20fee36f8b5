//! Keys, mouse, signals, the run's events and the frame clock, in one `select!`.

use std::future::pending;
use std::io::{self, IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use crossterm::event::{Event as Input, EventStream};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

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
use crate::guest::Guest;
use crate::join::client::Link;
use crate::join::state::News;
use crate::notice::note;
use crate::recorder::{Recorder, record_somewhere};
use crate::run::signals::{Pause, Termination, pauses, stand_still};
use crate::run::{Control, Run, Spec};
use crate::supervise::supervised;
use crate::user_state::Theme;
use crate::user_state::UserState;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event};
use firedrill_core::plan::{Case, Plan};
use firedrill_core::record::{Header, UnreadableLines};
use firedrill_core::session::Effect;
use firedrill_core::session::history::Lines;
use firedrill_core::session::track::{RunId, Source};

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

/// Waits for the debrief of a shift.
async fn next_debrief(
    debrief: &mut Option<JoinHandle<anyhow::Result<Debriefed>>>,
) -> Result<Box<Debriefed>, String> {
    let Some(debrief) = debrief else { return pending().await };
    match debrief.await {
        Ok(Ok(debriefed)) => Ok(Box::new(debriefed)),
        Ok(Err(why)) => Err(format!("{why:#}")),
        Err(why) => Err(why.to_string()),
    }
}

/// Waits for what is computed, or heard, beside the runs.
async fn next_message(
    debrief: &mut Option<JoinHandle<anyhow::Result<Debriefed>>>,
    class: &mut Option<Link>,
) -> Msg {
    tokio::select! {
        debriefed = next_debrief(debrief) => {
            *debrief = None;
            Msg::Debriefed(debriefed)
        }
        news = next_news(class) => Msg::Class(news),
    }
}

/// Waits for news of the class.
async fn next_news(class: &mut Option<Link>) -> News {
    match class {
        Some(link) => match link.news.recv().await {
            Some(news) => news,
            None => pending().await,
        },
        None => pending().await,
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

    fn record(&mut self, model: &mut Model, id: RunId, event: &Event) {
        if let Some((run, recorder)) = self.recorder.as_mut().filter(|(run, _)| *run == id)
            && let Err(lost) = recorder.write(event)
        {
            let run = *run;
            self.recorder = None;
            self.lost = Some(lost.to_string());
            update(model, Msg::Recording(run, Err(format!("{lost}; the run continues"))));
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
            lab.session.log(None, line);
        }
    }

    /// Begins to record a run, with what is kept of its past; or stops.
    fn set_recording(&mut self, model: &mut Model, begin: Option<RunId>) {
        self.tell_recorded(model);
        let (Some(id), Screen::Lab(lab)) = (begin, &mut model.screen) else {
            return;
        };
        let track = lab.session.track();
        let clock = if track.source == Source::Live { Clock::Live } else { Clock::Virtual };
        let plan = Plan { clock, ..lab.session.case.plan.clone() };
        let header = Header::of(&plan, env!("CARGO_PKG_VERSION"));
        match record_somewhere(&plan.incident, &header) {
            Ok((recorder, path)) => {
                let past: Vec<Event> = track.history.events().collect();
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

    /// Hands the terminal to a program until it ends; the run goes on meanwhile. Returns what shall end this
    /// one, if that comes first.
    async fn hand_over(
        &mut self,
        model: &mut Model,
        program: Vec<String>,
        terminations: &mut mpsc::Receiver<Termination>,
    ) -> Option<Termination> {
        drop(self.open.take());
        let mut run_ended = false;
        let name = program.first().cloned().unwrap_or_default();
        let invited = supervised(&name)
            .and_then(|mut command| Guest::invite(command.args(program.iter().skip(1))));
        let ended = match invited {
            Err(error) => Err(format!("cannot start {name}: {error}")),
            Ok(mut guest) => loop {
                tokio::select! {
                    status = guest.ended() => break match status {
                        // An exercise that does not hold yet is no failure.
                        Ok(status) if status.code().is_some_and(|code| code < 2) => Ok(()),
                        Ok(status) => Err(format!("{name} ended with {status}")),
                        Err(error) => Err(format!("{name}: {error}")),
                    },
                    event = next_event(&mut self.run), if !run_ended => match event {
                        Some(event) => {
                            self.pass_on(model, RunId::Main, event);
                        }
                        // Told in the end: until then nobody looks.
                        None => run_ended = true,
                    },
                    signal = terminations.recv() => {
                        guest.dismiss().await;
                        return Some(signal.unwrap_or(Termination::HungUp));
                    }
                }
            },
        };
        match Open::new() {
            Ok(open) => self.open = Some(open),
            Err(_) => return Some(Termination::HungUp),
        }
        update(model, Msg::GivenBack(ended));
        None
    }
}

/// Ends a run without waiting for it: the next one may begin.
fn end_beside(run: Option<Run>) {
    if run.is_some() {
        tokio::spawn(end(run));
    }
}
