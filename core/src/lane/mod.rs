//! A virtual lane: server, clients and supervision on tokio's paused clock, in one thread.
//! No sockets, no sleeping: time passes as fast as the work of it is done, and only as far as it is
//! told. The same commands give the same events, to the last byte.
//!
//! * [`virtual_lane`]: arrivals, ticks, releases: what goes on beyond the life of one process
//! * `instance`: one of its instances over its processes
//! * [`process`]: one simulated process: a runtime of its own, whose end drops its tasks
//! * [`local`]: all lanes of a run in this very process
//! * [`unrolled`]: all commands of a run with which nobody interferes
//! * [`rollout`]: its release, on either clock
//! * [`output`]: events, stamped with virtual time
//! * [`watch`]: whether tasks wait for anything but virtual time
//! * [`back_off`]: when what has crashed is started again, on either clock
//!
//! Three things differ from a live lane. Requests start at whole milliseconds, tokio's resolution
//! of a paused clock. Memory is the heap that the simulated process holds, counted by the
//! allocator; the requests of the clients are in it, since they share the process, and take some
//! 2 KiB each while they wait. A body counts with its size: its bytes are shared, not copied. And
//! the service sizes its pools for [`CPUS`] processors, whatever the machine has.

pub mod back_off;
mod instance;
pub mod local;
pub mod output;
pub mod process;
pub mod rollout;
pub mod unrolled;
pub mod virtual_lane;
pub mod watch;

use std::io::BufRead;

use crate::catalogue::Catalogue;
use crate::event::{ChildStart, ParentSays};
use output::Output;
use virtual_lane::VirtualLane;
use watch::Watch;

/// Processors that the simulated service believes in.
pub const CPUS: usize = 4;

/// Heap bytes in use by this process, counted by its allocator.
pub type HeapMeter = fn() -> u64;

/// Description of a virtual lane.
#[derive(Debug)]
pub struct LaneSettings {
    /// All incidents.
    pub catalogue: Catalogue,
    /// First message from the parent.
    pub begin: ChildStart,
    /// Watches for tasks that hold up the thread.
    pub watch: Option<Watch>,
    /// Source of heap measurements.
    pub heap: HeapMeter,
}

/// Replays a lane, as the commands say, a JSON object a line, until they end or nobody reads what
/// comes out.
///
/// # Errors
///
/// When a command cannot be carried out or read.
pub fn replay(settings: LaneSettings, commands: impl BufRead, out: &Output) -> anyhow::Result<()> {
    // Read on this very thread: nothing else allocates while the lane runs.
    let commands = commands.lines().map(|line| Ok(serde_json::from_str(&line?)?));
    obey(settings, commands, out)
}

/// The same with commands that are known.
///
/// # Errors
///
/// When a command cannot be carried out, or is an error itself.
pub fn obey(
    settings: LaneSettings,
    commands: impl IntoIterator<Item = anyhow::Result<ParentSays>>,
    out: &Output,
) -> anyhow::Result<()> {
    let mut lane = VirtualLane::new(settings, out.clone())?;
    for command in commands {
        if out.failed() {
            return Ok(());
        }
        lane.command(command?, out)?;
    }
    lane.end()?;
    out.flush();
    Ok(())
}
