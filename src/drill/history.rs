//! The shifts so far: one small file in the platform's state directory.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::files;
use firedrill_core::session::shift::debrief::Debrief;

/// The form of the file: another one is set aside.
const VERSION: u32 = 1;

/// Shifts that are kept; beyond, the oldest are dropped.
const MOST: usize = 1000;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// A shift that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftRecord {
    /// Seconds since 1970, UTC.
    pub at_s: u64,
    /// Days since 1970 of the daily shift; none for another shift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<u64>,
    /// The seed.
    pub seed: u64,
    /// The level.
    pub level: u8,
    /// Points, from 0 to 100.
    pub points: f64,
    /// Seconds from the page until it was taken.
    pub detected_s: Option<f64>,
    /// Seconds from the page until the outage was mitigated.
    pub mitigated_s: Option<f64>,
    /// Seconds from the page until the cause was named.
    pub named_s: Option<f64>,
    /// Ids of the causes.
    pub causes: Vec<String>,
}

/// The shifts so far, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    version: u32,
    /// All of them.
    pub shifts: Vec<ShiftRecord>,
}

/// Now, in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the date of a shift is that of the wall clock")]
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The day of a time, since 1970, UTC.
pub fn day(at_s: u64) -> u64 {
    at_s / DAY_S
}

/// A date such as `2026-11-30`, UTC.
pub fn date(at_s: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(at_s);
    humantime::format_rfc3339_seconds(at).to_string().chars().take(10).collect()
}

impl ShiftRecord {
    /// The record of a shift that ended now.
    pub fn new(debrief: &Debrief, daily: Option<u64>) -> Self {
        Self {
            at_s: now_s(),
            daily,
            seed: debrief.seed,
            level: debrief.level,
            points: debrief.score.points,
            detected_s: debrief.score.detected_s,
            mitigated_s: debrief.score.mitigated_s,
            named_s: debrief.score.named_s,
            causes: debrief.causes.iter().map(|cause| cause.id.clone()).collect(),
        }
    }
}

/// The file with the history.
///
/// # Errors
///
/// Returns an error if the platform has no folder for state.
pub fn file() -> anyhow::Result<PathBuf> {
    Ok(files::state_folder().context("this platform has no folder for state")?.join("shifts.json"))
}

impl History {
    /// Reads the history. A damaged file is set aside; the second value says so.
    pub fn read(file: &Path) -> (Self, Option<String>) {
        files::read_or_set_aside(file, |text| {
            let read: Self = serde_json::from_str(text).map_err(|why| why.to_string())?;
            if read.version == VERSION {
                return Ok(read);
            }
            Err(format!("it has version {}, expected {VERSION}", read.version))
        })
    }

    /// Adds a shift to the history in the file. Returns a note if a damaged file was set aside.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be locked or written.
    pub fn add(file: &Path, shift: ShiftRecord) -> anyhow::Result<Option<String>> {
        let about = || format!("cannot keep this shift in {}", file.display());
        let _lock = files::lock(file).with_context(about)?;
        let (mut history, note) = Self::read(file);
        history.version = VERSION;
        let more = (history.shifts.len() + 1).saturating_sub(MOST);
        history.shifts.drain(..more);
        history.shifts.push(shift);
        let text = serde_json::to_string_pretty(&history)?;
        files::write(file, text.as_bytes()).with_context(about)?;
        Ok(note)
    }

    /// Daily shifts in a row up to this day, or the day before.
    pub fn streak(&self, today: u64) -> u64 {
        let taken = |day: u64| self.shifts.iter().any(|shift| shift.daily == Some(day));
        let last = if taken(today) { today } else { today.saturating_sub(1) };
        (0..=last).rev().take_while(|day| taken(*day)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(daily: Option<u64>) -> ShiftRecord {
        ShiftRecord {
            at_s: 0,
            daily,
            seed: 1,
            level: 1,
            points: 80.0,
            detected_s: Some(1.0),
            mitigated_s: None,
            named_s: None,
            causes: vec!["pool-leak".to_owned()],
        }
    }

    #[test]
    fn a_streak_ends_with_the_first_day_that_is_missing() {
        let days = [10, 12, 13, 14].map(|day| record(Some(day)));
        let history = History { version: VERSION, shifts: days.to_vec() };
        assert_eq!([14, 15, 16, 11].map(|today| history.streak(today)), [3, 3, 0, 1]);
        assert_eq!(History::default().streak(14), 0);
    }

    #[test]
    fn a_damaged_history_is_set_aside() {
        let folder = std::env::temp_dir().join(format!("firedrill-history-{}", std::process::id()));
        let file = folder.join("shifts.json");
        assert_eq!(History::add(&file, record(None)).expect("it is written"), None);
        fs::write(&file, "{\"version\":1,\"shifts\":[").expect("it can be damaged");
        let note = History::add(&file, record(Some(3))).expect("it is written").expect("a note");
        assert!(note.contains("shifts.json") && note.contains("aside"), "{note}");
        let (history, note) = History::read(&file);
        assert_eq!((history.shifts, note), (vec![record(Some(3))], None));
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!([date(0), date(1_796_040_000)], ["1970-01-01", "2026-11-30"]);
        assert_eq!(day(1_796_040_000), 20_787);
    }
}
