//! One virtual lane, without the program: commands on standard input, events on standard output.
//! It is what runs under a WASI host, in a browser's worker for example:
//!
//! ```sh
//! cargo build -p firedrill-incidents --example lane --release --target wasm32-wasip1
//! ```
//!
//! The first line says what the lane is, as for the program's own child.

use std::alloc::System;
use std::io::{self, BufRead};

use anyhow::Context;
use cap::Cap;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::lane::output::Output;
use firedrill_core::lane::{self, Settings};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> anyhow::Result<()> {
    let catalogue = Catalogue::read(&firedrill_incidents::PACK, |_| None)?;
    let catalogue: &'static Catalogue = Box::leak(Box::new(catalogue));
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let begin = serde_json::from_str(&line).context("the first line of input")?;
    let heap = || HEAP.allocated() as u64;
    let settings = Settings { catalogue, begin, watch: None, heap };
    lane::replay(settings, input, &Output::new(io::stdout()))
}
