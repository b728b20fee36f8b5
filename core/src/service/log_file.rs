//! Where the log's writer puts its lines: a bounded tail in memory, in place of a disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::LogTail;
use crate::incident::Env;

/// Lines kept; the oldest falls out.
const TAIL: usize = 200;

/// One line, as the writer received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Method, target with its query, as the client sent them.
    pub request: String,
    /// Status of the answer.
    pub status: u16,
}

type Reader = Box<dyn Fn(&LogLine) -> bool + Send + Sync>;

/// The log. What has been written can be read by whoever subscribed before.
#[derive(Default)]
pub struct LogFile {
    kept: Mutex<Kept>,
    readers: Mutex<Vec<Reader>>,
}

#[derive(Default)]
struct Kept {
    tail: VecDeque<LogLine>,
    /// The newest line that a reader says should not be there.
    wrong: Option<LogLine>,
}

/// Lines of the log that a lane shows of its end.
const SHOWN: usize = 3;

/// What a lane's screen has been shown of a log: its end, once a second where it changes.
#[derive(Debug, Default)]
pub struct Tailed {
    shown: LogTail,
    ticks: u32,
}

impl Tailed {
    /// To be called at each tick: the end of the log, where it is time to show it anew.
    pub fn tick(&mut self, env: &Env) -> Option<LogTail> {
        self.ticks += 1;
        if !self.ticks.is_multiple_of(10) {
            return None;
        }
        let now = log_file(env).shown();
        (now != self.shown).then(|| {
            self.shown = now.clone();
            now
        })
    }
}

/// The log file of this server.
pub fn log_file(env: &Env) -> Arc<LogFile> {
    env.shared(LogFile::default)
}

impl LogFile {
    /// Writes a line.
    pub fn append(&self, line: LogLine) {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Each of them reads it, whatever the others say.
        let wrong = readers.iter().fold(false, |wrong, reader| reader(&line) | wrong);
        drop(readers);
        let mut kept = self.kept();
        if wrong {
            kept.wrong = Some(line.clone());
        }
        if kept.tail.len() == TAIL {
            kept.tail.pop_front();
        }
        kept.tail.push_back(line);
    }

    /// Lets `reader` see every line from now on, and say whether it should not be there.
    pub fn subscribe(&self, reader: impl Fn(&LogLine) -> bool + Send + Sync + 'static) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(reader));
    }

    /// The newest lines as a lane shows them, and the newest of those that should not be there.
    pub fn shown(&self) -> LogTail {
        let kept = self.kept();
        let newest = kept.tail.iter().skip(kept.tail.len().saturating_sub(SHOWN));
        let text = |line: &LogLine| format!("{} {}", line.status, line.request);
        LogTail { lines: newest.map(text).collect(), wrong: kept.wrong.as_ref().map(text) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest lines, oldest first.
    pub fn tail(&self) -> Vec<LogLine> {
        self.kept().tail.iter().cloned().collect()
    }
}
