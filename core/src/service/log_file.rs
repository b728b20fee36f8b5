//! Where the log's writer puts its lines: a bounded tail in memory, in place of a disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

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

type Reader = Box<dyn Fn(&LogLine) + Send + Sync>;

/// The log. What has been written can be read by whoever subscribed before.
#[derive(Default)]
pub struct LogFile {
    tail: Mutex<VecDeque<LogLine>>,
    readers: Mutex<Vec<Reader>>,
}

/// The log file of this server.
pub fn log_file(env: &Env) -> Arc<LogFile> {
    env.shared(LogFile::default)
}

impl LogFile {
    /// Writes a line.
    pub fn append(&self, line: LogLine) {
        for reader in self.readers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            reader(&line);
        }
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }

    /// Lets `reader` see every line from now on.
    pub fn subscribe(&self, reader: impl Fn(&LogLine) + Send + Sync + 'static) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(reader));
    }

    /// The newest lines, oldest first.
    pub fn tail(&self) -> Vec<LogLine> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
