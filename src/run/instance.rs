//! One instance of a lane over its processes: starts, exits, restarts.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use firedrill_core::event::{
    ChildStart, EventKind, ExitCause, ParentSays, Ready, ServerSample, ServerSays,
};
use firedrill_core::lane::back_off::BackOff;
use firedrill_core::prose;
use firedrill_core::sanitize;
use tokio::time::Instant;

use super::child::{Child, Message};
use super::event_sink::EventSink;
use super::{Address, Messages, START_TIMEOUT};
use crate::load::driver::Listening;

/// Lines of standard error kept for an explanation.
const LAST_LINES: usize = 8;

/// A server that reports nothing for this long hangs.
const SILENCE: Duration = Duration::from_secs(1);

/// One instance.
#[derive(Debug)]
pub(super) struct LiveInstance {
    lane: usize,
    index: usize,
    program: std::path::PathBuf,
    messages: Messages,
    process: Process,
    /// Since when its process has served, or served until it ended.
    since: Option<Instant>,
    /// Counts the processes, so that a late message of a dead one is known.
    generation: u32,
    back_off: BackOff,
    newest: Option<(Instant, ServerSample)>,
    /// Time of the last memory check.
    looked: Option<Instant>,
    silent: bool,
    last_lines: VecDeque<String>,
    /// Heap limit at which its process aborts.
    heap_limit_bytes: Option<u64>,
    own_cap_bytes: Option<u64>,
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
        /// Certificate that its clients trust.
        root: Arc<[u8]>,
    },
    /// Told to end, for the cause given.
    Ending {
        /// Kept: to drop it would be to kill it.
        _child: Child,
        cause: ExitCause,
    },
    Down {
        again_at: Option<Instant>,
        refused: Option<String>,
    },
}

impl LiveInstance {
    pub(super) fn new(
        (lane, index): (usize, usize),
        program: std::path::PathBuf,
        messages: &Messages,
    ) -> Self {
        Self {
            lane,
            index,
            program,
            messages: messages.clone(),
            process: Process::Down { again_at: None, refused: None },
            since: None,
            generation: 0,
            back_off: BackOff::default(),
            newest: None,
            looked: None,
            silent: false,
            last_lines: VecDeque::new(),
            heap_limit_bytes: None,
            own_cap_bytes: None,
        }
    }

    /// Returns true if it serves.
    pub(super) fn serves(&self) -> bool {
        matches!(self.process, Process::Serving { .. })
    }

    /// Returns true if one of its processes serves, or has served.
    pub(super) fn has_served(&self) -> bool {
        self.since.is_some()
    }

    /// Returns its address, for clients with or without TLS.
    pub(super) fn listening(&self, tls: bool) -> Option<Listening> {
        match &self.process {
            Process::Serving { port, root, .. } => {
                Some(Listening { port: *port, root: tls.then(|| Arc::clone(root)) })
            }
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

    /// Returns true if one of its processes may still run.
    pub(super) fn alive(&self) -> bool {
        !matches!(self.process, Process::Down { .. })
    }

    /// Returns true if its process is about to be restarted.
    pub(super) fn wants_start(&self) -> bool {
        let now = Instant::now();
        matches!(&self.process, Process::Down { again_at: Some(at), .. } if *at <= now)
    }

    /// Why its last process did not get to serve.
    pub(super) fn refused(&self) -> Option<&str> {
        match &self.process {
            Process::Down { refused, .. } => refused.as_deref(),
            _ => None,
        }
    }

    /// Returns the end of its process's standard error, as the end of a message.
    pub(super) fn last_words(&self) -> String {
        if self.last_lines.is_empty() {
            return "; it wrote nothing on standard error".to_owned();
        }
        let lines: Vec<String> = self.last_lines.iter().map(|line| format!("\n  {line}")).collect();
        format!("; its last lines on standard error:{}", lines.concat())
    }

    /// Starts a process, which has a memory cap of its own where it is not the manifest's.
    pub(super) fn start(
        &mut self,
        begin: &ChildStart,
        own_cap_bytes: Option<u64>,
        event_sink: &mut EventSink,
    ) {
        self.own_cap_bytes = own_cap_bytes;
        self.generation += 1;
        self.last_lines.clear();
        (self.newest, self.since) = (None, None);
        self.heap_limit_bytes = begin.heap_limit_bytes;
        let (attempt, instance) = (self.generation, self.index);
        event_sink.emit(Some(self.lane), EventKind::Starting { attempt, instance });
        let address =
            Address { lane: self.lane, instance: self.index, generation: self.generation };
        match Child::start(&self.program, begin, address, &self.messages) {
            Ok(child) => self.process = Process::Starting { child, since: Instant::now() },
            Err(error) => {
                let why = format!("cannot start {}: {error}", self.program.display());
                self.went_down(ExitCause::Refused { why }, None, event_sink);
            }
        }
    }

    /// Ends its process; a new one is started at once. Tells whether there was one.
    pub(super) fn restart(&mut self) -> bool {
        self.back_off.forgive();
        self.end_with(ExitCause::Stopped, false)
    }

    /// Ends its process for good, politely.
    pub(super) fn stop(&mut self) {
        self.end_with(ExitCause::Stopped, true);
    }

    /// Ends its process because it has grown to the cap.
    pub(super) fn kill_for_memory(&mut self, resident_bytes: u64, cap_bytes: u64) {
        self.end_with(ExitCause::OutOfMemory { resident_bytes, cap_bytes }, false);
    }

    /// Tells its process to end, if there is one: by closing its input, or by killing it. The first
    /// cause stands.
    fn end_with(&mut self, cause: ExitCause, politely: bool) -> bool {
        let down = Process::Down { again_at: None, refused: None };
        match std::mem::replace(&mut self.process, down) {
            Process::Starting { mut child, .. } | Process::Serving { mut child, .. } => {
                if politely {
                    child.close();
                } else {
                    child.kill();
                }
                self.process = Process::Ending { _child: child, cause };
                true
            }
            ending @ Process::Ending { .. } => {
                self.process = ending;
                true
            }
            Process::Down { refused, .. } => {
                self.process = Process::Down { again_at: None, refused };
                false
            }
        }
    }

    /// Tells its process something.
    pub(super) fn command(&mut self, command: ParentSays) {
        if let Process::Starting { child, .. } | Process::Serving { child, .. } = &mut self.process
        {
            // A child that takes no commands any more is ended like one that hangs.
            if child.command(command).is_err() {
                self.end_with(ExitCause::Crashed, false);
            }
        }
    }

    /// Takes in what its process says, or what became of it.
    pub(super) fn hear(&mut self, generation: u32, message: Message, event_sink: &mut EventSink) {
        if generation != self.generation {
            return;
        }
        match message {
            Message::Line(line) => {
                if let Ok(said) = sanitize::read(&line) {
                    self.told(said, event_sink);
                } else {
                    let line: String = line.chars().take(200).collect();
                    let why = format!("it wrote a line that is no event of a lane: {line:?}");
                    self.end_with(ExitCause::Refused { why }, false);
                }
            }
            Message::Stderr(line) => {
                if self.last_lines.len() == LAST_LINES {
                    self.last_lines.pop_front();
                }
                self.last_lines.push_back(line.clone());
                event_sink.emit(Some(self.lane), EventKind::Log { line });
            }
            Message::Exited(status) => self.exited(status, event_sink),
        }
    }

    fn told(&mut self, said: ServerSays, event_sink: &mut EventSink) {
        let lane = Some(self.lane);
        match said {
            ServerSays::Ready(Ready { port: Some(port), pid, console_port, root, .. }) => {
                let down = Process::Down { again_at: None, refused: None };
                match std::mem::replace(&mut self.process, down) {
                    Process::Starting { child, .. } => {
                        self.process = Process::Serving { child, port, root: root.into() };
                        self.since = Some(Instant::now());
                        let port = Some(port);
                        let cap_bytes = self.own_cap_bytes;
                        let instance = self.index;
                        let root = Vec::new();
                        let ready = Ready { port, pid, console_port, instance, cap_bytes, root };
                        event_sink.emit(lane, EventKind::Ready(ready));
                    }
                    other => self.process = other,
                }
            }
            ServerSays::Server(sample) if !(sample.is_plausible() && sample.names_few()) => {
                let why =
                    "it reported counts that no server has, or more metrics than code can name";
                self.end_with(ExitCause::Refused { why: why.to_owned() }, false);
            }
            ServerSays::Server(sample) => {
                self.newest = Some((Instant::now(), sample));
                if std::mem::take(&mut self.silent) {
                    let line = "its server reports again".to_owned();
                    event_sink.emit(lane, EventKind::Log { line });
                }
            }
            ServerSays::Metric(metric) => event_sink.emit(lane, EventKind::Metric(metric)),
            ServerSays::Log { line } => {
                let line = sanitize::log_line(&line);
                event_sink.emit(lane, EventKind::Log { line });
            }
            ServerSays::LogTail(tail) => event_sink.emit(lane, EventKind::LogTail(tail)),
            ServerSays::Chain(chain) if self.index == 0 => {
                event_sink.emit(lane, EventKind::Chain(chain));
            }
            // Without a port nobody can reach it: it will not have been ready in time. And the chain
            // is told of the first instance alone.
            ServerSays::Ready(_) | ServerSays::Chain(_) => {}
        }
    }

    fn exited(&mut self, status: ExitStatus, event_sink: &mut EventSink) {
        let cause = match &self.process {
            Process::Ending { cause: ExitCause::Refused { why }, .. } => {
                ExitCause::Refused { why: format!("{why}{}", self.last_words()) }
            }
            Process::Ending { cause, .. } => cause.clone(),
            Process::Starting { .. } => {
                let why = format!("it ended before it was ready ({status}){}", self.last_words());
                ExitCause::Refused { why }
            }
            Process::Serving { .. } => match self.heap_limit_bytes {
                Some(limit_bytes) if self.says_no_memory() => ExitCause::HeapLimit { limit_bytes },
                _ if was_killed(status) => ExitCause::Killed,
                _ => ExitCause::Crashed,
            },
            Process::Down { .. } => return,
        };
        self.went_down(cause, status.code(), event_sink);
    }

    /// Returns true if its process reported a failed allocation: Rust's standard library prints that before it
    /// aborts.
    fn says_no_memory(&self) -> bool {
        // Several threads may say it at once, into each other's words.
        self.last_lines.iter().any(|line| line.contains("memory allocation of "))
    }

    fn went_down(&mut self, cause: ExitCause, code: Option<i32>, event_sink: &mut EventSink) {
        self.newest = None;
        let (lane, instance) = (Some(self.lane), self.index);
        event_sink.emit(lane, EventKind::Exit { cause: cause.clone(), code, instance });
        let refused = match &cause {
            ExitCause::Refused { .. } => Some(prose::exit(&cause, code)),
            _ => None,
        };
        let again_at = if cause == ExitCause::Stopped {
            Some(Instant::now())
        } else {
            let served = self.since.map_or(Duration::ZERO, |since| since.elapsed());
            let (count, after) = self.back_off.next(served);
            let after_ms = after.as_millis() as u64;
            event_sink.emit(lane, EventKind::Restart { count, after_ms, instance });
            Some(Instant::now() + after)
        };
        self.process = Process::Down { again_at, refused };
    }

    /// Gives up on a process that takes too long to start, and tells of one that hangs.
    pub(super) fn tick(&mut self, event_sink: &mut EventSink) {
        // Who stood still has heard nobody, which says nothing of them.
        let stood = self.looked.replace(Instant::now()).is_some_and(|at| at.elapsed() > SILENCE);
        if stood {
            self.newest.iter_mut().for_each(|(at, _)| *at = Instant::now());
        }
        match &self.process {
            Process::Starting { since, .. } if since.elapsed() > START_TIMEOUT => {
                let why = format!("it was not ready within {START_TIMEOUT:?}");
                self.end_with(ExitCause::Refused { why }, false);
            }
            Process::Serving { .. }
                if !self.silent && self.newest.is_some() && self.report().is_none() =>
            {
                self.silent = true;
                let line = format!("its server has not reported for {SILENCE:?}: it hangs");
                event_sink.emit(Some(self.lane), EventKind::Log { line });
            }
            _ => {}
        }
    }

    /// The newest report of its server, unless that is too old to stand for now, or it is down.
    pub(super) fn report(&self) -> Option<&ServerSample> {
        let serving = matches!(self.process, Process::Serving { .. });
        let (at, sample) = self.newest.as_ref().filter(|_| serving)?;
        (at.elapsed() < SILENCE).then_some(sample)
    }
}

/// Returns true if a process was killed from outside: by the system for lack of memory, or by hand.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(nix::libc::SIGKILL)
}

/// Here no status tells.
#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    false
}
