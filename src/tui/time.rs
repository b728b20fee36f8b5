//! Moving in time: through the past, and ahead of the live run.

use std::time::Duration;

use super::keys::Action;
use super::model::{Lab, LabData};
use super::track::{RunId, SPEEDS, Source, Track, next_speed};
use super::update::Command;
use crate::run::{Control, Spec, Speed, TimeLapse};
use firedrill_core::event::Clock;

/// Milliseconds that a key rewinds.
const REWIND_MS: i64 = 5_000;

/// The speed at which a time-lapse begins, in seconds a second.
const LAPSE_SPEED: f64 = 10.0;

/// How long a time-lapse goes on beyond the present: at full speed the next hour is enough.
pub const LAPSE_LASTS: Duration = Duration::from_hours(1);

/// Commands that a time-lapse is given again; beyond, the oldest are not.
const MOST_CONTROLS: usize = 1000;

/// A time-lapse stands still while its past is looked at: at its speed it would soon fall out of
/// memory.
pub(super) fn hold(lab: &Lab, looked_back: bool) -> Option<Command> {
    let track = lab.track();
    let Source::TimeLapse(speed) = track.source else {
        return None;
    };
    let looks_back = track.playback.is_some();
    let speed = if looks_back { Speed::Times(0.0) } else { speed };
    (looks_back != looked_back).then(|| Command::Tell(id(lab), Control::SetSpeed(speed)))
}

/// Moves in time.
pub(super) fn in_time(lab: &mut Lab, action: Action) -> Option<Command> {
    if matches!(action, Action::Faster | Action::Slower) {
        return change_speed(lab, action == Action::Faster);
    }
    let looked_back = lab.track().playback.is_some();
    let track = lab.track_mut();
    match action {
        Action::Now => track.playback = None,
        Action::Freeze | Action::PlayPause => track.play_or_pause(),
        Action::Rewind => track.shift(-REWIND_MS),
        Action::Forward => track.shift(REWIND_MS),
        Action::StepBack => track.step(false),
        Action::Step => track.step(true),
        Action::NextEvent | Action::EventBefore => track.to_mark(action == Action::NextEvent),
        _ => {}
    }
    hold(lab, looked_back)
}

/// The speed of what plays: the past, else the time-lapse.
pub(super) fn change_speed(lab: &mut Lab, faster: bool) -> Option<Command> {
    let run = id(lab);
    let track = lab.track_mut();
    if let Some(playback) = &mut track.playback {
        playback.speed = next_speed(playback.speed, faster).unwrap_or(playback.speed);
        return None;
    }
    let Source::TimeLapse(speed) = &mut track.source else {
        return None;
    };
    *speed = match (*speed, faster) {
        (Speed::Max, true) => Speed::Max,
        (Speed::Max, false) => Speed::Times(SPEEDS[SPEEDS.len() - 1]),
        // Slower than life, a time-lapse would be none.
        (Speed::Times(now), _) => match next_speed(now, faster) {
            Some(next) => Speed::Times(next.max(1.0)),
            None => Speed::Max,
        },
    };
    Some(Command::Tell(run, Control::SetSpeed(*speed)))
}

/// Shows a time-lapse of the run, from the present on; or the run again.
pub(super) fn time_lapse(lab: &mut Lab) -> Option<Command> {
    if lab.lapse.take().is_some() {
        lab.recording.take_if(|(run, _)| *run == RunId::Lapse);
        return Some(Command::End(RunId::Lapse));
    }
    if lab.main.source != Source::Live {
        lab.note(None, "this lab is a time-lapse from its beginning".to_owned());
        return None;
    }
    let speed = Speed::Times(LAPSE_SPEED);
    let from_ms = lab.main.past.ends_ms();
    let controls = lab.controls.clone();
    let time_lapse = TimeLapse { speed, from_ms, controls, ..TimeLapse::default() };
    let duration = Some(Duration::from_millis(from_ms) + LAPSE_LASTS);
    let spec = Spec { clock: Clock::Virtual, time_lapse, duration, ..lab.spec.clone() };
    let mut track = Track::new(Source::TimeLapse(speed), LabData::new(&spec));
    let line = "time-lapse: the same code on a virtual clock, from the beginning and beyond now";
    track.head.log(0.0, None, line.to_owned());
    lab.lapse = Some(track);
    lab.main.playback = None;
    Some(Command::Start(RunId::Lapse, Box::new(spec)))
}

/// The run that is looked at.
pub(super) fn id(lab: &Lab) -> RunId {
    if lab.lapse.is_some() { RunId::Lapse } else { RunId::Main }
}

/// Tells the run that is looked at, and remembers what the main one was told.
pub(super) fn tell(lab: &mut Lab, control: Control) -> Command {
    let run = id(lab);
    if run == RunId::Main {
        if lab.controls.len() == MOST_CONTROLS {
            lab.controls.remove(0);
        }
        lab.controls.push((lab.main.past.ends_ms(), control.clone()));
    }
    Command::Tell(run, control)
}

/// Seconds of a time such as `90`, `1:30` or `0:07.5`.
pub(super) fn seconds(typed: &str) -> Option<f64> {
    let parts: Option<Vec<f64>> = typed.split(':').map(|part| part.parse().ok()).collect();
    let seconds = parts?.into_iter().fold(0.0, |sum, part| sum * 60.0 + part);
    (0.0..1e9).contains(&seconds).then_some(seconds)
}
