//! Recordings: the events of a run, a JSON object a line, after a line that says what ran.
//!
//! Each line is written as it comes, so a run that is killed leaves a file that is whole up to its
//! last line. A sample names only the metrics that have changed since the lane's last one: the
//! others keep their values. A wait site on the same line of source as the one at its place in the
//! lane's last sample is without file and label: they are the same. When a lane's process starts,
//! all this is forgotten.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::{Clock, Event, Sample, WaitSite, What};
use crate::figures::count;

/// The version of the format that is written, and the newest that is known.
pub const VERSION: u32 = 1;

/// Lanes that a run has at most.
const MOST_LANES: usize = 4;

/// The longest line that is read; those that are written are far shorter.
const LONGEST_LINE: u64 = 1 << 20;

/// Events that are read at most: more than four lanes make in an hour.
const MOST_EVENTS: usize = 1_000_000;

/// The latest time that an event may have: a day.
const LATEST_MS: u64 = 24 * 3600 * 1000;

/// A longer time without any event is a gap: every lane has a sample each tick.
const LONGEST_GAP_MS: u64 = 1000;

/// Faults that are kept with their lines; the others are counted.
const FAULTS: usize = 100;

/// The first line: what ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// What kind of file this is.
    pub firedrill: Kind,
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
    /// Where a live run was measured. A virtual run is the same on every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// The one kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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

/// What a lane's last sample said that need not be said again.
#[derive(Debug, Clone, Default)]
struct Known {
    metrics: BTreeMap<String, f64>,
    wait_sites: Vec<WaitSite>,
}

/// Makes lines of events.
#[derive(Debug, Clone, Default)]
pub struct Encoder(Vec<Known>);

impl Encoder {
    /// Makes events of the lines that this one will make next.
    pub fn decoder(&self) -> Decoder {
        Decoder(self.0.clone())
    }

    /// The line of an event, without its end.
    pub fn line(&mut self, event: &Event) -> String {
        let Some((known, mut event)) = lane(&mut self.0, event).zip(Some(event.clone())) else {
            return json(event);
        };
        match &mut event.what {
            What::Starting { .. } => *known = Known::default(),
            What::Sample(Sample { server: Some(server), .. }) => {
                server.metrics.retain(|name, value| {
                    let old = known.metrics.insert(name.clone(), *value);
                    old.is_none_or(|old| old.to_bits() != value.to_bits())
                });
                let sites = server.wait_sites.clone();
                for (site, old) in server.wait_sites.iter_mut().zip(&known.wait_sites) {
                    if (&site.file, site.line, &site.label) == (&old.file, old.line, &old.label) {
                        (site.file, site.label) = (String::new(), String::new());
                    }
                }
                known.wait_sites = sites;
            }
            _ => {}
        }
        json(&event)
    }
}

fn json(event: &Event) -> String {
    // Plain data with text keys always has a JSON form.
    serde_json::to_string(event).unwrap_or_default()
}

/// Makes events of lines.
#[derive(Debug, Clone, Default)]
pub struct Decoder(Vec<Known>);

impl Decoder {
    /// The event of a line.
    ///
    /// # Errors
    ///
    /// When the line is none, or one that this version does not know.
    pub fn event(&mut self, line: &str) -> Result<Event, serde_json::Error> {
        let mut event: Event = serde_json::from_str(line)?;
        let Some(known) = lane(&mut self.0, &event) else {
            return Ok(event);
        };
        match &mut event.what {
            What::Starting { .. } => *known = Known::default(),
            What::Sample(Sample { server: Some(server), .. }) => {
                known.metrics.append(&mut server.metrics);
                server.metrics.clone_from(&known.metrics);
                for (site, old) in server.wait_sites.iter_mut().zip(&known.wait_sites) {
                    if site.file.is_empty() && site.line == old.line {
                        site.file.clone_from(&old.file);
                        site.label.clone_from(&old.label);
                    }
                }
                known.wait_sites.clone_from(&server.wait_sites);
            }
            _ => {}
        }
        Ok(event)
    }
}

/// What is known of an event's lane, for as many lanes as a run can have.
fn lane<'a>(lanes: &'a mut Vec<Known>, event: &Event) -> Option<&'a mut Known> {
    let lane = event.lane.filter(|lane| *lane < MOST_LANES)?;
    if lanes.len() <= lane {
        lanes.resize_with(lane + 1, Known::default);
    }
    lanes.get_mut(lane)
}

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    file: File,
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
    /// The file cannot be created.
    #[error("cannot record to {path}: {cause}")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// There is something else in the file.
    #[error("{0} is there already and is no recording: it will not be overwritten")]
    Occupied(PathBuf),
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
    /// Creates the file, in place of a recording that it holds.
    ///
    /// # Errors
    ///
    /// When the file cannot be created, or holds something else.
    pub fn create(path: &Path, header: &Header) -> Result<Self, RecordError> {
        let failed = |cause| RecordError::Create { path: path.to_owned(), cause };
        if path.is_file() && !replaceable(path).map_err(failed)? {
            return Err(RecordError::Occupied(path.to_owned()));
        }
        let file = File::create(path).map_err(failed)?;
        let line = serde_json::to_string(header).map_err(io::Error::from).map_err(failed)?;
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
        let header = self.header.take().unwrap_or_default();
        let line = header + &self.encoder.line(event) + "\n";
        self.file.write_all(line.as_bytes()).map_err(|cause| RecordError::Lost {
            path: self.path.clone(),
            at_s: event.at_ms as f64 / 1000.0,
            cause,
        })
    }

    /// Writes the end, without which the recording counts as cut off.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn finish(mut self) -> Result<(), RecordError> {
        self.write(&Event { at_ms: self.newest_ms, lane: None, what: What::End })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a file is empty, or a recording.
fn replaceable(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    Ok(start.is_empty() || start.starts_with(b"{\"firedrill\":\"recording\""))
}

/// A recording as it was read.
#[derive(Debug)]
pub struct Recording {
    /// What ran.
    pub header: Header,
    /// What happened, in order of time.
    pub events: Vec<Event>,
    /// What could not be read.
    pub faults: Faults,
}

/// What could not be read of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones, with their lines.
    pub first: Vec<Fault>,
    /// How many there are.
    pub all: usize,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Faults {
    /// Adds one.
    pub fn add(&mut self, line: usize, what: impl Into<String>) {
        self.all += 1;
        if self.first.len() < FAULTS {
            self.first.push(Fault { line, what: what.into() });
        }
    }

    /// A line for people about each fault, and one about those that are not kept.
    pub fn lines(&self) -> Vec<String> {
        let each = self.first.iter().map(|fault| format!("line {}: {}", fault.line, fault.what));
        let mut lines: Vec<String> = each.collect();
        if self.all > lines.len() {
            let more = count((self.all - lines.len()) as u64);
            lines.push(format!("{more} more lines could not be read"));
        }
        lines
    }
}

/// A file of which nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("line 1: the file is empty")]
    Empty,
    /// Its first line is that of a newer format.
    #[error(
        "line 1: the format is version {0}, this program knows up to {VERSION}: it needs a newer firedrill"
    )]
    Newer(u32),
    /// Its first line is no header.
    #[error("line 1: not a recording of firedrill: {0}")]
    NoHeader(String),
    /// Its first line says that it was run at no rate that there is.
    #[error("line 1: {0} requests a second is no rate")]
    Rate(f64),
    /// It has no lane, or too many.
    #[error("line 1: a recording has one to four lanes, this one says {0}")]
    Lanes(usize),
}

/// Reads a recording: whatever can be read of it, and what cannot.
///
/// # Errors
///
/// When not even its first line tells what ran.
pub fn read(input: impl Read) -> Result<Recording, Unreadable> {
    let mut input = BufReader::new(input);
    let (first, _) = next_line(&mut input)?.ok_or(Unreadable::Empty)?;
    let mut faults = Faults::default();
    let header: Header =
        serde_json::from_slice(&first).map_err(|error| no_header(&first, &error))?;
    if header.variants.is_empty() || header.variants.len() > MOST_LANES {
        return Err(Unreadable::Lanes(header.variants.len()));
    }
    if !(header.rate_per_s > 0.0 && header.rate_per_s < 1e6) {
        return Err(Unreadable::Rate(header.rate_per_s));
    }
    if header.version > VERSION {
        let version = header.version;
        faults.add(1, format!(
            "the format is version {version}, this program knows {VERSION}: what is new in it is left out"
        ));
    } else if header.version < VERSION {
        faults.add(1, format!("the format is version {}, which never was", header.version));
    }
    let mut decoder = Decoder::default();
    let mut events: Vec<Event> = Vec::new();
    let mut number = 1;
    while let Some((line, whole)) = next_line(&mut input)? {
        number += 1;
        let earliest_ms = events.last().map_or(0, |event| event.at_ms);
        match event(&mut decoder, &line, whole, &header, earliest_ms) {
            Ok(_) if events.len() == MOST_EVENTS => {
                let most = count(MOST_EVENTS as u64);
                faults.add(
                    number,
                    format!("the file goes on, beyond the {most} events that are read"),
                );
                break;
            }
            Ok(event) => {
                if event.at_ms > earliest_ms + LONGEST_GAP_MS {
                    let (from_s, to_s) = (earliest_ms as f64 / 1000.0, event.at_ms as f64 / 1000.0);
                    faults.add(number, format!(
                        "nothing between {from_s:.1} s and {to_s:.1} s: lines before this one are missing"
                    ));
                }
                events.push(event);
            }
            Err(what) => faults.add(number, what),
        }
    }
    match events.last() {
        None => faults.add(number, "there is no event in the file"),
        Some(Event { what: What::End, .. }) => {}
        Some(last) => {
            let at_s = last.at_ms as f64 / 1000.0;
            faults.add(number, format!(
                "the recording stops at {at_s:.1} s without its end: it was cut, or is still written"
            ));
        }
    }
    Ok(Recording { header, events, faults })
}

fn no_header(line: &[u8], error: &serde_json::Error) -> Unreadable {
    /// What every version's first line has.
    #[derive(Deserialize)]
    struct AnyVersion {
        #[serde(rename = "firedrill")]
        _kind: Kind,
        version: u32,
    }
    if let Ok(AnyVersion { version, .. }) = serde_json::from_slice(line)
        && version > VERSION
    {
        return Unreadable::Newer(version);
    }
    let why = match line {
        [0x1f, 0x8b, ..] => "it is compressed; unpack it first".to_owned(),
        [b'<', ..] => "it is a page, such as `firedrill report` makes of one".to_owned(),
        [0xef, 0xbb, 0xbf, ..] => "it begins with a byte order mark; remove it".to_owned(),
        _ if serde_json::from_slice::<Event>(line).is_ok() => {
            "its first line is lost, which says what ran".to_owned()
        }
        _ => short(error),
    };
    Unreadable::NoHeader(why)
}

fn event(
    decoder: &mut Decoder,
    line: &[u8],
    whole: bool,
    header: &Header,
    earliest_ms: u64,
) -> Result<Event, String> {
    if line.len() as u64 >= LONGEST_LINE {
        return Err("longer than any event".to_owned());
    }
    let text = std::str::from_utf8(line).map_err(|_| "not text".to_owned())?;
    let event = decoder.event(text).map_err(|error| {
        if whole {
            format!("not an event: {}", short(&error))
        } else {
            "cut off: the recording was ended while it was written".to_owned()
        }
    })?;
    let lanes = header.variants.len();
    match event.lane {
        Some(lane) if lane >= lanes => {
            Err(format!("for lane number {}, and there are {lanes}", lane.saturating_add(1)))
        }
        _ if event.at_ms > LATEST_MS => Err(format!("at {} ms: later than any run", event.at_ms)),
        _ if event.at_ms < earliest_ms => {
            Err(format!("at {} ms: earlier than the event before", event.at_ms))
        }
        _ if !plausible(&event) => Err("counts that no run has".to_owned()),
        _ => Ok(event),
    }
}

/// Whether its counts are such that a run can have them, with much to spare.
fn plausible(event: &Event) -> bool {
    const MOST: u64 = 1 << 50;
    let What::Sample(Sample { server, resident_bytes, load }) = &event.what else {
        return true;
    };
    let server = server.iter().flat_map(|s| [s.tasks, s.connections, s.heap_bytes]);
    let outcomes = [load.sent, load.ok, load.rejected, load.failed, load.timed_out];
    let load = outcomes.into_iter().chain([load.unfinished, load.in_flight]);
    server.chain(*resident_bytes).chain(load).all(|count| count < MOST)
}

/// What is wrong with a line; where in it, without the number that its parser gives the line.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let what = what.split_once(", expected one of").map_or(what, |(what, _)| what);
    let place = match error.column() {
        0 => String::new(),
        column => format!(", at column {column}"),
    };
    what.chars().take(200).collect::<String>() + &place
}

/// The next line without its end, or as much of it as an event can have; and whether it had an end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<(Vec<u8>, bool)>> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let whole = line.last() == Some(&b'\n');
    if whole {
        line.pop();
    } else if line.len() as u64 == LONGEST_LINE {
        // The rest of it is of no use.
        input.skip_until(b'\n')?;
    }
    Ok(Some((line, whole)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Sample, ServerSample};

    fn sample(at_ms: u64, metrics: &[(&str, f64)], waiting: &[(&str, u32, u64)]) -> Event {
        let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let site = |&(file, line, waiting): &(&str, u32, u64)| WaitSite {
            file: file.to_owned(),
            line,
            label: "a lock".to_owned(),
            waiting,
        };
        let wait_sites = waiting.iter().map(site).collect();
        let server = Some(ServerSample { metrics, wait_sites, ..ServerSample::default() });
        let what = What::Sample(Sample { server, ..Sample::default() });
        Event { at_ms, lane: Some(0), what }
    }

    #[test]
    fn what_a_sample_has_in_common_with_the_last_is_written_once() {
        let start =
            |at_ms, attempt| Event { at_ms, lane: Some(0), what: What::Starting { attempt } };
        let events = [
            start(0, 1),
            sample(100, &[("depth", 1.0), ("lost", 0.5)], &[("a.rs", 7, 1)]),
            sample(200, &[("depth", 2.0), ("lost", 0.5)], &[("a.rs", 7, 2), ("b.rs", 7, 1)]),
            sample(300, &[("depth", 2.0), ("lost", 0.5)], &[("b.rs", 7, 1)]),
            start(400, 2),
            sample(500, &[("lost", 0.5)], &[("b.rs", 7, 1)]),
        ];
        let mut encoder = Encoder::default();
        let lines: Vec<String> = events.iter().map(|event| encoder.line(event)).collect();
        assert!(lines[1].contains(r#""metrics":{"depth":1,"lost":0.5}"#), "{}", lines[1]);
        assert!(lines[2].contains(r#""metrics":{"depth":2}"#), "{}", lines[2]);
        assert!(lines[2].contains(r#"[{"line":7,"waiting":2},{"file":"b.rs""#), "{}", lines[2]);
        let mut decoder = Decoder::default();
        for (line, event) in lines.iter().zip(&events) {
            assert_eq!(&decoder.event(line).expect("an event"), event);
        }
    }
}
