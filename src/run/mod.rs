//! The parent of a run: children, load, memory cap, restarts, and one stream of events.
//!
//! * [`child`]: one process and its two pipes; [`process_group`]: how it ends with its parent
//! * `instance`: one instance of a lane over its processes: starts, exits, restarts
//! * `lane`: one lane over its instances; `steering`: the code that steers its release
//! * [`memory`]: resident memory of the children; `event_sink`: where their events go out
//! * [`free_memory`]: the memory that is left for them; `wall_clock`: jumps of the clock of the machine
//! * [`spec`]: what to run
//! * [`scraped`]: where Prometheus hears of its lanes
//! * [`signals`]: what the system tells it
//! * `stage`: everything of a live run under way, and the loop over it
//! * `time_lapse`: the same on the virtual clock

pub mod child;
mod event_sink;
pub mod free_memory;
mod instance;
mod lane;
pub mod memory;
pub mod process_group;
pub mod scraped;
pub mod signals;
pub mod spec;
mod stage;
mod steering;
mod time_lapse;
mod wall_clock;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use anyhow::Context;
use child::Message;
use event_sink::EventSink;
use firedrill_core::child::files;
use firedrill_core::event::{Clock, Event};
pub use firedrill_core::script::{Control, Pacing, Speed};
pub use spec::{Spec, Venue};
use stage::Stage;
use time_lapse::Player;

/// Events that may wait for their reader in a queue.
const EVENTS: usize = 4096;

/// The same of a virtual run, which waits for its reader instead, and must not get far ahead.
const VIRTUAL_EVENTS: usize = 256;

/// Time limit for the start of a child.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A runtime for waiting on children, keys and clocks.
///
/// # Errors
///
/// When the system refuses its threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    const WORKERS: usize = 2;
    has_room_for(WORKERS + 4).context(
        "the system starts no more threads for this user (see `ulimit -u`): firedrill takes a dozen, and each lane \
         another",
    )?;
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?)
}

/// Checks that this many threads can be started: the runtime panics if its own cannot.
fn has_room_for(threads: usize) -> std::io::Result<()> {
    let start = |_| std::thread::Builder::new().spawn(std::thread::park);
    let started: Vec<_> = (0..threads).map(start).collect();
    let mut room = Ok(());
    for thread in started {
        match thread {
            Ok(thread) => {
                thread.thread().unpark();
                // It does nothing that could panic.
                thread.join().ok();
            }
            Err(why) => room = Err(why),
        }
    }
    room
}

/// A run under way. Dropping it ends its children.
#[derive(Debug)]
pub struct Run {
    /// Events, until the end of the run.
    pub events: mpsc::Receiver<Event>,
    /// Commands to the run.
    pub control: mpsc::Sender<Control>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Run {
    /// Starts a run. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// When the system allows fewer open files than the run needs, or has less memory.
    pub fn start(spec: Spec) -> anyhow::Result<Self> {
        let (control, controls) = mpsc::channel(64);
        let (task, events) = match spec.case.plan.clock {
            Clock::Live => {
                if spec.case.entry.manifest.tls && !cfg!(feature = "tls") {
                    anyhow::bail!(
                        "{} speaks TLS, and this build is without it: build with the feature `tls`, or run it with \
                         `--clock virtual`",
                        spec.case.plan.incident
                    );
                }
                files::raise(files::needed(spec.in_flight(spec.case.plan.rate_per_s)))?;
                let instances = spec.case.entry.manifest.instances;
                let caps =
                    (0..instances).map(|instance| spec.cap_bytes(instance, spec.venue.console));
                let lane_bytes: u64 = caps.sum();
                let lanes = spec.case.plan.variants.len();
                memory::enough(lanes * instances, lane_bytes * lanes as u64)?;
                let (out, events) = mpsc::channel(EVENTS);
                let stage = Stage::new(spec, EventSink::new(out));
                (tokio::spawn(stage.play(controls)), events)
            }
            Clock::Virtual => {
                let (out, events) = mpsc::channel(VIRTUAL_EVENTS);
                let player = Player::new(spec, out);
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

/// Whose message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The lane.
    pub lane: usize,
    /// Its instance.
    pub instance: usize,
    /// Which of the instance's processes, counted from 1.
    pub generation: u32,
}

/// Shared by all lanes of a run.
type Messages = mpsc::Sender<(Address, Message)>;
