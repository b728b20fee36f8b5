//! Reads recordings: the readable events, and the faults.

use std::io::{self, BufReader, Read, Take};

use serde::Deserialize;

use super::{Decoder, FileKind, Header, MOST_LANES, VERSION};
use crate::event::{Clock, Event, EventKind, MOST_COUNTED, Sample, TICK};
use crate::figures::count;
use crate::sanitize::{self, next_line};

/// The longest line that is read; those that are written are far shorter.
const LONGEST_LINE: u64 = 1 << 20;

/// Bytes of a file that are read at most: many times what four lanes write in an hour.
const CEILING: u64 = 256 << 20;

/// Events that are read at most: more than four lanes make in an hour.
const MOST_EVENTS: usize = 1_000_000;

/// Lines in which nothing can be read, after which a file is given up.
const MOST_FAULTS: usize = 100_000;

/// Bytes that the values of all samples may take: a line says only what has changed since the line
/// before, and so may stand for many times its own length.
const MOST_VALUES: usize = 1 << 30;

/// Events other than samples that are read at most.
const MOST_TOLD: usize = 200_000;

/// The latest time that an event may have: a day.
const LATEST_MS: u64 = 24 * 3600 * 1000;

/// A longer time without a sample of a live lane is a gap. A busy machine skips a tick or two.
const LONGEST_GAP_MS: u64 = 1000;

/// Faults that are kept with their lines; the others are counted.
const FAULTS: usize = 20;

/// A recording as it was read.
#[derive(Debug)]
pub struct Recording {
    /// Description of the run.
    pub header: Header,
    /// Events in order of time.
    pub events: Vec<Event>,
    /// Unreadable parts.
    pub faults: UnreadableLines,
}

/// Unreadable parts of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadableLines {
    /// The first ones, with their lines.
    pub first: Vec<Fault>,
    /// Number of faults.
    pub all: usize,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// Description of the fault.
    pub what: String,
}

impl UnreadableLines {
    /// Adds one.
    pub fn add(&mut self, line: usize, what: impl Into<String>) {
        self.all += 1;
        if self.first.len() < FAULTS {
            self.first.push(Fault { line, what: what.into() });
        }
    }

    /// Adds one that is kept, however many there are: what was not read at all.
    fn add_kept(&mut self, line: usize, what: impl Into<String>) {
        self.all += 1;
        self.first.push(Fault { line, what: what.into() });
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
    #[error("line 1: rate out of range: {0} requests a second")]
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
    let mut events = Vec::new();
    let (header, faults) = scan(input, |_, event| events.push(event))?;
    Ok(Recording { header, events, faults })
}

/// Reads a recording, and hands on each line that is an event, in order of time: the same lines,
/// given to a [`Decoder`] one after the other, are the same events.
///
/// # Errors
///
/// When not even its first line tells what ran.
pub fn scan(
    input: impl Read,
    keep: impl FnMut(&str, Event),
) -> Result<(Header, UnreadableLines), Unreadable> {
    let opened = open(input)?;
    let header = opened.header.clone();
    Ok((header, opened.scan(keep)?))
}

/// A recording of which the first line has been read.
#[derive(Debug)]
pub struct Opened<R> {
    /// Description of the run.
    pub header: Header,
    input: BufReader<Take<R>>,
    faults: UnreadableLines,
}

/// Reads what ran, in the first line of a recording.
///
/// # Errors
///
/// When that does not tell.
pub fn open<R: Read>(input: R) -> Result<Opened<R>, Unreadable> {
    let mut input = BufReader::new(input.take(CEILING));
    let (first, _) = next_line(&mut input, LONGEST_LINE)?.ok_or(Unreadable::Empty)?;
    let mut faults = UnreadableLines::default();
    let header = match std::str::from_utf8(&first) {
        Ok(text) => sanitize::read::<Header>(text),
        Err(_) => serde_json::from_slice(&first),
    };
    let header = header.map_err(|error| no_header(&first, &error))?;
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
    Ok(Opened { header, input, faults })
}

impl<R: Read> Opened<R> {
    /// Reads the rest: see [`scan`]. Returns what cannot be read.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn scan(self, mut keep: impl FnMut(&str, Event)) -> io::Result<UnreadableLines> {
        let Self { header, mut input, mut faults } = self;
        let mut decoder = Decoder::default();
        let (mut room, mut last_ms) = (Room::default(), None);
        let mut gaps = Gaps::new(&header);
        let (mut number, mut ended) = (1, false);
        while let Some((line, whole)) = next_line(&mut input, LONGEST_LINE)? {
            number += 1;
            ended = super::is_end(&line);
            if ended {
                continue;
            }
            let most = || count(MOST_FAULTS as u64);
            let noise =
                (faults.all >= MOST_FAULTS).then(|| format!("{} lines that say nothing", most()));
            if let Some(what) = noise.or_else(|| room.left_out()) {
                faults.add_kept(number, format!("the file continues beyond {what}"));
                ended = true;
                break;
            }
            let Ok(text) = std::str::from_utf8(&line) else {
                faults.add(number, "not text");
                continue;
            };
            match event(&mut decoder, text, whole, &header, last_ms.unwrap_or_default()) {
                Ok(event) => {
                    if let Some(what) = gaps.before(&event) {
                        faults.add(number, what);
                    }
                    room.take(&event);
                    last_ms = Some(event.at_ms);
                    keep(text, event);
                }
                Err(what) => faults.add(number, what),
            }
        }
        if input.get_ref().limit() == 0 {
            let says = "the file is longer than the 256 MiB that are read; the rest is left out";
            faults.add_kept(number, says);
            ended = true;
        }
        match last_ms {
            None => faults.add(number, "there is no event in the file"),
            Some(_) if ended => {}
            Some(last_ms) => {
                let at_s = last_ms as f64 / 1000.0;
                faults.add(number, format!(
                "the recording stops at {at_s:.1} s without its end: it was cut, or is still written"
            ));
            }
        }
        Ok(faults)
    }
}

fn no_header(line: &[u8], error: &serde_json::Error) -> Unreadable {
    /// First line of every version.
    #[derive(Deserialize)]
    struct AnyVersion {
        #[serde(rename = "firedrill")]
        _kind: FileKind,
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
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is in UTF-16; save it as UTF-8".to_owned(),
        _ if line.starts_with(b"{\"log\"") || line.starts_with(b"{ \"log\"") => {
            "it is an HTTP archive (HAR), as browsers write one".to_owned()
        }
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
    text: &str,
    whole: bool,
    header: &Header,
    earliest_ms: u64,
) -> Result<Event, String> {
    if text.len() as u64 >= LONGEST_LINE {
        return Err("longer than any event".to_owned());
    }
    let event: Event = sanitize::read(text).map_err(|error| {
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
        _ => decoder.complete(event),
    }
}

/// Amounts read, and their limits.
#[derive(Default)]
struct Room {
    events: usize,
    told: usize,
    values: usize,
}

impl Room {
    fn take(&mut self, event: &Event) {
        self.events += 1;
        match &event.what {
            EventKind::Sample(sample) => self.values += size(sample),
            EventKind::Driver { lag_us, .. } => self.values += 16 * lag_us.len(),
            _ => self.told += 1,
        }
    }

    /// Describes the limit that was reached; none: no limit.
    fn left_out(&self) -> Option<String> {
        let most = |most: usize| count(most as u64);
        if self.events >= MOST_EVENTS {
            return Some(format!("the {} events that are read", most(MOST_EVENTS)));
        }
        if self.told >= MOST_TOLD {
            return Some(format!("the {} events beside samples that are read", most(MOST_TOLD)));
        }
        (self.values >= MOST_VALUES).then(|| "the values that are read: no run has as many".into())
    }
}

/// Returns the approximate memory of a sample's values.
fn size(sample: &Sample) -> usize {
    const ENTRY: usize = 48;
    let server = sample.server.iter().map(|server| {
        let metrics = server.metrics.keys().map(|name| name.len() + ENTRY);
        let sites = server.wait_sites.iter().map(|s| s.file.len() + s.label.len() + ENTRY);
        metrics.chain(sites).sum::<usize>()
    });
    let counted = |values: &[(u64, u32)]| 16 * values.len();
    let kinds = sample.load.kinds.iter().map(|(name, kind)| {
        name.len() + ENTRY + counted(&kind.latency_us) + counted(&kind.unanswered_us)
    });
    let load = counted(&sample.load.latency_us) + counted(&sample.load.unanswered_us);
    let instances = sample.instances.iter().map(|i| i.version.len() + ENTRY);
    server.chain(kinds).chain(instances).sum::<usize>() + load + ENTRY
}

/// Looks for samples that are missing: every lane has one each tick.
struct Gaps {
    longest_ms: u64,
    /// Time of each lane's last sample.
    last_ms: Vec<u64>,
}

impl Gaps {
    fn new(header: &Header) -> Self {
        let longest_ms = match header.clock {
            Clock::Live => LONGEST_GAP_MS,
            Clock::Virtual => TICK.as_millis() as u64,
        };
        Self { longest_ms, last_ms: vec![0; header.variants.len()] }
    }

    /// Describes samples missing before this event in its lane.
    fn before(&mut self, event: &Event) -> Option<String> {
        let (lane, EventKind::Sample(_)) = (event.lane?, &event.what) else {
            return None;
        };
        let from_ms = std::mem::replace(self.last_ms.get_mut(lane)?, event.at_ms);
        (event.at_ms > from_ms + self.longest_ms).then(|| {
            let (from_s, to_s) = (from_ms as f64 / 1000.0, event.at_ms as f64 / 1000.0);
            let lane = char::from(b'A' + lane as u8);
            format!(
                "lane {lane} has no sample between {from_s:.1} s and {to_s:.1} s: lines are missing"
            )
        })
    }
}

/// Returns true if the counts are possible in a run, with a wide margin.
fn plausible(event: &Event) -> bool {
    match &event.what {
        EventKind::Sample(sample) => sample.is_plausible(),
        EventKind::Ready(ready) => ready.cap_bytes.is_none_or(|bytes| bytes < MOST_COUNTED),
        _ => true,
    }
}

/// Describes a line's error and its column, without the parser's line number.
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
