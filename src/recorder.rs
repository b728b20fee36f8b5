//! A recording being written, line by line.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use firedrill_core::event::{Event, EventKind};
use firedrill_core::record::{Encoder, Header, end_line};

use crate::files::replace::{Beside, CannotReplace};

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    file: Beside,
    path: PathBuf,
    /// The first line, until it is written.
    header: Option<String>,
    encoder: Encoder,
    /// The time of the newest event.
    newest_ms: u64,
}

/// A recording that could not be begun, or not be written on.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file cannot be begun.
    #[error("cannot record to {path}: {cause}")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: CannotReplace,
    },
    /// Writing has failed.
    #[error("the recording {path} is lost from {at_s:.1} s on: {cause}")]
    Lost {
        /// The file.
        path: PathBuf,
        /// The time of the event that could not be written.
        at_s: f64,
        /// Why.
        cause: io::Error,
    },
}

impl Recorder {
    /// Begins a recording, which takes the place of an older one with its first sample: a run that
    /// cannot start leaves that as it was.
    ///
    /// # Errors
    ///
    /// When the file cannot be created, holds something else, or is written by another run.
    pub fn create(path: &Path, header: &Header) -> Result<Self, RecordError> {
        let failed = |cause| RecordError::Create { path: path.to_owned(), cause };
        let file = Beside::create(path, replaceable).map_err(failed)?;
        let line =
            serde_json::to_string(header).map_err(|e| failed(CannotReplace::Io(e.into())))?;
        let header = Some(format!("{line}\n"));
        Ok(Self { file, path: path.to_owned(), header, encoder: Encoder::default(), newest_ms: 0 })
    }

    /// Writes an event.
    ///
    /// # Errors
    ///
    /// When the system refuses, for example because the disk is full. Nothing more should be
    /// written then.
    pub fn write(&mut self, event: &Event) -> Result<(), RecordError> {
        self.newest_ms = self.newest_ms.max(event.at_ms);
        let line = self.encoder.line(event);
        self.append(&line, event.at_ms)?;
        if matches!(event.what, EventKind::Sample(_)) {
            let placed = self.file.take_place();
            placed.map_err(|cause| self.lost(event.at_ms, cause))?;
        }
        Ok(())
    }

    fn append(&mut self, line: &str, at_ms: u64) -> Result<(), RecordError> {
        let line = self.header.take().unwrap_or_default() + line + "\n";
        let written = self.file.file().write_all(line.as_bytes());
        written.map_err(|cause| self.lost(at_ms, cause))
    }

    fn lost(&self, at_ms: u64, cause: io::Error) -> RecordError {
        RecordError::Lost { path: self.path.clone(), at_s: at_ms as f64 / 1000.0, cause }
    }

    /// Writes the end, without which the recording counts as cut off.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn finish(mut self) -> Result<(), RecordError> {
        let line = end_line(self.newest_ms);
        self.append(&line, self.newest_ms)?;
        let whole = self.file.take_place().and_then(|()| self.file.sync());
        whole.map_err(|cause| self.lost(self.newest_ms, cause))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns true if a file is empty or a recording.
fn replaceable(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(start.is_empty() || start.starts_with(b"{\"firedrill\":\"recording\""))
}

/// Begins a recording in the folder that the program was started in, under a name that is not taken: not by a file, and
/// not by another program that records into one that is not there yet.
///
/// # Errors
///
/// When the folder cannot be written, or has all of these names.
pub fn record_somewhere(incident: &str, header: &Header) -> anyhow::Result<(Recorder, PathBuf)> {
    const NAMES: u32 = 1000;
    let names = (1..NAMES).map(|n| PathBuf::from(format!("{incident}-{n}.jsonl")));
    let mut taken = 0;
    for path in names.filter(|path| !path.exists()) {
        match Recorder::create(&path, header) {
            Ok(recorder) => return Ok((recorder, path)),
            Err(error) if taken == MOST_TAKEN => return Err(error.into()),
            Err(_) => taken += 1,
        }
    }
    anyhow::bail!(
        "{incident}-1.jsonl to {incident}-{NAMES}.jsonl are there already: move some of them away"
    )
}

/// Names that others may have taken in the meantime.
const MOST_TAKEN: u32 = 8;
