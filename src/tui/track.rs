//! One run on screen: how it stands, its past, and the part of that which is played again.

use super::model::LabData;
use super::past::{Lines, Moment, Past};
use crate::run::Speed;
use firedrill_core::event::{Event, TICK};

/// The speeds that keys step through, in seconds a second.
pub const SPEEDS: [f64; 10] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0];

/// One of the runs that a lab may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunId {
    /// The one that the lab was opened for.
    Main,
    /// The time-lapse beside it.
    Lapse,
}

/// One run on screen.
#[derive(Debug)]
pub struct Track {
    /// Where it comes from.
    pub source: Source,
    /// How it stands now; of a recording, how it began.
    pub head: LabData,
    /// What has happened.
    pub past: Past,
    /// The past being played; none while the head is shown.
    pub playback: Option<Playback>,
}

/// Where a track comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// The past being played.
#[derive(Debug)]
pub struct Playback {
    /// What is shown.
    pub moment: Moment,
    /// Whether time passes.
    pub playing: bool,
    /// Seconds a second.
    pub speed: f64,
    /// Milliseconds that have passed since the last whole one.
    rest_ms: f64,
}

impl Track {
    /// A run that is about to begin.
    pub fn new(source: Source, head: LabData) -> Self {
        let past = Past::new(head.clone());
        Self { source, head, past, playback: None }
    }

    /// A recording, ready to be played from its beginning.
    pub fn recording(beginning: LabData, lines: Lines, unreadable: usize) -> Self {
        let past = Past::recorded(beginning.clone(), lines);
        let source = Source::Recording { unreadable };
        let mut track = Self { source, head: beginning, past, playback: None };
        track.go(0, true);
        track
    }

    /// Takes in an event of the run.
    pub fn take(&mut self, event: &Event) {
        self.past.keep(event, &self.head);
        self.head.take(event);
    }

    /// What is shown.
    pub fn shown(&self) -> &LabData {
        self.playback.as_ref().map_or(&self.head, |playback| &playback.moment.data)
    }

    /// The time that is shown.
    pub fn shown_ms(&self) -> u64 {
        self.playback.as_ref().map_or(self.past.ends_ms(), |playback| playback.moment.at_ms)
    }

    /// Whether it has a present to go back to.
    pub fn goes_on(&self) -> bool {
        !matches!(self.source, Source::Recording { .. })
    }

    /// Goes to a time of the past, or the nearest that is kept; playing from there on, or still.
    pub fn go(&mut self, at_ms: u64, playing: bool) {
        let speed = self.playback.as_ref().map_or(1.0, |playback| playback.speed);
        if let Some(moment) = self.past.at(at_ms) {
            self.playback = Some(Playback { moment, playing, speed, rest_ms: 0.0 });
        }
    }

    /// Goes back or forth by milliseconds; forth beyond the newest event is the present.
    pub fn shift(&mut self, by_ms: i64) {
        let to_ms = self.shown_ms().saturating_add_signed(by_ms);
        if self.goes_on() && by_ms > 0 && to_ms >= self.past.ends_ms() {
            self.playback = None;
        } else {
            let playing = self.playback.as_ref().is_some_and(|playback| playback.playing);
            self.go(to_ms, playing);
        }
    }

    /// Steps to the next or the previous sample, and stops there.
    pub fn step(&mut self, forth: bool) {
        let tick_ms = TICK.as_millis() as i64;
        self.shift(if forth { tick_ms } else { -tick_ms });
        if let Some(playback) = &mut self.playback {
            playback.playing = false;
        }
    }

    /// Goes to the next or the previous phase, switch, exit or restart, if there is one.
    pub fn to_mark(&mut self, forth: bool) {
        let now_ms = self.shown_ms();
        let mark_ms =
            if forth { self.past.next_mark_ms(now_ms) } else { self.past.mark_before_ms(now_ms) };
        if let Some(mark_ms) = mark_ms {
            self.go(mark_ms, false);
        }
    }

    /// Plays or pauses; at the end of a recording, plays from its beginning.
    pub fn play_or_pause(&mut self) {
        let over = !self.goes_on() && self.shown_ms() >= self.past.ends_ms();
        match &mut self.playback {
            Some(_) if over => self.go(0, true),
            Some(playback) => playback.playing = !playback.playing,
            None => self.go(self.past.ends_ms(), false),
        }
    }

    /// Lets the past play on for a stretch of wall time; tells whether anything moved.
    pub fn pass(&mut self, wall_ms: f64) -> bool {
        let Some(playback) = self.playback.as_mut().filter(|playback| playback.playing) else {
            return false;
        };
        let passed_ms = wall_ms * playback.speed + playback.rest_ms;
        playback.rest_ms = passed_ms.fract();
        let to_ms = playback.moment.at_ms + passed_ms as u64;
        self.past.pass(&mut playback.moment, to_ms);
        if to_ms >= self.past.ends_ms() {
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
