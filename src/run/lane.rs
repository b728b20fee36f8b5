//! One lane over its processes: bugs, restarts, exits.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;

use super::child::{Child, Message, Said};
use super::{Messages, Outlet, START_TIMEOUT, Spec};
use crate::back_off::BackOff;
use crate::event::{Command, ExitCause, LoadTick, Sample, ServerSample, What};
use crate::incident::Bugs;

/// Lines of standard error kept for an explanation.
const LAST_LINES: usize = 8;

/// A server that reports nothing for this long hangs.
const SILENCE: Duration = Duration::from_secs(1);

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    index: usize,
    /// The variant that the release brings.
    pub(super) variant: String,
    spec: Spec,
    messages: Messages,
    bugs: Bugs,
    params: BTreeMap<String, f64>,
    console: bool,
    process: Process,
    /// Since when its process has served, or served until it ended.
    since: Option<Instant>,
    /// Counts the processes, so that a late message of a dead one is known.
    generation: u32,
    back_off: BackOff,
    newest: Option<(Instant, ServerSample)>,
    silent: bool,
    last_lines: VecDeque<String>,
}

#[derive(Debug)]
enum Process {
    Starting {
        child: Child,
        since: Instant,
    },
    Serving {
        child: Child,
        port: u16,
    },
    /// Told to end, for the cause given.
    Ending {
        child: Child,
        cause: ExitCause,
    },
    Down {
        again_at: Option<Instant>,
        refused: Option<String>,
    },
}

impl Lane {
    pub(super) fn new(index: usize, spec: &Spec, messages: &Messages) -> Self {
        Self {
            index,
            variant: spec.variants[index].clone(),
            messages: messages.clone(),
            bugs: Bugs::new(),
            params: spec.params(),
            console: spec.console,
            process: Process::Down { again_at: None, refused: None },
            since: None,
            generation: 0,
            back_off: BackOff::default(),
            newest: None,
            silent: false,
            last_lines: VecDeque::new(),
            spec: spec.clone(),
        }
    }

    /// Where it serves now.
    pub(super) fn port(&self) -> Option<u16> {
        match self.process {
            Process::Serving { port, .. } => Some(port),
            _ => None,
        }
    }

    /// Its process, while it may hold memory.
    pub(super) fn pid(&self) -> Option<u32> {
        match &self.process {
            Process::Starting { child, .. } | Process::Serving { child, .. } => Some(child.pid),
            Process::Ending { .. } | Process::Down { .. } => None,
        }
    }

    /// Whether a process of it may still run.
    pub(super) fn alive(&self) -> bool {
        !matches!(self.process, Process::Down { .. })
    }

    /// Why its last process did not get to serve.
    pub(super) fn refused(&self) -> Option<&str> {
        match &self.process {
            Process::Down { refused, .. } => refused.as_deref(),
            _ => None,
        }
    }

    /// What its process wrote last on standard error, as the end of a message.
    pub(super) fn last_words(&self) -> String {
        if self.last_lines.is_empty() {
            return "; it wrote nothing on standard error".to_owned();
        }
        let lines: Vec<String> = self.last_lines.iter().map(|line| format!("\n  {line}")).collect();
        format!("; its last lines on standard error:{}", lines.concat())
    }

    /// Starts a process.
    pub(super) fn start(&mut self, outlet: &mut Outlet) {
        self.generation += 1;
        self.last_lines.clear();
        (self.newest, self.since) = (None, None);
        outlet.emit(Some(self.index), What::Starting { attempt: self.generation });
        let arguments = self.spec.arguments(&self.bugs, &self.params, self.console);
        let program = &self.spec.program;
        match Child::start(program, &arguments, self.index, self.generation, &self.messages) {
            Ok(child) => self.process = Process::Starting { child, since: Instant::now() },
            Err(error) => {
                let why = format!("cannot start {}: {error}", program.display());
                self.went_down(ExitCause::Refused { why }, None, outlet);
            }
        }
    }

    /// Ends its process, and starts a new one at once.
    pub(super) fn restart(&mut self, console: bool, outlet: &mut Outlet) {
        self.console |= console;
        self.back_off.forgive();
        if !self.end_with(ExitCause::Stopped, false) {
            self.start(outlet);
        }
    }

    /// Ends its process for good, politely.
    pub(super) fn stop(&mut self) {
        self.end_with(ExitCause::Stopped, true);
    }

    /// Ends its process because it has grown to the cap.
    pub(super) fn kill_for_memory(&mut self, resident_bytes: u64, cap_bytes: u64) {
        if !matches!(self.process, Process::Ending { .. }) {
            self.end_with(ExitCause::OutOfMemory { resident_bytes, cap_bytes }, false);
        }
    }

    /// Tells its process to end, if there is one: by closing its input, or by killing it.
    fn end_with(&mut self, cause: ExitCause, politely: bool) -> bool {
        let down = Process::Down { again_at: None, refused: None };
        match std::mem::replace(&mut self.process, down) {
            Process::Starting { mut child, .. } | Process::Serving { mut child, .. } => {
                if politely {
                    child.close();
                } else {
                    child.kill();
                }
                self.process = Process::Ending { child, cause };
                true
            }
            Process::Ending { child, .. } => {
                self.process = Process::Ending { child, cause };
                true
            }
            Process::Down { .. } => false,
        }
    }

    /// Puts these bugs in force.
    pub(super) fn set_bugs(&mut self, bugs: Bugs) {
        self.bugs.clone_from(&bugs);
        self.command(Command::SetBugs { bugs });
    }

    /// Gives a parameter a new value.
    pub(super) fn set_param(&mut self, name: &str, value: f64) {
        self.params.insert(name.to_owned(), value);
        self.command(Command::SetParam { name: name.to_owned(), value });
    }

    fn command(&mut self, command: Command) {
        if let Process::Starting { child, .. } | Process::Serving { child, .. } = &mut self.process
        {
            // A child that takes no commands any more is ended like one that hangs.
            if child.command(command).is_err() {
                child.kill();
            }
        }
    }

    /// Takes in what its process says, or what became of it.
    pub(super) fn hear(&mut self, generation: u32, message: Message, outlet: &mut Outlet) {
        if generation != self.generation {
            return;
        }
        match message {
            Message::Event(Said {
                what: What::Ready { port: Some(port), pid, console_port },
                ..
            }) => {
                let down = Process::Down { again_at: None, refused: None };
                match std::mem::replace(&mut self.process, down) {
                    Process::Starting { child, .. } => {
                        self.process = Process::Serving { child, port };
                        self.since = Some(Instant::now());
                        let ready = What::Ready { port: Some(port), pid, console_port };
                        outlet.emit(Some(self.index), ready);
                    }
                    other => self.process = other,
                }
            }
            Message::Event(Said { what: What::Server(sample), .. }) => {
                self.newest = Some((Instant::now(), sample));
                if std::mem::take(&mut self.silent) {
                    let line = "its server reports again".to_owned();
                    outlet.emit(Some(self.index), What::Log { line });
                }
            }
            Message::Event(Said { what, .. }) => outlet.emit(Some(self.index), what),
            Message::Garbage(line) => {
                let why = format!("it wrote a line that is no event: {line:?}");
                self.end_with(ExitCause::Refused { why }, false);
            }
            Message::Stderr(line) => {
                if self.last_lines.len() == LAST_LINES {
                    self.last_lines.pop_front();
                }
                self.last_lines.push_back(line.clone());
                outlet.emit(Some(self.index), What::Log { line });
            }
            Message::Exited(status) => self.exited(status, outlet),
        }
    }

    fn exited(&mut self, status: ExitStatus, outlet: &mut Outlet) {
        let cause = match &self.process {
            Process::Ending { cause: ExitCause::Refused { why }, .. } => {
                ExitCause::Refused { why: format!("{why}{}", self.last_words()) }
            }
            Process::Ending { cause, .. } => cause.clone(),
            Process::Starting { .. } => {
                let why = format!("it ended before it was ready ({status}){}", self.last_words());
                ExitCause::Refused { why }
            }
            Process::Serving { .. } => ExitCause::Crashed,
            Process::Down { .. } => return,
        };
        self.went_down(cause, status.code(), outlet);
    }

    fn went_down(&mut self, cause: ExitCause, code: Option<i32>, outlet: &mut Outlet) {
        self.newest = None;
        outlet.emit(Some(self.index), What::Exit { cause: cause.clone(), code });
        let refused = match &cause {
            ExitCause::Refused { why } => Some(why.clone()),
            _ => None,
        };
        let again_at = if cause == ExitCause::Stopped {
            Some(Instant::now())
        } else {
            let served = self.since.map_or(Duration::ZERO, |since| since.elapsed());
            let (count, after) = self.back_off.next(served);
            let after_ms = after.as_millis() as u64;
            outlet.emit(Some(self.index), What::Restart { count, after_ms });
            Some(Instant::now() + after)
        };
        self.process = Process::Down { again_at, refused };
    }

    /// Starts what is due to start again, and gives up on a process that takes too long to.
    pub(super) fn tick(&mut self, outlet: &mut Outlet) {
        match &self.process {
            Process::Down { again_at: Some(at), .. } if *at <= Instant::now() => {
                self.start(outlet);
            }
            Process::Starting { since, .. } if since.elapsed() > START_TIMEOUT => {
                let why = format!("it was not ready within {START_TIMEOUT:?}");
                self.end_with(ExitCause::Refused { why }, false);
            }
            Process::Serving { .. }
                if !self.silent && self.newest.is_some() && self.report().is_none() =>
            {
                self.silent = true;
                let line = format!("its server has not reported for {SILENCE:?}: it hangs");
                outlet.emit(Some(self.index), What::Log { line });
            }
            _ => {}
        }
    }

    /// The newest report of its server, unless that is too old to stand for now.
    fn report(&self) -> Option<&ServerSample> {
        let (at, sample) = self.newest.as_ref()?;
        (at.elapsed() < SILENCE).then_some(sample)
    }

    /// Its sample of this tick.
    pub(super) fn sample(&self, resident_bytes: Option<u64>, load: LoadTick) -> Sample {
        let serving = matches!(self.process, Process::Serving { .. });
        let server = self.report().cloned().filter(|_| serving);
        Sample { server, resident_bytes: resident_bytes.filter(|_| serving), load }
    }
}
