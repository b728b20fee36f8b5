//! The run of a walk in a page: made by the incident's own code, or recorded where a browser cannot run that.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind};
use crate::lane::HeapMeter;
use crate::lane::local::LocalRun;
use crate::plan::Case;
use crate::script::{Control, Pacing};

/// The runs of a walk, recorded when it was played: for each page (from 0) that begins one, its events in order. A
/// walk asks the same of its runs whatever the answers, so that the same holds follow one another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording(pub BTreeMap<usize, Vec<Event>>);

/// A run that a walk asks for.
#[derive(Debug)]
pub(super) enum PageRun {
    /// Its lanes run here.
    Local(Box<LocalRun>),
    /// The events that are still to come.
    Recorded(VecDeque<Event>),
}

impl PageRun {
    /// Starts the run of a page; `recorded` has the runs of the walk, if it was recorded, and the page from 0.
    pub(super) fn start(
        case: Case,
        pacing: &Pacing,
        recorded: (Option<&Recording>, usize),
        heap: HeapMeter,
    ) -> anyhow::Result<Self> {
        let (Some(Recording(runs)), page) = recorded else {
            return Ok(Self::Local(Box::new(LocalRun::start(case, pacing, heap)?)));
        };
        let events = runs.get(&page).cloned().unwrap_or_default();
        anyhow::ensure!(!events.is_empty(), "no run was recorded for page {}", page + 1);
        Ok(Self::Recorded(events.into()))
    }

    /// Takes in a command. One that was recorded has got the same before.
    pub(super) fn control(&mut self, control: Control) -> anyhow::Result<()> {
        match self {
            Self::Local(run) => run.control(control),
            Self::Recorded(_) => Ok(()),
        }
    }

    /// Lets time pass to the moment at which the run is held. Returns its events, the hold last.
    pub(super) fn advance(&mut self) -> anyhow::Result<Vec<Event>> {
        match self {
            Self::Local(run) => run.advance(),
            Self::Recorded(events) => {
                let holds = |event: &Event| matches!(event.what, EventKind::Held);
                let end = events.iter().position(holds);
                let end = end.ok_or_else(|| anyhow::anyhow!("the recording has ended"))?;
                Ok(events.drain(..=end).collect())
            }
        }
    }
}
