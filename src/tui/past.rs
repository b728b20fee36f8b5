//! What has happened in a run, kept as the lines of a recording, and the screen as it was at any
//! time of it.
//!
//! Every ten seconds the whole screen is kept too, which costs little, because copies of it share
//! their history: to go back is to take the last of those before the time, and what happened since.

use std::collections::VecDeque;

use super::model::LabData;
use firedrill_core::event::{Event, ExitCause, What};
use firedrill_core::record::{Decoder, Encoder};

/// Bytes of lines that are kept: some twenty minutes of four lanes, forty of two.
const MOST_BYTES: usize = 16 << 20;

/// Time between two screens that are kept, at least.
const BETWEEN_MS: u64 = 10_000;

/// Screens that are kept of a recording, at most, however long it is.
const MOST_SCREENS: u64 = 360;

/// The past of a run. When it has grown to its bound, its oldest part falls out.
#[derive(Debug)]
pub struct Past {
    /// Time between two screens that are kept.
    between_ms: u64,
    bytes: usize,
    /// Lines with their times; the first has the number `first`.
    lines: VecDeque<(u64, Box<str>)>,
    first: usize,
    screens: VecDeque<Moment>,
    /// Times of what is worth to be looked for.
    marks_ms: VecDeque<u64>,
    encoder: Encoder,
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

/// The screen at a time, and where to read on.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The time, in milliseconds since the run began.
    pub at_ms: u64,
    /// The screen then.
    pub data: LabData,
    /// Number of the line that comes next.
    line: usize,
    decoder: Decoder,
}

impl Past {
    /// A recording that was read whole.
    pub fn recorded(beginning: LabData, Lines { lines, marks_ms }: Lines) -> Self {
        let ends_ms = lines.back().map_or(0, |(at_ms, _)| *at_ms);
        let between_ms = BETWEEN_MS.max(ends_ms / MOST_SCREENS);
        Self { between_ms, lines, marks_ms, ..Self::new(beginning) }
    }

    /// A past that begins with this screen.
    pub fn new(beginning: LabData) -> Self {
        let decoder = Decoder::default();
        Self {
            between_ms: BETWEEN_MS,
            bytes: 0,
            lines: VecDeque::new(),
            first: 0,
            screens: VecDeque::from([Moment { at_ms: 0, data: beginning, line: 0, decoder }]),
            marks_ms: VecDeque::new(),
            encoder: Encoder::default(),
        }
    }

    /// Keeps an event; `before` is the screen before it.
    pub fn keep(&mut self, event: &Event, before: &LabData) {
        let due_ms = self.screens.back().map_or(0, |screen| screen.at_ms + self.between_ms);
        if event.at_ms >= due_ms {
            self.screens.push_back(Moment {
                at_ms: event.at_ms,
                data: before.clone(),
                line: self.first + self.lines.len(),
                decoder: self.encoder.decoder(),
            });
        }
        mark(&mut self.marks_ms, event);
        let line = self.encoder.line(event).into_boxed_str();
        self.bytes += line.len();
        self.lines.push_back((event.at_ms, line));
        while self.bytes > MOST_BYTES && self.screens.len() > 2 {
            self.forget();
        }
    }

    /// Lets the oldest stretch between two screens fall out.
    fn forget(&mut self) {
        self.screens.pop_front();
        let Some(oldest) = self.screens.front() else { return };
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
        self.screens.front().map_or(0, |screen| screen.at_ms)
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

    /// The screen as it was at a time, or at the nearest that is kept.
    pub fn at(&mut self, at_ms: u64) -> Option<Moment> {
        let at_ms = at_ms.clamp(self.begins_ms(), self.ends_ms().max(self.begins_ms()));
        // Of a recording, screens are made and kept up to the furthest time that was looked at.
        while let Some(last) = self.screens.back().filter(|s| s.at_ms + self.between_ms <= at_ms) {
            let mut moment = last.clone();
            self.pass(&mut moment, last.at_ms + self.between_ms);
            self.screens.push_back(moment);
        }
        let screen = self.screens.iter().rev().find(|screen| screen.at_ms <= at_ms)?;
        let mut moment = screen.clone();
        self.pass(&mut moment, at_ms);
        Some(moment)
    }

    /// Lets time pass in a moment, up to and including a later time.
    pub fn pass(&self, moment: &mut Moment, to_ms: u64) {
        let to_ms = to_ms.min(self.ends_ms());
        // What came next has fallen out meanwhile: only what is left can be shown.
        if moment.line < self.first
            && let Some(oldest) = self.screens.front()
        {
            *moment = oldest.clone();
        }
        while let Some((_, line)) =
            self.lines.get(moment.line - self.first).filter(|(at_ms, _)| *at_ms <= to_ms)
        {
            // Every line here was made by an encoder of ours.
            if let Ok(event) = moment.decoder.event(line) {
                moment.data.take(&event);
            }
            moment.line += 1;
        }
        moment.at_ms = moment.at_ms.max(to_ms);
        let now_s = moment.at_ms as f64 / 1000.0;
        moment.data.now_s = now_s;
        for lane in &mut moment.data.lanes {
            lane.expire(now_s);
        }
    }

    /// All events that are kept, in order.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        let decoder = self.screens.front().map(|screen| screen.decoder.clone());
        let mut decoder = decoder.unwrap_or_default();
        self.lines.iter().filter_map(move |(_, line)| decoder.event(line).ok())
    }
}

/// Whether somebody who looks for what happened wants to stop here.
fn is_mark(event: &Event) -> bool {
    match &event.what {
        What::Phase { .. } | What::Bug { .. } | What::Release(_) => true,
        What::Exit { cause, .. } => *cause != ExitCause::Stopped,
        What::Starting { attempt, .. } => *attempt > 1,
        _ => false,
    }
}
