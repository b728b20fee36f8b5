//! Everything that a front end may show now. What must not be shown yet is not in it, or marked by the
//! [`Disclosure`].

use serde::Serialize;

use super::Session;
use super::disclosure::Disclosure;
use super::run_state::RunState;
use super::track::Source;
use super::walk::AnswerKey;
use super::walk::page::{self, Page};
use super::walk::values;
use crate::incident::formula::Values;
use crate::incident::manifest::Phase;

/// Everything that a front end may show now.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    /// The title: the incident's, or its symptom as long as the cause is not known.
    pub title: &'a str,
    /// The state of the run.
    pub run: &'a RunState,
    /// The names of the lanes.
    pub names: Vec<&'a str>,
    /// The source of the run.
    pub source: Source,
    /// The time that is shown, and the first and the last time of the past, in milliseconds since the run began.
    pub times_ms: [u64; 3],
    /// While the past is shown: whether it plays, and its speed in seconds a second.
    pub playback: Option<(bool, f64)>,
    /// The facts that may be shown.
    pub disclosure: Disclosure,
    /// The page of the walk.
    pub page: Option<Page>,
}

impl Session {
    /// Everything that may be shown now.
    pub fn view(&self) -> View<'_> {
        let track = self.track();
        let run = self.shown();
        let playback = track.playback.as_ref();
        View {
            title: self.title(),
            run,
            names: (0..run.lanes.len()).map(|lane| self.name(lane)).collect(),
            source: track.source,
            times_ms: [track.shown_ms(), track.history.begins_ms(), track.history.ends_ms()],
            playback: playback.map(|playback| (playback.playing, playback.speed)),
            disclosure: self.disclosure(),
            page: self.page(),
        }
    }

    /// The title of the incident, or its symptom as long as the title would give the cause away.
    pub fn title(&self) -> &str {
        let manifest = self.case.manifest();
        if self.shift.is_some() && !self.disclosure().title {
            return "on call";
        }
        match &self.walk {
            Some(walk) if !walk.is_finished() => manifest.seen_as(),
            _ => &manifest.title,
        }
    }

    /// The facts that may be shown now.
    pub fn disclosure(&self) -> Disclosure {
        Disclosure::of(self)
    }

    /// Values for the formulas of the present page: measures of the lanes, rate and parameters, times.
    pub fn values(&self) -> Values {
        let Some(walk) = &self.walk else { return Values::new() };
        values::of_step(self, walk, self.case.manifest().walk.get(walk.at))
    }

    /// The answers to the present question that are right; none as long as its figures are not known. It is the
    /// whole answer: a front end that shows a question must not show this.
    pub fn answer_key(&self) -> Option<AnswerKey> {
        let walk = self.walk.as_ref()?;
        AnswerKey::of(self, walk, self.case.manifest().walk.get(walk.at)?)
    }

    /// The page of the walk.
    pub fn page(&self) -> Option<Page> {
        page::page(self, self.walk.as_ref()?)
    }

    /// The beginning of each phase but the first, in seconds, with its name.
    pub fn marks(&self) -> Vec<(f64, &str)> {
        let phases = self.case.manifest().phases.iter().skip(1);
        let names = phases.map(Phase::word);
        let began = self.shown().phases_s.iter().skip(1).copied();
        began.zip(names.chain(std::iter::repeat(""))).collect()
    }
}
