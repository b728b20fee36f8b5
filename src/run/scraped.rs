//! Tells Prometheus where the lanes of a live run serve: a small file that it reads by itself, as long as the
//! run lasts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files;

/// A file for Prometheus' `file_sd_configs`; gone when it is dropped.
#[derive(Debug)]
pub struct Scraped {
    path: PathBuf,
    written: String,
}

/// A process that serves, and what it is.
#[derive(Debug, Serialize)]
pub struct Target {
    /// Its address.
    pub targets: [String; 1],
    /// Its labels.
    pub labels: Labels,
}

/// Labels of a process.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "as in a run's header and its samples")]
pub struct Labels {
    pub incident: String,
    pub variant: String,
    /// `A`, `B` …
    pub lane: String,
    /// Which of the lane's instances, from 0.
    pub number: String,
}

/// The folder of these files; none where the platform has no place for it.
pub fn folder() -> Option<PathBuf> {
    Some(files::state_folder()?.join("running"))
}

impl Scraped {
    /// The file of a run of this process; nothing is written yet. None where there is no place for it.
    pub fn new() -> Option<Self> {
        let (pid, nth) =
            (std::process::id(), NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        // A run that was killed left its file behind; Prometheus would take its lanes for crashed ones.
        running();
        let path = folder()?.join(format!("{pid}-{nth}.json"));
        Some(Self { path, written: String::new() })
    }

    /// Says where lanes serve now.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn tell(&mut self, targets: &[Target]) -> io::Result<()> {
        let text = serde_json::to_string_pretty(targets)?;
        if text == self.written {
            return Ok(());
        }
        // Whole at any moment: Prometheus reads it when it likes.
        files::write(&self.path, text.as_bytes())?;
        self.written = text;
        Ok(())
    }
}

static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

impl Drop for Scraped {
    fn drop(&mut self) {
        if !self.written.is_empty() {
            // A file that stays names ports at which nobody serves, which the next reader finds out.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Files of runs that are there; those of processes that have ended are taken away.
pub fn running() -> Vec<PathBuf> {
    let Some(folder) = folder() else { return Vec::new() };
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let files = files.filter_map(|entry| Some(entry.ok()?.path()));
    let (there, gone): (Vec<_>, Vec<_>) =
        files.filter(|path| path.extension().is_some_and(|e| e == "json")).partition(|p| lives(p));
    for path in gone {
        fs::remove_file(path).ok();
    }
    there
}

/// Returns true if the process of a file is running.
fn lives(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(pid) = name.split('-').next().and_then(|pid| pid.parse::<usize>().ok()) else {
        return false;
    };
    let pid = sysinfo::Pid::from(pid);
    let mut system = sysinfo::System::new();
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).is_some()
}
