//! A virtual lane's child: server, clients and supervision on tokio's paused clock, in one thread.
//! No sockets, no sleeping: time passes as fast as the work of it is done, and only as far as the
//! parent says. The same commands give the same events, to the last byte.
//!
//! * [`lane`]: arrivals, ticks, restarts: what goes on beyond the life of one process
//! * [`process`]: one simulated process: a runtime of its own, whose end drops its tasks
//! * [`output`]: events, stamped with virtual time
//! * [`watch`]: whether tasks wait for anything but virtual time
//!
//! Three things differ from a live lane. Requests start at whole milliseconds, tokio's resolution
//! of a paused clock. Memory is the heap that the simulated process holds, counted by the
//! allocator; the requests of the clients are in it, since they share the process, and take some
//! 2 KiB each while they wait. And the service sizes its pools for [`CPUS`] processors, whatever
//! the machine has.

pub mod lane;
pub mod output;
pub mod process;
pub mod watch;

use std::io::{self, BufRead};
use std::process::ExitCode;

use crate::catalogue::{Catalogue, Entry};
use crate::event::{Command, What};
use crate::heap;
use crate::incident::wait;
use lane::Lane;
use output::Output;

/// Processors that the simulated service believes in.
pub const CPUS: usize = 4;

/// Whether this build can tell that a task blocks: it takes tokio's hooks around polls, and a
/// system that counts how often a thread waits.
pub const WATCHES: bool = cfg!(all(tokio_unstable, target_os = "linux"));

/// Heap beyond the cap at which the process aborts, should a tick go on for too long.
const SLACK_BYTES: u64 = 512 << 20;

/// What to replay.
#[derive(Debug)]
pub struct Settings {
    /// The incident whose traffic the lane gets.
    pub entry: &'static Entry,
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Seed of the arrivals and of what the server draws at random.
    pub seed: u64,
    /// Whether to watch for tasks that hold up the thread.
    pub watched: bool,
}

/// Replays a lane, as the commands on standard input say, until they end.
///
/// # Errors
///
/// When a command cannot be carried out, or standard input cannot be read.
pub fn replay(settings: &Settings) -> anyhow::Result<ExitCode> {
    heap::limit(settings.entry.manifest.memory.cap_bytes() + SLACK_BYTES)?;
    let catalogue = Catalogue::load().map_err(anyhow::Error::msg)?;
    let out = Output::new();
    tell_panics_in_a_line(&out);
    let mut lane = Lane::new(catalogue, settings, out.clone())?;
    // Read on this very thread: nothing else allocates while the lane runs.
    for line in io::stdin().lock().lines() {
        let command: Command = serde_json::from_str(&line?)?;
        match command {
            Command::Advance { to_ms } => {
                lane.advance(to_ms)?;
                out.emit(to_ms, What::Reached);
                out.flush();
            }
            Command::SetBugs { bugs } => lane.set_bugs(bugs)?,
            Command::SetParam { name, value } => lane.set_param(name, value),
            Command::SetRate { rate_per_s } => lane.set_rate(rate_per_s),
            Command::SetMix { incidents } => lane.set_mix(&incidents)?,
            Command::Restart => lane.restart(),
        }
    }
    lane.end()?;
    out.flush();
    Ok(ExitCode::SUCCESS)
}

/// A panic is an event of the lesson: where, and what, in one line.
fn tell_panics_in_a_line(out: &Output) {
    let out = out.clone();
    std::panic::set_hook(Box::new(move |panic| out.log(wait::panic_line(panic))));
}
