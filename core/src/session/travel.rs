//! Moving in time: through the past, and ahead of the live run.

use serde::{Deserialize, Serialize};

use super::run_state::RunState;
use super::track::{RunId, SPEEDS, Source, Track, next_speed};
use super::{Effect, Session};
use crate::event::Clock;
use crate::plan::Plan;
use crate::script::{Control, Pacing, Speed};

/// The initial speed of a simulated run, in seconds a second.
const LAPSE_SPEED: f64 = 10.0;

/// Length of a simulated run beyond the present, in milliseconds: at full speed an hour is enough.
pub const LAPSE_LASTS_MS: u64 = 3_600_000;

/// A move in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Travel {
    /// Back to the present.
    Now,
    /// Play or pause.
    PlayPause,
    /// Back (below 0) or forth by milliseconds.
    By(i64),
    /// To this time, in milliseconds since the run began.
    To(u64),
    /// One sample forth, or back.
    Step {
        /// True: forward.
        forth: bool,
    },
    /// To the next phase, switch, exit or restart, or to the one before.
    Mark {
        /// True: to the next one.
        forth: bool,
    },
    /// A step faster, or slower.
    Speed {
        /// True: faster.
        faster: bool,
    },
    /// The past plays on for this period of wall time, in milliseconds.
    Pass(f64),
}

impl Session {
    /// The run that is looked at.
    pub fn run_id(&self) -> RunId {
        if self.lapse.is_some() { RunId::Lapse } else { RunId::Main }
    }

    /// Moves in time.
    pub(super) fn travel(&mut self, travel: Travel) -> Vec<Effect> {
        if let Travel::Speed { faster } = travel {
            return self.change_speed(faster);
        }
        let Self { case, main, lapse, .. } = self;
        let track = lapse.as_mut().unwrap_or(main);
        let looked_back = track.playback.is_some();
        match travel {
            Travel::Now => track.playback = None,
            Travel::PlayPause => track.play_or_pause(case),
            Travel::By(by_ms) => track.shift(case, by_ms),
            Travel::To(to_ms) => track.seek(case, to_ms),
            Travel::Step { forth } => track.step(case, forth),
            Travel::Mark { forth } => track.to_mark(case, forth),
            Travel::Pass(wall_ms) => self.moved |= track.pass(case, wall_ms),
            Travel::Speed { .. } => {}
        }
        self.hold_back(looked_back)
    }

    /// Pauses a simulated run while its past is looked at: at its speed that would soon fall out of memory.
    fn hold_back(&self, looked_back: bool) -> Vec<Effect> {
        let track = self.track();
        let Source::TimeLapse(speed) = track.source else { return Vec::new() };
        let looks_back = track.playback.is_some();
        if looks_back == looked_back {
            return Vec::new();
        }
        let speed = if looks_back { Speed::Times(0.0) } else { speed };
        vec![Effect::Control(self.run_id(), Control::SetSpeed(speed))]
    }

    /// Changes the speed of the past while it plays, else of the simulated run.
    fn change_speed(&mut self, faster: bool) -> Vec<Effect> {
        let run = self.run_id();
        let track = self.track_mut();
        if let Some(playback) = &mut track.playback {
            playback.speed = next_speed(playback.speed, faster).unwrap_or(playback.speed);
            return Vec::new();
        }
        let Source::TimeLapse(speed) = &mut track.source else { return Vec::new() };
        *speed = match (*speed, faster) {
            (Speed::Max, true) => Speed::Max,
            (Speed::Max, false) => Speed::Times(SPEEDS[SPEEDS.len() - 1]),
            // Slower than real time, it would not run ahead.
            (Speed::Times(now), _) => match next_speed(now, faster) {
                Some(next) => Speed::Times(next.max(1.0)),
                None => Speed::Max,
            },
        };
        vec![Effect::Control(run, Control::SetSpeed(*speed))]
    }

    /// Shows a simulated run beside the live run, from the present on; or the live run again.
    pub(super) fn toggle_time_lapse(&mut self) -> Vec<Effect> {
        if self.lapse.take().is_some() {
            return vec![Effect::End(RunId::Lapse)];
        }
        if self.main.source != Source::Live {
            self.log(None, "this lab runs in simulated time already".to_owned());
            return Vec::new();
        }
        let speed = Speed::Times(LAPSE_SPEED);
        let from_ms = self.main.history.ends_ms();
        let duration_ms = Some(from_ms + LAPSE_LASTS_MS);
        let plan = Plan { clock: Clock::Virtual, duration_ms, ..self.case.plan.clone() };
        let pacing = Pacing { speed, from_ms, hold_ms: None, controls: self.controls.clone() };
        let mut track = Track::new(Source::TimeLapse(speed), RunState::new(&self.case));
        let line =
            "simulated time: the same code on a virtual clock, from the beginning and beyond now";
        track.head.log(0.0, None, line.to_owned());
        self.lapse = Some(track);
        self.main.playback = None;
        vec![Effect::Start { run: RunId::Lapse, plan, pacing }]
    }
}

/// Seconds of a time such as `90`, `1:30` or `0:07.5`.
pub fn seconds(typed: &str) -> Option<f64> {
    let parts: Option<Vec<f64>> = typed.split(':').map(|part| part.parse().ok()).collect();
    let seconds = parts?.into_iter().fold(0.0, |sum, part| sum * 60.0 + part);
    (0.0..1e9).contains(&seconds).then_some(seconds)
}
