//! The loop: a file is saved, the package is built and judged, and whoever asks gets a hint.

use std::fs;
use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::Color;
use crossterm::terminal;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::exercise::{Exercise, YOURS};
use futures_util::StreamExt;
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::build::{Built, build};
use super::judge::{Judged, judge};
use super::package::Package;
use super::told::{self, Paper};
use super::trial::{Yours, chance, draw};
use crate::remembered::Remembered;
use crate::run::kin;
use crate::run::signals::{Termination, terminations};
use crate::run::spec::this_program;

/// Trials beside the one with the lab's own numbers.
const MORE_TRIALS: usize = 3;

/// An editor saves in several steps: what comes so soon after is the same save.
const SETTLES: Duration = Duration::from_millis(100);

/// Words of cargo's on how far it is.
const STEPS: [&str; 8] = [
    "Compiling",
    "Downloading",
    "Downloaded",
    "Locking",
    "Updating",
    "Adding",
    "Finished",
    "Blocking",
];

/// Words of cargo's where it lacks crates that it cannot fetch.
const NO_NETWORK: [&str; 3] = ["failed to download", "no matching package named", "--offline"];

/// How a sitting ended.
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
        // A terminal that is gone needs no mending.
        terminal::disable_raw_mode().ok();
    }
}

/// Somebody at work.
struct Sitting {
    catalogue: &'static Catalogue,
    package: Package,
    exercise: Exercise,
    paper: Paper,
    /// What the last verdict offers, and how deep it was asked for.
    hints: Vec<String>,
    hinted: usize,
    held: bool,
    /// Builds so far.
    builds: u32,
    /// Whether somebody stays to mend what is wrong.
    stays: bool,
}

/// One build and one verdict, without keys.
///
/// # Errors
///
/// When the package is not in order, there is no cargo, or nobody reads.
pub async fn once(catalogue: &'static Catalogue, package: Package) -> anyhow::Result<Ended> {
    let mut sitting = Sitting::new(catalogue, package, Paper::new(false))?;
    sitting.package.lay_out()?;
    sitting.attempt().await?;
    Ok(if sitting.held { Ended::Held } else { Ended::DidNotHold })
}

/// Sits with a learner until they leave.
///
/// # Errors
///
/// When the package is not in order, there is no terminal or cargo, or nobody reads.
pub async fn sit(catalogue: &'static Catalogue, package: Package) -> anyhow::Result<Ended> {
    let mut sitting = Sitting::new(catalogue, package, Paper::new(true))?;
    sitting.stays = true;
    let fresh = sitting.package.lay_out()?;
    let (saved, mut saves) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Who has not looked yet will look once.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            saved.try_send(()).ok();
        }
    })
    .context("cannot watch files")?;
    let folder = &sitting.package.folder;
    // A file that an editor replaces is another one: folders stay.
    for path in [&folder.join("src"), folder] {
        let watch = watcher.watch(path, RecursiveMode::NonRecursive);
        watch.with_context(|| format!("cannot watch {}", path.display()))?;
    }
    let mut ends = terminations(|| {})?;
    let keys = Keys::take().context("this terminal takes no keys")?;
    let mut events = EventStream::new();
    sitting.greet(fresh)?;
    let mut tried = None;
    // Looked at when a file is saved, and not in between: an editor may be half-way through.
    let mut saved = true;
    let mut later = None;
    loop {
        if std::mem::take(&mut saved) {
            let now = sitting.saved_as();
            if tried.as_ref() != Some(&now) {
                tried = Some(now);
                let attempt = tokio::select! {
                    done = sitting.attempt() => Some(done),
                    leave = leaves(&mut events, &mut later) => {
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
        }
        let key = if let Some(key) = later.take() {
            Some(key)
        } else {
            tokio::select! {
                _ = saves.recv() => {
                    sleep(SETTLES).await;
                    saved = true;
                    continue;
                }
                signal = ends.recv() => {
                    return Ok(Ended::Terminated(signal.map_or(1, Termination::status)));
                }
                key = next_key(&mut events) => key?,
            }
        };
        match key {
            Some(KeyCode::Char('h')) => sitting.hint()?,
            Some(KeyCode::Char('r')) => (tried, saved) = (None, true),
            Some(KeyCode::Char('l')) => {
                drop(events);
                sitting.lab().await?;
                events = EventStream::new();
                sitting.offer()?;
            }
            Some(KeyCode::Char('q') | KeyCode::Esc) | None => break,
            Some(_) => {}
        }
    }
    drop(keys);
    Ok(if sitting.held { Ended::Held } else { Ended::DidNotHold })
}

/// The next key; none: whoever sits there wants to leave, or is gone.
async fn next_key(events: &mut EventStream) -> io::Result<Option<KeyCode>> {
    loop {
        match events.next().await.transpose()? {
            None => return Ok(None),
            Some(Event::Key(KeyEvent { code: KeyCode::Char('c'), modifiers, .. }))
                if modifiers.contains(KeyModifiers::CONTROL) =>
            {
                return Ok(None);
            }
            Some(Event::Key(KeyEvent { code, kind: KeyEventKind::Press, .. })) => {
                return Ok(Some(code));
            }
            Some(_) => {}
        }
    }
}

/// Waits for a key that leaves; another one is for later.
async fn leaves(events: &mut EventStream, later: &mut Option<KeyCode>) -> io::Result<()> {
    loop {
        match next_key(events).await? {
            None | Some(KeyCode::Char('q') | KeyCode::Esc) => return Ok(()),
            key => *later = key,
        }
    }
}

impl Sitting {
    fn new(catalogue: &'static Catalogue, package: Package, paper: Paper) -> anyhow::Result<Self> {
        kin::adopt();
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

    /// What is saved now, of all that a build is made of.
    fn saved_as(&self) -> Vec<Option<Vec<u8>>> {
        let mut files: Vec<_> = fs::read_dir(self.package.folder.join("src"))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .collect();
        files.sort_unstable();
        files.push(self.package.folder.join("Cargo.toml"));
        files.iter().map(|file| fs::read(file).ok()).collect()
    }

    fn greet(&self, fresh: bool) -> io::Result<()> {
        let manifest = &self.package.entry.manifest;
        let paper = self.paper;
        paper.line(&paper.strong(&format!("Fix it yourself: {}", manifest.title), Color::Cyan))?;
        paper.line("")?;
        paper.text("  ", &self.exercise.goal)?;
        paper.line("")?;
        let file = self.package.exercise();
        let laid = if fresh { "laid out now" } else { "as you left it" };
        paper.text("  ", &format!("Your file, {laid}: {}", file.display()))?;
        paper.text(
            "  ",
            "Edit it with any editor. Each time it is saved, it is built and judged.",
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
            paper.line(&paper.strong("✗ The package is not in order.", Color::Red))?;
            paper.text("  ", &problem.to_string())?;
            return Ok(());
        }
        let (built, wants_network) = {
            let mut cargo = Cargo::new(paper);
            let built = build(&self.package.folder, paper.has_colours(), |bytes| cargo.hear(bytes));
            let built = built.await?;
            cargo.end();
            (built, cargo.wants_network)
        };
        let Built::Program(program) = built else {
            self.hints = vec!["The compiler's words come first: it has to build.".to_owned()];
            self.hinted = 0;
            paper.line("")?;
            paper.line(&paper.strong("✗ It does not build.", Color::Red))?;
            if wants_network {
                let says = "The first build of an exercise fetches crates, which takes a network; later ones do not.";
                paper.text("  ", says)?;
            }
            return Ok(());
        };
        let written = fs::read_to_string(self.package.exercise()).unwrap_or_default();
        let entry = self.package.entry;
        let trials = draw(entry, &self.exercise, MORE_TRIALS, chance());
        let yours = Yours { variant: YOURS, program: Some(&program), ours: None };
        paper.line(&format!("  built; {} trials on the virtual clock …", trials.len()))?;
        let judged = judge(self.catalogue, entry, &self.exercise, yours, &trials).await;
        kin::end_strays();
        let judged = judged?;
        paper.line("")?;
        told::verdict(paper, (&self.package, &self.exercise), &judged, &written)?;
        paper.line(&format!("\n  {:.1} s", began.elapsed().as_secs_f64()))?;
        self.held = matches!(judged, Judged::Holds { .. });
        let (hints, half) = match judged {
            Judged::Fails { hints, half_fix, .. } => {
                (hints, half_fix.and_then(|half| half.variant))
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
    fn remember(&self, with: impl FnOnce(&mut crate::remembered::Exercised)) -> anyhow::Result<()> {
        let id = self.package.entry.manifest.id.clone();
        let change = |remembered: &mut Remembered| {
            with(remembered.exercises.entry(id).or_default());
        };
        if let Err(error) = Remembered::change(change) {
            self.paper.text("  ", &error.to_string())?;
        }
        Ok(())
    }

    /// The keys there are now.
    fn offer(&self) -> io::Result<()> {
        let mut keys = Vec::new();
        if self.hinted < self.hints.len() {
            let more = if self.hinted == 0 { "a hint" } else { "a deeper hint" };
            keys.push(format!("h {more}"));
        }
        keys.extend(["r again", "l in the lab beside ours", "q leave"].map(str::to_owned));
        self.paper.line(&format!("\n  {}", keys.join("  ·  ")))
    }

    fn hint(&mut self) -> anyhow::Result<()> {
        let Some(hint) = self.hints.get(self.hinted) else {
            let id = &self.package.entry.manifest.id;
            let says = if self.held {
                "It holds: there is nothing to hint at.".to_owned()
            } else if self.hints.is_empty() {
                "There is no hint for this: what is written above is all that is known.".to_owned()
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

    /// Opens the lab with the learner's code in a lane beside ours.
    async fn lab(&self) -> anyhow::Result<()> {
        terminal::disable_raw_mode()?;
        let mut lab = tokio::process::Command::new(this_program()?);
        lab.args(["lab", &self.package.entry.manifest.id, "--with"]).arg(&self.package.folder);
        let status = lab.status().await;
        terminal::enable_raw_mode()?;
        status.context("cannot open the lab")?;
        Ok(())
    }
}

/// What cargo says: how far it is in one line that comes and goes, everything else as it is.
struct Cargo {
    paper: Paper,
    rest: Vec<u8>,
    steps: usize,
    shown: bool,
    at_terminal: bool,
    /// Whether crates are missing that it cannot fetch.
    wants_network: bool,
}

impl Cargo {
    fn new(paper: Paper) -> Self {
        let at_terminal = io::stdout().is_terminal();
        Self { paper, rest: Vec::new(), steps: 0, shown: false, at_terminal, wants_network: false }
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
        self.wants_network |= NO_NETWORK.iter().any(|words| plain.contains(words));
        let step = plain.split_whitespace().next().is_some_and(|first| STEPS.contains(&first));
        // Where nobody reads, the next line that matters will find out.
        if !step {
            self.clear();
            self.paper.pass(line).ok();
        } else if self.at_terminal {
            self.steps += 1;
            let what = plain.trim();
            let columns = terminal::size().map_or(80, |(columns, _)| usize::from(columns));
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
