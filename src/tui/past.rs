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

/// Time between two screens that are kept.
const BETWEEN_MS: u64 = 10_000;

/// The past of a run. When it has grown to its bound, its oldest part falls out.
#[derive(Debug)]
pub struct Past {
    most_bytes: usize,
    bytes: usize,
    /// Lines with their times; the first has the number `first`.
    lines: VecDeque<(u64, Box<str>)>,
    first: usize,
    screens: VecDeque<Moment>,
    /// Times of what is worth to be looked for.
    marks_ms: VecDeque<u64>,
    encoder: Encoder,
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
    /// A past that begins with this screen. It is bounded unless it holds a recording that was
    /// read whole.
    pub fn new(beginning: LabData, bounded: bool) -> Self {
        let most_bytes = if bounded { MOST_BYTES } else { usize::MAX };
        let decoder = Decoder::default();
        Self {
            most_bytes,
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
        let due_ms = self.screens.back().map_or(0, |screen| screen.at_ms + BETWEEN_MS);
        if event.at_ms >= due_ms {
            self.screens.push_back(Moment {
                at_ms: event.at_ms,
                data: before.clone(),
                line: self.first + self.lines.len(),
                decoder: self.encoder.decoder(),
            });
        }
        if is_mark(event) && self.marks_ms.back() != Some(&event.at_ms) {
            self.marks_ms.push_back(event.at_ms);
        }
        let line = self.encoder.line(event).into_boxed_str();
        self.bytes += line.len();
        self.lines.push_back((event.at_ms, line));
        while self.bytes > self.most_bytes && self.screens.len() > 2 {
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
    pub fn at(&self, at_ms: u64) -> Option<Moment> {
        let at_ms = at_ms.clamp(self.begins_ms(), self.ends_ms().max(self.begins_ms()));
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
