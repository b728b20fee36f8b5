//! Recordings: the events of a run, a JSON object a line, after a line that says what ran.
//!
//! Each line is written as it comes, so a run that is killed leaves a file that is whole up to its
//! last line. A sample has only the metrics that have changed since the lane's last one: the
//! others keep their values. A metric's name is written once; then its number stands for it, counted
//! from 0 in the order of the lane's names. A wait site on the same line of source as the one at its place in the
//! lane's last sample is without file and label: they are the same. When a lane's process starts,
//! all this is forgotten.
//!
//! * `codec`: between events and lines
//! * `read`: whatever can be read, and what cannot

mod codec;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Clock;
use crate::plan::Plan;
pub use codec::{Decoder, Encoder};
pub use read::{Fault, Opened, Recording, Unreadable, UnreadableLines, open, read, scan};

/// Lanes that a run has at most.
pub const MOST_LANES: usize = 4;

/// The version of the format that is written, and the newest that is known.
pub const VERSION: u32 = 1;

/// The first line: what ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// File type.
    pub firedrill: FileKind,
    /// Version of the format.
    pub version: u32,
    /// Version of the program that wrote it.
    #[serde(default)]
    pub program: String,
    /// The incident's id.
    pub incident: String,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Seed of the arrivals and of the servers.
    pub seed: u64,
    /// The clock.
    pub clock: Clock,
    /// Arrivals a second, to each lane, at the beginning.
    pub rate_per_s: f64,
    /// Parameters that differ from the manifest's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, f64>,
    /// Machine of a live run. A virtual run is the same on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

impl Header {
    /// The header of a recording of this run, written by this version of the program.
    pub fn of(plan: &Plan, program: &str) -> Self {
        Self {
            firedrill: FileKind::Recording,
            version: VERSION,
            program: program.to_owned(),
            incident: plan.incident.clone(),
            variants: plan.variants.clone(),
            seed: plan.seed,
            clock: plan.clock,
            rate_per_s: plan.rate_per_s,
            params: plan.params.clone(),
            machine: (plan.clock == Clock::Live).then(Machine::this),
        }
    }

    /// The run that was recorded. Its faults are among the events, its end is the last of them.
    pub fn plan(&self) -> Plan {
        Plan {
            incident: self.incident.clone(),
            variants: self.variants.clone(),
            rate_per_s: self.rate_per_s,
            seed: self.seed,
            params: self.params.clone(),
            experiment: None,
            clock: self.clock,
            duration_ms: None,
        }
    }
}

/// The last line: the recording was not cut. Only a file has it.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    /// The time of the newest event.
    at_ms: u64,
    event: EndWord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndWord {
    End,
}

/// The last line of a recording, without its end.
pub fn end_line(at_ms: u64) -> String {
    // Plain data always has a JSON form.
    serde_json::to_string(&End { at_ms, event: EndWord::End }).unwrap_or_default()
}

/// Returns true for the last line of a recording.
fn is_end(line: &[u8]) -> bool {
    // Far shorter than events are: most need not be read for this.
    line.len() < 100 && serde_json::from_slice::<End>(line).is_ok()
}

/// The one kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A recording.
    Recording,
}

/// The machine of a live run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Processors.
    pub cpus: usize,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}
