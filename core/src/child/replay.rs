//! A virtual lane's child: commands on standard input, events on standard output.

use std::io::{self, BufRead};
use std::process::ExitCode;

use crate::catalogue::Catalogue;
use crate::event::ChildStart;
use crate::incident::wait;
use crate::lane::output::Output;
use crate::lane::watch::Watch;
use crate::lane::{self, LaneSettings};

use super::Means;

/// True if this build can detect blocking tasks. That needs tokio's hooks around polls, and a system that counts
/// voluntary context switches.
pub const WATCHES: bool = cfg!(all(tokio_unstable, target_os = "linux"));

/// Heap beyond the cap at which the process aborts, should a tick go on for too long.
const SLACK_BYTES: u64 = 512 << 20;

/// Replays a lane, as the commands say, until they end.
///
/// # Errors
///
/// When a command cannot be carried out or read.
pub fn replay(
    catalogue: &'static Catalogue,
    begin: ChildStart,
    means: Means,
    commands: impl BufRead,
) -> anyhow::Result<ExitCode> {
    let manifest = &catalogue.find(&begin.incident)?.manifest;
    let cap_bytes = manifest.memory.cap_bytes() * manifest.instances as u64;
    (means.limit_heap)(cap_bytes + SLACK_BYTES)?;
    let out = Output::new(io::stdout());
    tell_panics_in_a_line(&out);
    let watch = begin.watched.then(|| Watch::new(given_up));
    let settings =
        LaneSettings { catalogue: catalogue.clone(), begin, watch, heap: means.heap_bytes };
    lane::replay(settings, commands, &out)?;
    Ok(ExitCode::SUCCESS)
}

/// A panic is an event of the lesson: where, and what, in one line.
fn tell_panics_in_a_line(out: &Output) {
    let out = out.clone();
    std::panic::set_hook(Box::new(move |panic| out.log(wait::panic_line(panic))));
}

/// Returns the number of voluntary context switches of this thread.
#[cfg(target_os = "linux")]
fn given_up() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.voluntary_context_switches())
}

/// Other systems do not tell it of one thread.
#[cfg(not(target_os = "linux"))]
fn given_up() -> i64 {
    0
}
