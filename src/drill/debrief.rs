//! The end of a shift on screen: its debrief, and the files that keep it.

use std::path::PathBuf;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Event;
use firedrill_core::plan::Plan;
use firedrill_core::session::shift::Shift;
use firedrill_core::session::shift::debrief::Debrief;

use super::export;
use super::history::{self, History, ShiftRecord};
use super::references::compare;

/// A shift that has ended, for the screen.
#[derive(Debug)]
pub struct EndedShift {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// The plan of its run.
    pub plan: Plan,
    /// The shift.
    pub shift: Shift,
    /// The events of its run.
    pub events: Vec<Event>,
    /// Days since 1970 of a daily shift.
    pub daily: Option<u64>,
    /// The file for the draft of a post-mortem.
    pub export: Option<PathBuf>,
}

/// The end of a shift, computed.
#[derive(Debug)]
pub struct Debriefed {
    /// The debrief.
    pub debrief: Debrief,
    /// The line that one can paste, and files that were written, or could not be.
    pub notes: Vec<String>,
}

impl EndedShift {
    /// Computes the debrief, keeps the shift in the history, and writes the files that were asked for.
    ///
    /// # Errors
    ///
    /// Returns an error if a run fails that the shift is compared with.
    pub async fn debriefed(self) -> anyhow::Result<Debriefed> {
        let Self { catalogue, plan, shift, events, daily, export } = self;
        let compared = compare(&shift, catalogue).await?;
        let debrief = Debrief::new(&shift, catalogue, &compared).context("the shift goes on")?;
        let name = match daily {
            Some(_) => format!("daily {}", history::date(history::now_s())),
            None => format!("seed {}", debrief.seed),
        };
        let mut notes = vec![debrief.line(&name)];
        let kept =
            history::file().and_then(|file| History::add(&file, ShiftRecord::new(&debrief, daily)));
        match kept {
            Ok(note) => notes.extend(note),
            Err(why) => notes.push(format!("{why:#}")),
        }
        if let Some(path) = export {
            let with = (catalogue, &compared);
            notes.push(match export::write(&path, &plan, &shift, with, &events) {
                Ok(recording) => {
                    format!("written: {} and {}", path.display(), recording.display())
                }
                Err(why) => format!("{why:#}"),
            });
        }
        Ok(Debriefed { debrief, notes })
    }
}
