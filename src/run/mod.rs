//! The parent of a run: children, load, memory cap, restarts, and one stream of events.
//!
//! * [`child`]: one process and its two pipes
//! * `lane`: one lane over its processes: bugs, restarts, exits
//! * [`memory`]: resident memory of the children
//! * [`spec`]: what to run
//! * `script`: what phases and commands change, the same on either clock
//! * `stage`: everything of a live run under way, and the loop over it
//! * `time_lapse`: the same on the virtual clock

pub mod child;
mod lane;
pub mod memory;
mod script;
pub mod spec;
mod stage;
mod time_lapse;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::event::{Clock, Event, What};
use crate::files;
use child::Message;
pub use spec::{Spec, Speed, TimeLapse};
use stage::Stage;
use time_lapse::Player;

/// Events that may wait for their reader; beyond it they are dropped and counted.
const EVENTS: usize = 4096;

/// The same of a virtual run, which waits for its reader instead, and must not get far ahead.
const VIRTUAL_EVENTS: usize = 256;

/// How long a child may take to be ready.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);

/// What a running run can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// Switch a bug in one lane to a variant, or off.
    SetBug {
        /// The lane.
        lane: usize,
        /// The incident.
        incident: String,
        /// The variant; none: the fixed form.
        variant: Option<String>,
    },
    /// A new rate.
    SetRate(f64),
    /// Restart a lane's process.
    Restart {
        /// The lane.
        lane: usize,
        /// Whether it comes back with tokio-console's instruments.
        console: bool,
    },
    /// How fast virtual time passes from now on; for a virtual run only.
    SetSpeed(Speed),
    /// End the run.
    Stop,
}

/// A run under way. Dropping it ends its children.
#[derive(Debug)]
pub struct Run {
    /// What happens, until the run has ended.
    pub events: mpsc::Receiver<Event>,
    /// What to tell it.
    pub control: mpsc::Sender<Control>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Run {
    /// Starts a run. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// When the system allows fewer open files than the run needs.
    pub fn start(spec: Spec) -> anyhow::Result<Self> {
        let (control, controls) = mpsc::channel(64);
        let (task, events) = match spec.clock {
            Clock::Live => {
                files::raise(files::needed(spec.in_flight(spec.rate_per_s)))?;
                let (out, events) = mpsc::channel(EVENTS);
                let stage = Stage::new(spec, Outlet { out, began: None, dropped: 0 })?;
                (tokio::spawn(stage.play(controls)), events)
            }
            Clock::Virtual => {
                let (out, events) = mpsc::channel(VIRTUAL_EVENTS);
                let player = Player::new(spec, out)?;
                (tokio::spawn(player.play(controls)), events)
            }
        };
        Ok(Self { events, control, task })
    }

    /// Waits until the run has ended.
    ///
    /// # Errors
    ///
    /// When a lane could not be started at all, with the cause.
    pub async fn ended(self) -> anyhow::Result<()> {
        // Nobody reads any more: without this the run's last events would wait for a reader.
        drop(self.events);
        drop(self.control);
        self.task.await?
    }
}

/// Where events go out, stamped.
struct Outlet {
    out: mpsc::Sender<Event>,
    began: Option<Instant>,
    dropped: u64,
}

impl Outlet {
    /// Sends an event without waiting: supervision must not stall because a reader does.
    fn emit(&mut self, lane: Option<usize>, what: What) {
        let at_ms = self.began.map_or(0, |began| began.elapsed().as_millis() as u64);
        if self.dropped > 0 {
            let dropped = What::Dropped { events: self.dropped };
            if self.out.try_send(Event { at_ms, lane: None, what: dropped }).is_ok() {
                self.dropped = 0;
            }
        }
        if self.out.try_send(Event { at_ms, lane, what }).is_err() {
            self.dropped += 1;
        }
    }
}

/// Shared by all lanes of a run.
type Messages = mpsc::Sender<(usize, u32, Message)>;
