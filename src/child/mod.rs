//! What runs in a lane's child. Its first line of input says what it is to be.
//!
//! * [`serve`]: live: a server on loopback; [`connection`]: from a socket to the chain in force
//! * [`replay`]: virtual: server and load on a paused clock
//! * [`steer`]: the code of a variant that steers a live lane's release
//! * [`attend`]: no lane, but tokio-console, which must end with the lab
//! * [`heap`]: the allocator: counts bytes, holds a child to its limit

pub mod attend;
pub mod connection;
pub mod heap;
pub mod replay;
pub mod serve;
pub mod steer;

use std::io::{self, BufRead};
use std::process::ExitCode;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Begin, Clock};

/// Is what the first line of standard input says, until that ends.
///
/// # Errors
///
/// When the line says nothing that a child can be, or what it says cannot be done.
pub fn be(catalogue: &'static Catalogue) -> anyhow::Result<ExitCode> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let begin: Begin = serde_json::from_str(&line).context("the first line of input")?;
    match begin.clock {
        _ if begin.steers => steer::steer(catalogue, &begin, io::stdin().lock()),
        Clock::Live => serve::serve(catalogue, serve::Settings::supervised(begin)),
        Clock::Virtual => replay::replay(catalogue, begin, io::stdin().lock()),
    }
}
