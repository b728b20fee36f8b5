//! A page of the book, without its looks: runs a lane, or draws what lanes have said. It is what runs under
//! a WASI host, in a browser's worker for example:
//!
//! ```sh
//! cargo build -p firedrill-incidents --example lane --profile page --target wasm32-wasip1
//! ```
//!
//! The first line of standard input says what is asked, as JSON. What a lane says comes out line by line; to
//! be drawn, it goes in again, the lanes apart by an empty line.

use std::alloc::System;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use cap::Cap;
use firedrill_core::catalogue::{Catalogue, Manifests};
use firedrill_core::incident::Pack;
use firedrill_core::lane::output::Output;
use firedrill_core::lane::unrolled::Unrolled;
use firedrill_core::lane::{self, LaneSettings};
use firedrill_core::page::live::{DrawRequest, draw, told};
use firedrill_core::plan::{Case, Plan};
use serde::Deserialize;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Factor on heap bytes, in thousandths: pointers are half as wide here.
static SCALE: AtomicU64 = AtomicU64::new(1000);

/// The incidents without their source, which a page shows otherwise.
static PACK: Pack = Pack {
    file: firedrill_incidents::PACK.file,
    incidents: firedrill_incidents::ALL,
    files: Vec::new,
    source: |_| None,
};

/// Request of a page.
#[derive(Deserialize)]
struct Request {
    /// The manifests, as the catalogue writes them for pages.
    manifests: Manifests,
    /// The run.
    run: Plan,
    /// The lane to run; none: what the lanes have said is to be drawn.
    lane: Option<usize>,
    /// Factor on the lane's heap.
    heap_scale: Option<f64>,
    /// Requested drawings.
    wanted: Option<DrawRequest>,
}

fn main() -> anyhow::Result<()> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let (first, rest) = input.split_once('\n').unwrap_or((&input, ""));
    let request: Request = serde_json::from_str(first).context("the first line of input")?;
    let catalogue = Catalogue::of_page(&PACK, request.manifests);
    let case = Case::new(&catalogue, request.run)?;
    let end_ms = case.plan.duration_ms.context("the run of a page has an end")?;
    if let Some(wanted) = request.wanted {
        let told = told(&case, rest.split("\n\n"))?;
        serde_json::to_writer(io::stdout(), &draw(&case, &told, &wanted))?;
        return Ok(());
    }
    if let Some(scale) = request.heap_scale {
        SCALE.store((scale * 1000.0) as u64, Ordering::Relaxed);
    }
    let heap = || HEAP.allocated() as u64 * SCALE.load(Ordering::Relaxed) / 1000;
    let mut lanes = Unrolled::new(&case, end_ms).lanes;
    let lane = request.lane.filter(|lane| *lane < lanes.len()).context("there is no such lane")?;
    let (begin, commands) = lanes.swap_remove(lane);
    drop((lanes, input));
    let settings = LaneSettings { catalogue, begin, watch: None, heap };
    lane::obey(settings, commands.into_iter().map(Ok), &Output::new(io::stdout()))
}
