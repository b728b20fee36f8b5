//! Recording a run that is on screen.

use std::path::PathBuf;

use firedrill_core::event::{Clock, Event};
use firedrill_core::plan::Plan;
use firedrill_core::record::Header;
use firedrill_core::session::track::{RunId, Source};

use super::Runs;
use crate::recorder::record_somewhere;
use crate::tui::message::Msg;
use crate::tui::model::{Model, Screen};
use crate::tui::update::update;

impl Runs {
    pub(super) fn record(&mut self, model: &mut Model, id: RunId, event: &Event) {
        if let Some((run, recorder)) = self.recorder.as_mut().filter(|(run, _)| *run == id)
            && let Err(lost) = recorder.write(event)
        {
            let run = *run;
            self.recorder = None;
            self.lost = Some(lost.to_string());
            update(model, Msg::Recording(run, Err(format!("{lost}; the run continues"))));
        }
    }

    /// Ends the recording, if there is one; returns its file.
    pub(super) fn finish_recording(&mut self) -> Option<PathBuf> {
        let (_, recorder) = self.recorder.take()?;
        let path = recorder.path().to_owned();
        match recorder.finish() {
            Ok(()) => Some(path),
            Err(lost) => {
                self.lost = Some(lost.to_string());
                None
            }
        }
    }

    /// Ends the recording, if there is one, and says so.
    pub(super) fn tell_recorded(&mut self, model: &mut Model) {
        if self.recorder.is_none() {
            return;
        }
        let path = self.finish_recording();
        if let Screen::Lab(lab) = &mut model.screen {
            lab.recording = None;
            let line = match (path, &self.lost) {
                (Some(path), _) => format!("recorded to {}", path.display()),
                (None, lost) => format!("⚠ {}", lost.as_deref().unwrap_or_default()),
            };
            lab.session.log(None, line);
        }
    }

    /// Begins to record a run, with what is kept of its past; or stops.
    pub(super) fn set_recording(&mut self, model: &mut Model, begin: Option<RunId>) {
        self.tell_recorded(model);
        let (Some(id), Screen::Lab(lab)) = (begin, &mut model.screen) else {
            return;
        };
        let track = lab.session.track();
        let clock = if track.source == Source::Live { Clock::Live } else { Clock::Virtual };
        let plan = Plan { clock, ..lab.session.case.plan.clone() };
        let header = Header::of(&plan, env!("CARGO_PKG_VERSION"));
        match record_somewhere(&plan.incident, &header) {
            Ok((recorder, path)) => {
                let past: Vec<Event> = track.history.events().collect();
                self.recorder = Some((id, recorder));
                update(model, Msg::Recording(id, Ok(path)));
                for event in past {
                    self.record(model, id, &event);
                }
            }
            Err(error) => {
                update(model, Msg::Recording(id, Err(error.to_string())));
            }
        }
    }
}
