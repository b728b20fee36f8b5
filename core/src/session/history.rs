//! The past of a run: its events as the lines of a recording, and the state of the run at any time of it.
//!
//! Every ten seconds the whole state is kept too. That costs little, because copies of it share their series. To
//! go back is to take the last kept state before that time and to apply the events since.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::run_state::RunState;
use crate::event::{Event, EventKind, ExitCause};
use crate::plan::Case;
use crate::record::{Decoder, Encoder};

/// Bytes of lines that are kept: some twenty minutes of four lanes, forty of two.
const MOST_BYTES: usize = 16 << 20;

/// Least time between two snapshots that are kept.
const BETWEEN_MS: u64 = 10_000;

/// Most snapshots that are kept of a recording, however long it is.
const MOST_SNAPSHOTS: u64 = 360;

/// The past of a run. When it has grown to its bound, its oldest part falls out.
#[derive(Debug, Serialize, Deserialize)]
pub struct History {
    /// Time between two snapshots.
    between_ms: u64,
    bytes: usize,
    /// Lines with their times; the first has the number `first`.
    lines: VecDeque<(u64, Box<str>)>,
    first: usize,
    #[serde(with = "oldest")]
    snapshots: VecDeque<Snapshot>,
    /// Times of phases, switches, exits and restarts.
    marks_ms: VecDeque<u64>,
    encoder: Encoder,
}

/// All snapshots but the oldest can be computed from the lines, and would share nothing in a file.
mod oldest {
    use std::collections::VecDeque;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Snapshot;

    pub(super) fn serialize<S: Serializer>(
        snapshots: &VecDeque<Snapshot>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        snapshots.front().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<VecDeque<Snapshot>, D::Error> {
        Ok(Option::<Snapshot>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// The lines of a recording that was read.
#[derive(Debug, Default)]
pub struct Lines {
    lines: VecDeque<(u64, Box<str>)>,
    marks_ms: VecDeque<u64>,
}

impl Lines {
    /// Adds a line, with the event that it stands for.
    pub fn keep(&mut self, line: &str, event: &Event) {
        self.lines.push_back((event.at_ms, line.into()));
        mark(&mut self.marks_ms, event);
    }
}

fn mark(marks_ms: &mut VecDeque<u64>, event: &Event) {
    if is_mark(event) && marks_ms.back() != Some(&event.at_ms) {
        marks_ms.push_back(event.at_ms);
    }
}

/// The state of a run at a time, and the place to read on from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// The time, in milliseconds since the run began.
    pub at_ms: u64,
    /// The state then.
    pub state: RunState,
    /// Number of the line that comes next.
    line: usize,
    decoder: Decoder,
}

impl History {
    /// The history of a recording that was read whole.
    pub fn recorded(beginning: RunState, Lines { lines, marks_ms }: Lines) -> Self {
        let ends_ms = lines.back().map_or(0, |(at_ms, _)| *at_ms);
        let between_ms = BETWEEN_MS.max(ends_ms / MOST_SNAPSHOTS);
        Self { between_ms, lines, marks_ms, ..Self::new(beginning) }
    }

    /// A history that begins with this state.
    pub fn new(beginning: RunState) -> Self {
        let decoder = Decoder::default();
        Self {
            between_ms: BETWEEN_MS,
            bytes: 0,
            lines: VecDeque::new(),
            first: 0,
            snapshots: VecDeque::from([Snapshot { at_ms: 0, state: beginning, line: 0, decoder }]),
            marks_ms: VecDeque::new(),
            encoder: Encoder::default(),
        }
    }

    /// Keeps an event; `before` is the state before it.
    pub fn keep(&mut self, event: &Event, before: &RunState) {
        let due_ms = self.snapshots.back().map_or(0, |snapshot| snapshot.at_ms + self.between_ms);
        if event.at_ms >= due_ms {
            self.snapshots.push_back(Snapshot {
                at_ms: event.at_ms,
                state: before.clone(),
                line: self.first + self.lines.len(),
                decoder: self.encoder.decoder(),
            });
        }
        mark(&mut self.marks_ms, event);
        let line = self.encoder.line(event).into_boxed_str();
        self.bytes += line.len();
        self.lines.push_back((event.at_ms, line));
        while self.bytes > MOST_BYTES && self.snapshots.len() > 2 {
            self.forget();
        }
    }

    /// Drops the oldest stretch between two snapshots.
    fn forget(&mut self) {
        self.snapshots.pop_front();
        let Some(oldest) = self.snapshots.front() else { return };
        for (_, line) in self.lines.drain(..oldest.line - self.first) {
            self.bytes -= line.len();
        }
        self.first = oldest.line;
        while self.marks_ms.front().is_some_and(|at_ms| *at_ms < oldest.at_ms) {
            self.marks_ms.pop_front();
        }
    }

    /// The earliest time that is kept; later than 0 when something has fallen out.
    pub fn begins_ms(&self) -> u64 {
        self.snapshots.front().map_or(0, |snapshot| snapshot.at_ms)
    }

    /// The time of the newest event.
    pub fn ends_ms(&self) -> u64 {
        self.lines.back().map_or(0, |(at_ms, _)| *at_ms)
    }

    /// The first mark later than a time.
    pub fn next_mark_ms(&self, at_ms: u64) -> Option<u64> {
        self.marks_ms.iter().copied().find(|mark_ms| *mark_ms > at_ms)
    }

    /// The last mark earlier than a time.
    pub fn mark_before_ms(&self, at_ms: u64) -> Option<u64> {
        self.marks_ms.iter().rev().copied().find(|mark_ms| *mark_ms < at_ms)
    }

    /// The run as it was at a time, or at the nearest that is kept.
    pub fn at(&mut self, case: &Case, at_ms: u64) -> Option<Snapshot> {
        let at_ms = at_ms.clamp(self.begins_ms(), self.ends_ms().max(self.begins_ms()));
        // Of a recording, snapshots are made and kept up to the furthest time that was looked at.
        while let Some(last) = self.snapshots.back().filter(|s| s.at_ms + self.between_ms <= at_ms)
        {
            let mut next = last.clone();
            self.pass(case, &mut next, last.at_ms + self.between_ms);
            self.snapshots.push_back(next);
        }
        let before = self.snapshots.iter().rev().find(|snapshot| snapshot.at_ms <= at_ms)?;
        let mut snapshot = before.clone();
        self.pass(case, &mut snapshot, at_ms);
        Some(snapshot)
    }

    /// Lets time pass in a snapshot, up to and including a later time.
    pub fn pass(&self, case: &Case, snapshot: &mut Snapshot, to_ms: u64) {
        let to_ms = to_ms.min(self.ends_ms());
        // The line that came next has fallen out meanwhile: only the rest can be shown.
        if snapshot.line < self.first
            && let Some(oldest) = self.snapshots.front()
        {
            *snapshot = oldest.clone();
        }
        while let Some((_, line)) =
            self.lines.get(snapshot.line - self.first).filter(|(at_ms, _)| *at_ms <= to_ms)
        {
            // Every line here was made by an encoder of ours.
            if let Ok(event) = snapshot.decoder.event(line) {
                snapshot.state.take(case, &event);
            }
            snapshot.line += 1;
        }
        snapshot.at_ms = snapshot.at_ms.max(to_ms);
        let now_s = snapshot.at_ms as f64 / 1000.0;
        snapshot.state.now_s = now_s;
        for lane in &mut snapshot.state.lanes {
            lane.expire(now_s);
        }
    }

    /// All events that are kept, in order.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        let decoder = self.snapshots.front().map(|snapshot| snapshot.decoder.clone());
        let mut decoder = decoder.unwrap_or_default();
        self.lines.iter().filter_map(move |(_, line)| decoder.event(line).ok())
    }
}

/// Returns true for phases, switches, exits and restarts: the places that a search stops at.
fn is_mark(event: &Event) -> bool {
    match &event.what {
        EventKind::Phase { .. } | EventKind::Bug { .. } | EventKind::Release(_) => true,
        EventKind::Exit { cause, .. } => *cause != ExitCause::Stopped,
        EventKind::Starting { attempt, .. } => *attempt > 1,
        _ => false,
    }
}
