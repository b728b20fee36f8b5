//! One virtual lane, without the program: commands on standard input, events on standard output.
//! It is what runs under a WASI host, in a browser's worker for example:
//!
//! ```sh
//! cargo build -p firedrill-incidents --example lane --release --target wasm32-wasip1
//! ```
//!
//! Arguments: the incident, requests a second, the seed.

use std::alloc::System;
use std::io;

use anyhow::Context;
use cap::Cap;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::lane::output::Output;
use firedrill_core::lane::{self, Settings};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("expected: INCIDENT RATE SEED");
    let (incident, rate_per_s, seed) = (next()?, next()?.parse()?, next()?.parse()?);
    let catalogue = Catalogue::read(&firedrill_incidents::PACK, |_| None)?;
    let catalogue: &'static Catalogue = Box::leak(Box::new(catalogue));
    let entry = catalogue.find(&incident)?;
    let heap = || HEAP.allocated() as u64;
    let settings = Settings { catalogue, entry, rate_per_s, seed, watch: None, heap };
    lane::replay(settings, io::stdin().lock(), &Output::new(io::stdout()))
}
