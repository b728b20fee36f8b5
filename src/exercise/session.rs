//! The loop: a file is saved, the package is built and judged, and hints are given on request.

use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event, EventStream, KeyCode};
use crossterm::style::Color;
use crossterm::terminal;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::exercise::{Exercise, YOURS};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::build::{self, Built};
use super::judge::{Judged, judge};
use super::output::{self, Paper};
use super::package::Package;
use super::trial::{Yours, chance, draw};
use crate::files;
use crate::guest::Guest;
use crate::keyboard::{Keyboard, Pressed};
use crate::run::process_group;
use crate::run::signals::{Pause, Termination, pauses, stand_still, terminations};
use crate::run::spec::this_program;
use crate::supervise::supervised;
use crate::user_state::UserState;

/// Trials beside the one with the lab's own numbers.
const MORE_TRIALS: usize = 3;

/// Time between two looks at the files. They are read, since no system tells of every change: one on the other side
/// of a mount or a link, or in a folder that took the place of another. An editor saves in several steps: what is
/// the same at two looks has been saved.
const LOOK: Duration = Duration::from_millis(200);

/// Words of cargo's on how far it is.
const STEPS: [&str; 7] =
    ["Compiling", "Downloading", "Downloaded", "Locking", "Updating", "Adding", "Finished"];

/// Ends of a sitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The last verdict was that it holds.
    Held,
    /// It was not.
    DidNotHold,
    /// A signal, with this exit status.
    Terminated(u8),
}

/// The terminal takes keys as they are pressed, until this is dropped.
struct Keys;

impl Keys {
    fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        terminal::disable_raw_mode().ok();
    }
}

/// Somebody at work.
struct ExerciseSession {
    catalogue: &'static Catalogue,
    package: Package,
    exercise: Exercise,
    paper: Paper,
    /// Hints of the last verdict, and the number shown.
    hints: Vec<String>,
    hinted: usize,
    held: bool,
    /// Builds so far.
    builds: u32,
    /// True if a person stays to fix problems.
    stays: bool,
}

/// One build and one verdict, without keys.
///
/// # Errors
///
/// When the package is not in order, there is no cargo, or nobody reads.
pub async fn once(catalogue: &'static Catalogue, package: Package) -> anyhow::Result<Ended> {
    let mut ends = terminations(process_group::end_strays)?;
    let mut sitting = ExerciseSession::new(catalogue, package, Paper::new(false))?;
    sitting.package.lay_out()?;
    tokio::select! {
        done = sitting.attempt() => done?,
        signal = ends.recv() => return Ok(Ended::Terminated(signal.map_or(1, Termination::status))),
    }
    Ok(if sitting.held { Ended::Held } else { Ended::DidNotHold })
}

/// Sits with a learner until they leave.
///
/// # Errors
///
/// When the package is not in order, there is no terminal or cargo, or nobody reads.
pub async fn sit(catalogue: &'static Catalogue, package: Package) -> anyhow::Result<Ended> {
    let mut sitting = ExerciseSession::new(catalogue, package, Paper::new(true))?;
    sitting.stays = true;
    let fresh = sitting.package.lay_out()?;
    let mut ends = terminations(process_group::end_strays)?;
    let mut pauses = pauses()?;
    let raw = Keys::take().context("cannot read keys from this terminal")?;
    let mut keys = Pressing::new();
    sitting.greet(fresh)?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What was judged, and what was seen at the last look.
    let (mut tried, mut seen) = (None, Some(sitting.saved_as()));
    let mut later = None;
    loop {
        if seen != tried {
            tried.clone_from(&seen);
            let attempt = tokio::select! {
                done = sitting.attempt() => Some(done),
                leave = leaves(&mut keys, &mut later) => {
                    leave?;
                    None
                }
                signal = ends.recv() => {
                    return Ok(Ended::Terminated(signal.map_or(1, Termination::status)));
                }
            };
            match attempt {
                Some(done) => done?,
                None => break,
            }
            sitting.offer()?;
        }
        let key = if let Some(key) = later.take() {
            Some(key)
        } else {
            tokio::select! {
                _ = looks.tick() => {
                    let now = Some(sitting.saved_as());
                    if now != tried {
                        sleep(LOOK).await;
                        seen = Some(sitting.saved_as()).filter(|later| now.as_ref() == Some(later));
                        seen = seen.or_else(|| tried.clone());
                    }
                    continue;
                }
                signal = ends.recv() => {
                    return Ok(Ended::Terminated(signal.map_or(1, Termination::status)));
                }
                Some(pause) = pauses.recv() => {
                    if give_way(pause == Pause::Stop).is_err() {
                        // A terminal that is closed lets its programs go on, too.
                        return Ok(Ended::Terminated(Termination::HungUp.status()));
                    }
                    continue;
                }
                key = keys.next() => key?,
            }
        };
        match key {
            Some(KeyCode::Char('h')) => sitting.hint()?,
            Some(KeyCode::Char('r')) => (tried, seen) = (None, Some(sitting.saved_as())),
            Some(KeyCode::Char('l')) => {
                drop(keys);
                if let Some(signal) = sitting.lab(&mut ends).await? {
                    return Ok(Ended::Terminated(signal.status()));
                }
                keys = Pressing::new();
                sitting.offer()?;
            }
            Some(KeyCode::Char('q') | KeyCode::Esc) | None => break,
            Some(_) => {}
        }
    }
    drop(raw);
    Ok(if sitting.held { Ended::Held } else { Ended::DidNotHold })
}

/// Keys as they are pressed.
struct Pressing {
    events: EventStream,
    keyboard: Keyboard,
}

impl Pressing {
    fn new() -> Self {
        Self { events: EventStream::new(), keyboard: Keyboard::default() }
    }

    /// The next key; none: the user wants to leave, or is gone.
    async fn next(&mut self) -> io::Result<Option<KeyCode>> {
        loop {
            let key = match self.events.next().await.transpose()? {
                None => return Ok(None),
                Some(Event::Key(key)) => key,
                Some(_) => continue,
            };
            match self.keyboard.read(key, Instant::now()) {
                Some(Pressed::Key(code)) => return Ok(Some(code)),
                Some(Pressed::Leave) => return Ok(None),
                Some(Pressed::Suspend) => {
                    give_way(true)?;
                }
                _ => {}
            }
        }
    }
}

/// Gives the terminal to the shell until this program goes on, and takes keys again.
fn give_way(stops: bool) -> io::Result<()> {
    terminal::disable_raw_mode()?;
    if stops {
        stand_still();
    }
    terminal::enable_raw_mode()
}

/// Waits for a key that leaves; another one is for later.
async fn leaves(keys: &mut Pressing, later: &mut Option<KeyCode>) -> io::Result<()> {
    loop {
        match keys.next().await? {
            None | Some(KeyCode::Char('q') | KeyCode::Esc) => return Ok(()),
            key => *later = key,
        }
    }
}

impl ExerciseSession {
    fn new(catalogue: &'static Catalogue, package: Package, paper: Paper) -> anyhow::Result<Self> {
        process_group::adopt();
        let exercise = package.entry.manifest.exercise.clone();
        let exercise = exercise.context("the incident has no exercise")?;
        Ok(Self {
            catalogue,
            package,
            exercise,
            paper,
            hints: Vec::new(),
            hinted: 0,
            held: false,
            builds: 0,
            stays: false,
        })
    }

    /// Returns the saved content of all files that a build uses.
    fn saved_as(&self) -> Vec<Option<Vec<u8>>> {
        build::files_of(&self.package.folder).iter().map(|file| files::read(file).ok()).collect()
    }

    fn greet(&self, fresh: bool) -> io::Result<()> {
        let manifest = &self.package.entry.manifest;
        let paper = self.paper;
        paper.line(&paper.strong(&format!("Fix it yourself: {}", manifest.title), Color::Cyan))?;
        paper.line("")?;
        paper.text("  ", &self.exercise.goal)?;
        paper.line("")?;
        let file = self.package.exercise();
        let new = if fresh { " (new)" } else { "" };
        paper.text("  ", &format!("Your file{new}: {}", file.display()))?;
        paper.text(
            "  ",
            "Edit it with any editor. On every save it is built and checked. The first build takes one to three minutes and up to 500 MB in .firedrill.",
        )?;
        paper.line("")
    }

    /// Builds and judges what is saved now, and tells the verdict.
    async fn attempt(&mut self) -> anyhow::Result<()> {
        self.held = false;
        self.builds += 1;
        let paper = self.paper;
        paper.line(&paper.strong(&format!("── build {} ──", self.builds), Color::Cyan))?;
        let began = Instant::now();
        if let Err(problem) = self.package.check() {
            if !self.stays {
                return Err(problem.into());
            }
            (self.hints, self.hinted) = (Vec::new(), 0);
            paper.line(&paper.strong("✗ There is a problem with the package.", Color::Red))?;
            paper.text("  ", &problem.to_string())?;
            return Ok(());
        }
        let built = {
            let mut cargo = Cargo::new(paper);
            let says = |bytes: &[u8]| cargo.hear(bytes);
            let built = build::build(&self.package.folder, paper.has_colours(), says).await?;
            cargo.end();
            built
        };
        let program = match built {
            Built::Program(program) => program,
            Built::Refused => {
                self.hints = vec!["It has to build first: see the compiler's message.".to_owned()];
                self.hinted = 0;
                paper.line("")?;
                paper.line(&paper.strong("✗ It does not build.", Color::Red))?;
                return Ok(());
            }
            Built::Elsewhere(why) => {
                (self.hints, self.hinted) = (Vec::new(), 0);
                paper.line("")?;
                let says = "? It was not built, for a reason outside your code.";
                paper.line(&paper.strong(says, Color::Yellow))?;
                return Ok(paper.text("  ", &format!("{why}."))?);
            }
        };
        let written = files::read_text(&self.package.exercise()).unwrap_or_default();
        let entry = self.package.entry;
        let trials = draw(entry, &self.exercise, MORE_TRIALS, chance());
        let yours = Yours { variant: YOURS, program: Some(&program), ours: None };
        paper.line(&format!("  built; {} trials in simulated time …", trials.len()))?;
        let judged = judge(self.catalogue, entry, &self.exercise, yours, &trials).await;
        process_group::end_strays();
        let judged = judged?;
        paper.line("")?;
        output::verdict(paper, (&self.package, &self.exercise), &judged, &written)?;
        paper.line(&format!("\n  {:.1} s", began.elapsed().as_secs_f64()))?;
        self.held = matches!(judged, Judged::Holds { .. });
        let (hints, half) = match judged {
            Judged::Fails { hints, partial_fix, .. } => {
                (hints, partial_fix.and_then(|half| half.variant))
            }
            _ => (Vec::new(), None),
        };
        // Who stands where they stood goes on with the next hint.
        if hints != self.hints {
            (self.hints, self.hinted) = (hints, 0);
        }
        self.remember(|exercised| exercised.judged(self.held, half.as_deref()))
    }

    /// Remembers something of this exercise.
    fn remember(&self, with: impl FnOnce(&mut crate::user_state::Exercised)) -> anyhow::Result<()> {
        let id = self.package.entry.manifest.id.clone();
        let change = |remembered: &mut UserState| {
            with(remembered.exercises.entry(id).or_default());
        };
        let said = UserState::change(change).unwrap_or_else(|error| Some(error.to_string()));
        said.map_or(Ok(()), |said| Ok(self.paper.text("  ", &said)?))
    }

    /// The keys there are now.
    fn offer(&self) -> io::Result<()> {
        let mut keys = Vec::new();
        if self.hinted < self.hints.len() {
            let more = if self.hinted == 0 { "a hint" } else { "the next hint" };
            keys.push(format!("h {more}"));
        }
        keys.extend(["r again", "l in the lab beside ours", "q leave"].map(str::to_owned));
        self.paper.line(&format!("\n  {}", keys.join("  ·  ")))
    }

    fn hint(&mut self) -> anyhow::Result<()> {
        let Some(hint) = self.hints.get(self.hinted) else {
            let id = &self.package.entry.manifest.id;
            let says = if self.held {
                "The fix holds: there are no hints.".to_owned()
            } else if self.hints.is_empty() {
                "There is no hint for this.".to_owned()
            } else {
                format!(
                    "That was the last hint for this. Our solution: `firedrill try {id} solution`."
                )
            };
            self.paper.text("  ", &says)?;
            return Ok(());
        };
        self.hinted += 1;
        let of = self.hints.len();
        self.paper.text("  ", &format!("Hint {} of {of}: {hint}", self.hinted))?;
        self.remember(|exercised| exercised.hints += 1)
    }

    /// Opens the lab with the learner's code in a lane beside ours; returns what ended it, if that was a signal.
    async fn lab(
        &self,
        ends: &mut mpsc::Receiver<Termination>,
    ) -> anyhow::Result<Option<Termination>> {
        terminal::disable_raw_mode()?;
        let mut lab = supervised(this_program()?)?;
        lab.args(["lab", &self.package.entry.manifest.id, "--with"]).arg(&self.package.folder);
        let mut guest = Guest::invite(&mut lab).context("cannot open the lab")?;
        tokio::select! {
            status = guest.ended() => drop(status.context("cannot open the lab")?),
            signal = ends.recv() => {
                guest.dismiss().await;
                return Ok(Some(signal.unwrap_or(Termination::HungUp)));
            }
        }
        terminal::enable_raw_mode()?;
        Ok(None)
    }
}

/// Output of cargo: progress in one updated line, everything else unchanged.
struct Cargo {
    paper: Paper,
    rest: Vec<u8>,
    steps: usize,
    shown: bool,
    at_terminal: bool,
}

impl Cargo {
    fn new(paper: Paper) -> Self {
        let at_terminal = io::stdout().is_terminal();
        Self { paper, rest: Vec::new(), steps: 0, shown: false, at_terminal }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let plain = anstream::adapter::strip_str(&text).to_string();
        let step = plain.split_whitespace().next().is_some_and(|first| STEPS.contains(&first));
        // Where nobody reads, the next line that matters will find out.
        if !step {
            self.clear();
            self.paper.pass(line).ok();
        } else if self.at_terminal {
            self.steps += 1;
            let what = plain.trim();
            let columns = usize::from(crate::terminal_size::size().0.0);
            let what: String = what.chars().take(columns.saturating_sub(20)).collect();
            self.clear();
            self.paper.pass(format!("  building {}: {what}", self.steps).as_bytes()).ok();
            self.shown = true;
        }
    }

    /// Takes the line away that comes and goes.
    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.paper.pass(b"\r\x1b[2K").ok();
        }
    }

    fn end(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.line(&rest);
        }
        self.clear();
    }
}
