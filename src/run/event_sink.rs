//! Event sink of a live run. Supervision never waits for a reader. If a reader is slow, lines of the event log are
//! dropped first, and counted; then samples, after minutes of them are queued. Phases, exits, and readiness are
//! never dropped.

use std::collections::VecDeque;

use firedrill_core::event::{Event, EventKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Lines of the event log that a lane may write in a tick.
const LINES: u64 = 64;

/// Samples and the like that may wait for a reader, beyond the queue: minutes of four lanes.
const WAITING: usize = 8192;

/// Event sink with time stamps.
pub(super) struct EventSink {
    out: mpsc::Sender<Event>,
    /// Overflow of the queue.
    waiting: VecDeque<Event>,
    began: Option<Instant>,
    dropped: u64,
    /// The newest line of the event log of each lane in this tick.
    logs: Vec<Logged>,
}

/// Lines of one lane in the event log in this tick.
struct Logged {
    lane: Option<usize>,
    newest: String,
    lines: u64,
    /// Number of repetitions of the newest line.
    again: u64,
    left_out: u64,
}

impl Logged {
    fn again(&mut self) -> Option<String> {
        match std::mem::take(&mut self.again) {
            0 => None,
            1 => Some(self.newest.clone()),
            again => Some(format!("{} ({again} times more)", self.newest)),
        }
    }
}

impl EventSink {
    /// Events go to this queue.
    pub(super) fn new(out: mpsc::Sender<Event>) -> Self {
        Self { out, waiting: VecDeque::new(), began: None, dropped: 0, logs: Vec::new() }
    }

    /// The run begins at this time.
    pub(super) fn begin(&mut self, began: Instant) {
        self.began = Some(began);
    }

    /// Sends an event, or keeps it until there is room.
    pub(super) fn emit(&mut self, lane: Option<usize>, what: EventKind) {
        if let EventKind::Log { line } = what {
            for line in self.heard(lane, line) {
                self.send(lane, EventKind::Log { line });
            }
            return;
        }
        self.send(lane, what);
    }

    /// Filters the lines of the event log: repeated lines are counted, and beyond a screenful in a tick only their
    /// number is kept.
    fn heard(&mut self, lane: Option<usize>, line: String) -> Vec<String> {
        let Some(logged) = self.logs.iter_mut().find(|logged| logged.lane == lane) else {
            let newest = line.clone();
            self.logs.push(Logged { lane, newest, lines: 1, again: 0, left_out: 0 });
            return vec![line];
        };
        if logged.newest == line {
            logged.again += 1;
            return Vec::new();
        }
        if logged.lines >= LINES {
            logged.left_out += 1;
            return Vec::new();
        }
        logged.lines += 1;
        let again = logged.again();
        logged.newest.clone_from(&line);
        again.into_iter().chain([line]).collect()
    }

    /// A tick has passed: tells how often lines came again, and sends what there is room for.
    pub(super) fn tick(&mut self) {
        for mut logged in std::mem::take(&mut self.logs) {
            if let Some(line) = logged.again() {
                self.send(logged.lane, EventKind::Log { line });
            }
            if logged.left_out > 0 {
                let line = format!("{} more lines in a tenth of a second", logged.left_out);
                self.send(logged.lane, EventKind::Log { line });
            }
        }
        self.send_waiting();
    }

    /// Sends everything that waits, however long its reader takes.
    pub(super) async fn finish(mut self) {
        self.tick();
        while let Some(event) = self.waiting.pop_front() {
            if self.out.send(event).await.is_err() {
                return;
            }
        }
        if self.dropped > 0 {
            let dropped = self.stamped(None, EventKind::Dropped { events: self.dropped });
            // Without a reader there is nobody to tell.
            self.out.send(dropped).await.ok();
        }
    }

    fn stamped(&self, lane: Option<usize>, what: EventKind) -> Event {
        let at_ms = self.began.map_or(0, |began| began.elapsed().as_millis() as u64);
        Event { at_ms, lane, what }
    }

    fn send(&mut self, lane: Option<usize>, what: EventKind) {
        self.send_waiting();
        if self.dropped > 0 && self.waiting.is_empty() && self.has_room() {
            let dropped = std::mem::take(&mut self.dropped);
            self.queue(self.stamped(None, EventKind::Dropped { events: dropped }));
        }
        let kept = match &what {
            EventKind::Log { .. } => self.waiting.is_empty() && self.has_room(),
            EventKind::Sample(_) | EventKind::Driver { .. } | EventKind::LogTail(_) => {
                self.waiting.len() < WAITING
            }
            _ => true,
        };
        if kept {
            self.queue(self.stamped(lane, what));
        } else {
            self.dropped += 1;
        }
    }

    /// Returns true if half of the queue is free: lines of the event log use at most the other half.
    fn has_room(&self) -> bool {
        self.out.capacity() * 2 > self.out.max_capacity()
    }

    fn queue(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
        } else if let Err(mpsc::error::TrySendError::Full(event)) = self.out.try_send(event) {
            self.waiting.push_back(event);
        }
    }

    fn send_waiting(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.out.try_send(event) {
                self.waiting.push_front(event);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firedrill_core::event::{ExitCause, Sample};

    fn log(line: impl Into<String>) -> EventKind {
        EventKind::Log { line: line.into() }
    }

    #[tokio::test]
    async fn under_a_storm_of_lines_nothing_but_lines_is_lost() {
        let (out, mut events) = mpsc::channel(16);
        let mut event_sink = EventSink::new(out);
        for i in 0..10_000 {
            event_sink.emit(Some(0), log(format!("panic {i}")));
            if i % 100 == 0 {
                event_sink.tick();
                event_sink.emit(Some(0), EventKind::Sample(Sample::default()));
                event_sink.emit(
                    Some(0),
                    EventKind::Exit { cause: ExitCause::Crashed, code: Some(2), instance: 0 },
                );
                event_sink.emit(None, EventKind::Phase { index: i, says: String::new() });
            }
        }
        tokio::spawn(event_sink.finish());
        let (mut exits, mut phases, mut samples, mut dropped) = (0, 0, 0, 0);
        while let Some(event) = events.recv().await {
            match event.what {
                EventKind::Exit { .. } => exits += 1,
                EventKind::Phase { index, .. } => {
                    assert_eq!(index, phases * 100, "in order");
                    phases += 1;
                }
                EventKind::Sample(_) => samples += 1,
                EventKind::Dropped { events } => dropped += events,
                _ => {}
            }
        }
        assert_eq!((exits, phases, samples), (100, 100, 100));
        assert!(dropped > 0);
    }

    #[tokio::test]
    async fn a_line_that_comes_again_is_counted() {
        let (out, mut events) = mpsc::channel(1024);
        let mut event_sink = EventSink::new(out);
        for _ in 0..30 {
            event_sink.emit(Some(0), log("the same"));
        }
        for i in 0..100 {
            event_sink.emit(Some(1), log(format!("another {i}")));
        }
        event_sink.finish().await;
        let mut lines = Vec::new();
        while let Some(Event { lane, what: EventKind::Log { line }, .. }) = events.recv().await {
            lines.push((lane, line));
        }
        assert_eq!(lines.len(), 1 + 64 + 2);
        assert!(lines.contains(&(Some(0), "the same (29 times more)".to_owned())), "{lines:?}");
        assert!(lines.contains(&(Some(1), "36 more lines in a tenth of a second".to_owned())));
    }

    #[tokio::test]
    async fn samples_are_lost_only_once_minutes_of_them_wait_and_are_counted() {
        let (out, mut events) = mpsc::channel(16);
        let mut event_sink = EventSink::new(out);
        for _ in 0..WAITING + 100 {
            event_sink.emit(Some(0), EventKind::Sample(Sample::default()));
        }
        event_sink.emit(None, EventKind::Scale { instances: 3 });
        tokio::spawn(event_sink.finish());
        let (mut samples, mut scaled, mut dropped) = (0, false, 0);
        while let Some(event) = events.recv().await {
            match event.what {
                EventKind::Sample(_) => samples += 1,
                EventKind::Scale { .. } => scaled = true,
                EventKind::Dropped { events } => dropped += events,
                _ => {}
            }
        }
        assert_eq!((samples + dropped as usize, scaled), (WAITING + 100, true));
        assert!(samples >= WAITING);
    }
}
