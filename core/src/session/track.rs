//! One run of a session: its newest state, its past, and the part of the past that is played again.

use serde::{Deserialize, Serialize};

use super::history::{History, Lines, Snapshot};
use super::run_state::RunState;
use crate::event::{Event, TICK};
use crate::plan::Case;
use crate::script::Speed;

/// The steps of speed, in seconds a second.
pub const SPEEDS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0];

/// One of the runs that a session may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunId {
    /// The one that the session was opened for.
    Main,
    /// The simulated run beside it.
    Lapse,
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Track {
    /// Its source.
    pub source: Source,
    /// Its newest state; of a recording, the state before the first event.
    pub head: RunState,
    /// Its past.
    pub history: History,
    /// The past that is played; none while the head is shown.
    pub playback: Option<Playback>,
}

/// The source of a track.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A run on the live clock.
    Live,
    /// A run on the virtual clock, at this speed.
    TimeLapse(Speed),
    /// A file.
    Recording {
        /// Lines of it that could not be read.
        unreadable: usize,
    },
}

/// The past, played again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Playback {
    /// The moment that is shown.
    pub snapshot: Snapshot,
    /// True while time passes.
    pub playing: bool,
    /// Seconds a second.
    pub speed: f64,
    /// Milliseconds that have passed since the last whole one.
    rest_ms: f64,
}

impl Track {
    /// A run that is about to begin.
    pub fn new(source: Source, head: RunState) -> Self {
        let history = History::new(head.clone());
        Self { source, head, history, playback: None }
    }

    /// A recording, ready to be played from its beginning.
    pub fn recording(case: &Case, beginning: RunState, lines: Lines, unreadable: usize) -> Self {
        let history = History::recorded(beginning.clone(), lines);
        let source = Source::Recording { unreadable };
        let mut track = Self { source, head: beginning, history, playback: None };
        track.go(case, 0, true);
        track
    }

    /// Takes in an event of the run.
    pub fn take(&mut self, case: &Case, event: &Event) {
        self.history.keep(event, &self.head);
        self.head.take(case, event);
    }

    /// The state that is shown.
    pub fn shown(&self) -> &RunState {
        self.playback.as_ref().map_or(&self.head, |playback| &playback.snapshot.state)
    }

    /// The time that is shown.
    pub fn shown_ms(&self) -> u64 {
        self.playback.as_ref().map_or(self.history.ends_ms(), |playback| playback.snapshot.at_ms)
    }

    /// Returns true if it has a present to go back to.
    pub fn goes_on(&self) -> bool {
        !matches!(self.source, Source::Recording { .. })
    }

    /// Goes to a time of the past, or the nearest that is kept; playing from there on, or still.
    pub fn go(&mut self, case: &Case, at_ms: u64, playing: bool) {
        let speed = self.playback.as_ref().map_or(1.0, |playback| playback.speed);
        if let Some(snapshot) = self.history.at(case, at_ms) {
            self.playback = Some(Playback { snapshot, playing, speed, rest_ms: 0.0 });
        }
    }

    /// Goes to a time; beyond the newest event is the present.
    pub fn seek(&mut self, case: &Case, to_ms: u64) {
        let forth = to_ms > self.shown_ms();
        if self.goes_on() && forth && to_ms >= self.history.ends_ms() {
            self.playback = None;
        } else {
            let playing = self.playback.as_ref().is_some_and(|playback| playback.playing);
            self.go(case, to_ms, playing);
        }
    }

    /// Goes back or forth by milliseconds.
    pub fn shift(&mut self, case: &Case, by_ms: i64) {
        self.seek(case, self.shown_ms().saturating_add_signed(by_ms));
    }

    /// Steps to the next or the previous sample, and stops there.
    pub fn step(&mut self, case: &Case, forth: bool) {
        let tick_ms = TICK.as_millis() as i64;
        self.shift(case, if forth { tick_ms } else { -tick_ms });
        if let Some(playback) = &mut self.playback {
            playback.playing = false;
        }
    }

    /// Goes to the next or the previous phase, switch, exit or restart, if there is one.
    pub fn to_mark(&mut self, case: &Case, forth: bool) {
        let now_ms = self.shown_ms();
        let mark_ms = if forth {
            self.history.next_mark_ms(now_ms)
        } else {
            self.history.mark_before_ms(now_ms)
        };
        if let Some(mark_ms) = mark_ms {
            self.go(case, mark_ms, false);
        }
    }

    /// Plays or pauses; at the end of a recording, plays from its beginning.
    pub fn play_or_pause(&mut self, case: &Case) {
        let over = !self.goes_on() && self.shown_ms() >= self.history.ends_ms();
        match &mut self.playback {
            Some(_) if over => self.go(case, 0, true),
            Some(playback) => playback.playing = !playback.playing,
            None => self.go(case, self.history.ends_ms(), false),
        }
    }

    /// Lets the past play on for a stretch of wall time. Returns true if anything moved.
    pub fn pass(&mut self, case: &Case, wall_ms: f64) -> bool {
        let Some(playback) = self.playback.as_mut().filter(|playback| playback.playing) else {
            return false;
        };
        let passed_ms = wall_ms * playback.speed + playback.rest_ms;
        playback.rest_ms = passed_ms.fract();
        let to_ms = playback.snapshot.at_ms + passed_ms as u64;
        self.history.pass(case, &mut playback.snapshot, to_ms);
        if to_ms >= self.history.ends_ms() {
            playback.playing = false;
            if !matches!(self.source, Source::Recording { .. }) {
                self.playback = None;
            }
        }
        true
    }
}

/// The next speed up or down from one; none at the end of the list.
pub fn next_speed(now: f64, faster: bool) -> Option<f64> {
    if faster {
        SPEEDS.into_iter().find(|speed| *speed > now)
    } else {
        SPEEDS.into_iter().rev().find(|speed| *speed < now)
    }
}
