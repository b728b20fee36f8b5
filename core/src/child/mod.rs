//! Child process of a lane, with the feature `child`: the only part of core that uses sockets. The first line of
//! input describes the server.
//!
//! * [`serve`]: live: a server on loopback; [`connection`]: from a socket to the chain in force
//! * [`replay`]: virtual: server and load on a paused clock
//! * `tls`: its certificates, with the feature `tls`
//! * [`steer`]: the code of a variant that steers a live lane's release
//! * [`files`]: the limit on open files
//! * [`yours`]: the program of an exercise's package

pub mod connection;
pub mod files;
mod orphan;
pub mod replay;
pub mod serve;
pub mod steer;
#[cfg(feature = "tls")]
pub mod tls;
pub mod yours;

use std::fs;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use crate::catalogue::Catalogue;
use crate::event::{ChildStart, Clock};
use crate::lane::HeapMeter;
use crate::sanitize::sanitize;
use anyhow::Context;

/// The allocator that a child's program counts heap bytes with.
pub type Heap = cap::Cap<std::alloc::System>;

/// Functions that the program provides to its child processes.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Heap bytes in use by its process.
    pub heap_bytes: HeapMeter,
    /// Makes its process abort when its heap would grow beyond so many bytes; an error where more is in
    /// use already.
    pub limit_heap: fn(u64) -> anyhow::Result<()>,
    /// Starts tokio-console's instruments; gives their port, or none where it has none.
    pub console: fn() -> anyhow::Result<Option<u16>>,
}

/// Writes a line to standard error, for people. Where nobody can read it there is nobody to tell,
/// so a failure is no error.
pub(crate) fn note(line: &str) {
    writeln!(io::stderr(), "{}", sanitize(line)).ok();
}

/// Is what the first line of standard input says, until that ends.
///
/// # Errors
///
/// When the line says nothing that a child can be, or what it says cannot be done.
pub fn be(catalogue: &'static Catalogue, means: Means) -> anyhow::Result<ExitCode> {
    be_told(catalogue, told()?, means)
}

/// Points, of 1000, by which a lane is ended before other processes of its size.
const OOM_SCORE: &str = "500";

/// Reads the first line of standard input.
fn told() -> anyhow::Result<ChildStart> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    serde_json::from_str(&line).context("the first line of input")
}

fn be_told(
    catalogue: &'static Catalogue,
    begin: ChildStart,
    means: Means,
) -> anyhow::Result<ExitCode> {
    // Where memory is short, the system shall end a lane and not the program that measures it. Systems without this
    // file choose by themselves.
    fs::write("/proc/self/oom_score_adj", OOM_SCORE).ok();
    orphan::end_with_parent().context("a thread that looks whether the parent has ended")?;
    match begin.clock {
        _ if begin.steers => steer::steer(catalogue, &begin, io::stdin().lock()),
        Clock::Live => serve::serve(catalogue, serve::ServeSettings::supervised(begin), means),
        Clock::Virtual => replay::replay(catalogue, begin, means, io::stdin().lock()),
    }
}
