//! Storage of the log's writer: a bounded tail in memory, in place of a disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::LogTail;
use crate::incident::Env;

/// Lines kept; the oldest falls out.
const TAIL: usize = 200;

/// A line about a request, as the writer received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Method, target with its query, as the client sent them.
    pub request: String,
    /// Status of the answer.
    pub status: u16,
}

/// Entries of the log.
#[derive(Debug, Clone)]
enum LogEntry {
    Request(LogLine),
    Error(String),
}

impl LogEntry {
    /// As a lane shows it.
    fn text(&self) -> String {
        match self {
            Self::Request(line) => format!("{} {}", line.status, line.request),
            Self::Error(text) => format!("ERROR {text}"),
        }
    }
}

type Reader = Box<dyn Fn(&LogLine) -> bool + Send + Sync>;
type ErrorReader = Box<dyn Fn(&str) + Send + Sync>;

/// The log. What has been written can be read by earlier subscribers.
#[derive(Default)]
pub struct LogFile {
    kept: Mutex<Kept>,
    readers: Mutex<Vec<Reader>>,
    error_readers: Mutex<Vec<ErrorReader>>,
}

#[derive(Default)]
struct Kept {
    tail: VecDeque<LogEntry>,
    /// The newest line that a reader says should not be there.
    wrong: Option<LogEntry>,
}

/// Lines of the log that a lane shows of its end.
const SHOWN: usize = 3;

/// The log tail that a lane's screen has: sent once a second if it has changed.
#[derive(Debug, Default)]
pub struct Tailed {
    shown: LogTail,
    ticks: u32,
}

impl Tailed {
    /// To be called at each tick: the end of the log, if it is time to show it again.
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
    /// Writes a line about a request.
    pub fn append(&self, line: LogLine) {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Each of them reads it, whatever the others say.
        let wrong = readers.iter().fold(false, |wrong, reader| reader(&line) | wrong);
        drop(readers);
        self.keep(LogEntry::Request(line), wrong);
    }

    /// Writes a line about an error.
    pub fn append_error(&self, text: String) {
        let readers = self.error_readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.iter().for_each(|reader| reader(&text));
        drop(readers);
        self.keep(LogEntry::Error(text), false);
    }

    fn keep(&self, entry: LogEntry, wrong: bool) {
        let mut kept = self.kept();
        if wrong {
            kept.wrong = Some(entry.clone());
        }
        if kept.tail.len() == TAIL {
            kept.tail.pop_front();
        }
        kept.tail.push_back(entry);
    }

    /// Lets `reader` see every line about a request from now on, and say whether it should not be there.
    pub fn subscribe(&self, reader: impl Fn(&LogLine) -> bool + Send + Sync + 'static) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(reader));
    }

    /// Lets `reader` see every line about an error from now on.
    pub fn subscribe_errors(&self, reader: impl Fn(&str) + Send + Sync + 'static) {
        self.error_readers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(reader));
    }

    /// The newest lines as a lane shows them, the newest about an error among them, and the newest of those that should not be there.
    pub fn shown(&self) -> LogTail {
        let kept = self.kept();
        let newest = kept.tail.iter().skip(kept.tail.len().saturating_sub(SHOWN));
        // Between many lines about requests the last one about an error would not be seen.
        let older = kept.tail.iter().take(kept.tail.len().saturating_sub(SHOWN));
        let error = older.rev().find(|entry| matches!(entry, LogEntry::Error(_)));
        let is_error = |entry: &&LogEntry| matches!(entry, LogEntry::Error(_));
        let error = error.filter(|_| !newest.clone().any(|entry| is_error(&entry)));
        let newest = error.into_iter().chain(newest);
        LogTail {
            lines: newest.map(LogEntry::text).collect(),
            wrong: kept.wrong.as_ref().map(LogEntry::text),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest lines about requests, oldest first.
    pub fn tail(&self) -> Vec<LogLine> {
        let requests = |entry: &LogEntry| match entry {
            LogEntry::Request(line) => Some(line.clone()),
            LogEntry::Error(_) => None,
        };
        self.kept().tail.iter().filter_map(requests).collect()
    }
}
