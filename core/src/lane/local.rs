//! A virtual run with all of its lanes in this very process, driven by its owner: for tests and pages.
//! What it does is what a run of child processes does, in the same order.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::output::Output;
use super::virtual_lane::VirtualLane;
use super::{HeapMeter, LaneSettings};
use crate::event::{Event, EventKind, LaneSays, ParentSays};
use crate::plan::Case;
use crate::script::{Control, Pacing, Script, ScriptStep};

/// A virtual run in this process.
#[derive(Debug)]
pub struct LocalRun {
    script: Script,
    lanes: Vec<LocalLane>,
    controls: VecDeque<(u64, Control)>,
    /// Events that wait to be put in order, with their rank in one moment: those of the script, then lane by lane.
    events: Vec<(usize, Event)>,
    now_ms: u64,
    hold_ms: Option<u64>,
}

#[derive(Debug)]
struct LocalLane {
    lane: VirtualLane,
    out: Output,
    written: Written,
}

/// The lines that a lane has written.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event of a virtual lane, with its time in milliseconds since the run began.
#[derive(Debug, Deserialize)]
struct Stamped {
    at_ms: u64,
    #[serde(flatten)]
    what: LaneSays,
}

impl LocalRun {
    /// A run before its first moment; `heap` measures the heap of this process.
    ///
    /// # Errors
    ///
    /// When the incident or a variant is unknown, or a runtime cannot be made.
    pub fn start(case: Case, pacing: &Pacing, heap: HeapMeter) -> anyhow::Result<Self> {
        let mut script = Script::new(case.clone());
        let mut lanes = Vec::new();
        for index in 0..case.plan.variants.len() {
            let written = Written::default();
            let out = Output::new(written.clone());
            let begin = case.begin(index, script.in_play(index));
            let settings =
                LaneSettings { catalogue: case.catalogue.clone(), begin, watch: None, heap };
            lanes.push(LocalLane { lane: VirtualLane::new(settings, out.clone())?, out, written });
        }
        let steps = script.begin();
        let mut run = Self {
            script,
            lanes,
            controls: pacing.controls.iter().cloned().collect(),
            events: Vec::new(),
            now_ms: 0,
            hold_ms: pacing.hold_ms,
        };
        run.take(steps)?;
        Ok(run)
    }

    /// Takes in a command, at the present moment.
    ///
    /// # Errors
    ///
    /// When a lane cannot carry it out.
    pub fn control(&mut self, control: Control) -> anyhow::Result<()> {
        match control {
            Control::HoldAt(at_ms) => self.hold_ms = Some(at_ms),
            // Time passes as fast as it can.
            Control::SetSpeed(_) | Control::Stop => {}
            control => {
                let steps = self.script.obey(control, self.now_ms);
                self.take(steps)?;
            }
        }
        Ok(())
    }

    /// Lets time pass to the moment at which the run is held. Returns its events, the hold last; none where it is
    /// held nowhere.
    ///
    /// # Errors
    ///
    /// When a lane breaks.
    pub fn advance(&mut self) -> anyhow::Result<Vec<Event>> {
        let Some(hold_ms) = self.hold_ms.take() else { return Ok(Vec::new()) };
        let hold_ms = hold_ms.max(self.now_ms);
        loop {
            let control_ms = self.controls.front().map(|(at_ms, _)| *at_ms);
            let phase_ms = self.script.next_phase_ms();
            let change_ms = phase_ms.into_iter().chain(control_ms).min().unwrap_or(u64::MAX);
            self.pass(change_ms.clamp(self.now_ms, hold_ms))?;
            if change_ms > hold_ms {
                break;
            }
            let steps = if phase_ms.is_some_and(|at_ms| at_ms <= change_ms) {
                self.script.next_phase()
            } else if let Some((_, control)) = self.controls.pop_front() {
                self.script.obey(control, self.now_ms)
            } else {
                break;
            };
            self.take(steps)?;
        }
        let mut ranked = std::mem::take(&mut self.events);
        ranked.sort_by_key(|(rank, event)| (event.at_ms, *rank));
        let mut events: Vec<Event> = ranked.into_iter().map(|(_, event)| event).collect();
        events.push(Event { at_ms: self.now_ms, lane: None, what: EventKind::Held });
        Ok(events)
    }

    /// Lets time pass in all lanes.
    fn pass(&mut self, to_ms: u64) -> anyhow::Result<()> {
        if to_ms > self.now_ms {
            self.now_ms = to_ms;
            for index in 0..self.lanes.len() {
                self.command(index, ParentSays::Advance { to_ms })?;
            }
        }
        for (index, LocalLane { out, written, .. }) in self.lanes.iter_mut().enumerate() {
            out.flush();
            let bytes =
                std::mem::take(&mut *written.0.lock().unwrap_or_else(PoisonError::into_inner));
            for line in String::from_utf8_lossy(&bytes).lines() {
                let Stamped { at_ms, what } = serde_json::from_str(line)?;
                let what = what.what();
                self.events
                    .extend(what.map(|what| (index + 1, Event { at_ms, lane: Some(index), what })));
            }
        }
        Ok(())
    }

    /// Makes changes at the present moment.
    fn take(&mut self, steps: Vec<ScriptStep>) -> anyhow::Result<()> {
        for ScriptStep { change, lane, tell } in steps {
            for index in 0..self.lanes.len() {
                if let Some(command) = change.says(index) {
                    self.command(index, command)?;
                }
            }
            self.events.extend(tell.map(|what| (0, Event { at_ms: self.now_ms, lane, what })));
        }
        Ok(())
    }

    fn command(&mut self, index: usize, command: ParentSays) -> anyhow::Result<()> {
        let LocalLane { lane, out, .. } = &mut self.lanes[index];
        lane.command(command, out)
    }
}
