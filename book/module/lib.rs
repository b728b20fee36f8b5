//! The incidents for a browser: runs a lane, draws what lanes have said, takes a guided walk or an on-call shift, or opens a lab. It
//! runs under a WASI host of the least size, in a page's worker for example:
//!
//! ```sh
//! cargo build -p firedrill-page --profile page --target wasm32-wasip1
//! ```
//!
//! The host calls [`request`] as often as it likes. Each time, the first line of standard input says what is asked,
//! as JSON, and the answer comes out on standard output. Only a walk, a shift or a lab lives from one call to the next.

use std::alloc::System;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use cap::Cap;
use firedrill_core::catalogue::{Catalogue, Manifests};
use firedrill_core::incident::Pack;
use firedrill_core::lane::output::Output;
use firedrill_core::lane::unrolled::Unrolled;
use firedrill_core::lane::{self, LaneSettings};
use firedrill_core::page::lab::{self, LabPage, LabToOpen};
use firedrill_core::page::live::{DrawRequest, draw, told};
use firedrill_core::page::shift::{self, ShiftPage, ShiftToOpen};
use firedrill_core::page::walk::{self, WalkPage, WalkToOpen};
use firedrill_core::plan::{Case, Plan};
use serde::Deserialize;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Factor on heap bytes, in thousandths: pointers are half as wide here.
static SCALE: AtomicU64 = AtomicU64::new(1000);

/// The texts of source files that a page has brought along, by path within the pack.
static SOURCES: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// The incidents; of their source, what a page has brought along.
static PACK: Pack = Pack {
    file: firedrill_incidents::PACK.file,
    incidents: firedrill_incidents::ALL,
    files: Vec::new,
    source: |file| SOURCES.get()?.get(file).map(String::as_str),
};

/// Request of a page.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Run a lane; what it says comes out line by line.
    Lane {
        /// The manifests, as the catalogue writes them for pages.
        manifests: Manifests,
        /// The run.
        run: Plan,
        /// The lane.
        lane: usize,
        /// Factor on its heap.
        heap_scale: Option<f64>,
    },
    /// Draw a run; what its lanes have said follows the first line, the lanes apart by an empty line.
    Draw {
        /// The manifests.
        manifests: Manifests,
        /// The run.
        run: Plan,
        /// The drawings that are wanted.
        wanted: DrawRequest,
    },
    /// Open a walk, and say what is shown.
    OpenWalk {
        /// The manifests.
        manifests: Manifests,
        /// Those with what is taught.
        taught: Manifests,
        /// Source texts by path.
        sources: BTreeMap<String, String>,
        /// Factor on the heap of lanes.
        heap_scale: Option<f64>,
        /// The walk.
        walk: WalkToOpen,
    },
    /// Go on with the walk that is open, and say what is shown.
    Walk(walk::Asked),
    /// Open an on-call shift, and say what is shown.
    OpenShift {
        /// The manifests.
        manifests: Manifests,
        /// Those with what is taught.
        taught: Manifests,
        /// Source texts by path.
        sources: BTreeMap<String, String>,
        /// Factor on the heap of lanes.
        heap_scale: Option<f64>,
        /// The shift.
        shift: ShiftToOpen,
    },
    /// Go on with the shift that is open, and say what is shown.
    Shift(shift::Asked),
    /// Open a lab, and say what is shown.
    OpenLab {
        /// The manifests.
        manifests: Manifests,
        /// Those with what is taught.
        taught: Manifests,
        /// Source texts by path.
        sources: BTreeMap<String, String>,
        /// Factor on the heap of lanes.
        heap_scale: Option<f64>,
        /// The lab.
        lab: LabToOpen,
    },
    /// Go on with the lab that is open, and say what is shown.
    Lab(lab::Asked),
}

/// The session of the page.
enum Open {
    Walk(Box<WalkPage>),
    Shift(Box<ShiftPage>),
    Lab(Box<LabPage>),
}

thread_local! {
    /// The session that is open. A host has one thread.
    static OPEN: std::cell::RefCell<Option<Open>> = const { std::cell::RefCell::new(None) };
}

/// Answers a request on standard input. Returns 0, or 1 with a message on standard error.
#[expect(
    unsafe_code,
    reason = "a host finds the function by its name; it takes and returns no pointer"
)]
#[unsafe(no_mangle)]
pub extern "C" fn request() -> i32 {
    let answered = answer().and_then(|()| io::stdout().flush().context("standard output"));
    match answered {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error:#}");
            1
        }
    }
}

fn answer() -> anyhow::Result<()> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let (first, rest) = input.split_once('\n').unwrap_or((&input, ""));
    match serde_json::from_str(first).context("the first line of input")? {
        Request::Lane { manifests, run, lane, heap_scale } => {
            let catalogue = Catalogue::of_page(&PACK, manifests);
            let case = Case::new(&catalogue, run)?;
            drop(input);
            run_lane(catalogue, &case, lane, heap_scale)
        }
        Request::Draw { manifests, run, wanted } => {
            let catalogue = Catalogue::of_page(&PACK, manifests);
            let case = Case::new(&catalogue, run)?;
            let told = told(&case, rest.split("\n\n"))?;
            Ok(serde_json::to_writer(io::stdout(), &draw(&case, &told, &wanted))?)
        }
        Request::OpenWalk { manifests, taught, sources, heap_scale, walk } => {
            let catalogue = brought(manifests.with(taught), sources, heap_scale);
            let case = Case::new(&catalogue, walk.plan.clone())?;
            OPEN.set(Some(Open::Walk(Box::new(WalkPage::open(case, walk, heap)?))));
            go_on(Asked::Walk(walk::Asked::Show))
        }
        Request::OpenShift { manifests, taught, sources, heap_scale, shift } => {
            let catalogue = brought(manifests.with(taught), sources, heap_scale);
            let opened = ShiftPage::open(catalogue, shift, heap)?;
            OPEN.set(Some(Open::Shift(Box::new(opened))));
            go_on(Asked::Shift(shift::Asked::Show))
        }
        Request::OpenLab { manifests, taught, sources, heap_scale, lab } => {
            let catalogue = brought(manifests.with(taught), sources, heap_scale);
            let case = Case::new(&catalogue, lab.plan.clone())?;
            OPEN.set(Some(Open::Lab(Box::new(LabPage::open(case, lab, heap)?))));
            go_on(Asked::Lab(lab::Asked::Show))
        }
        Request::Walk(asked) => go_on(Asked::Walk(asked)),
        Request::Shift(asked) => go_on(Asked::Shift(asked)),
        Request::Lab(asked) => go_on(Asked::Lab(asked)),
    }
}

/// The catalogue of a page with a session, of all that it brings along.
fn brought(
    manifests: Manifests,
    sources: BTreeMap<String, String>,
    heap_scale: Option<f64>,
) -> Catalogue {
    SOURCES.get_or_init(|| sources);
    scale(heap_scale);
    Catalogue::of_page(&PACK, manifests)
}

fn scale(factor: Option<f64>) {
    SCALE.store((factor.unwrap_or(1.0) * 1000.0) as u64, Ordering::Relaxed);
}

/// Heap bytes in use, as they would be on a machine with wide pointers.
fn heap() -> u64 {
    HEAP.allocated() as u64 * SCALE.load(Ordering::Relaxed) / 1000
}

fn run_lane(
    catalogue: Catalogue,
    case: &Case,
    lane: usize,
    heap_scale: Option<f64>,
) -> anyhow::Result<()> {
    let end_ms = case.plan.duration_ms.context("the run of a page has an end")?;
    scale(heap_scale);
    let mut lanes = Unrolled::new(case, end_ms).lanes;
    anyhow::ensure!(lane < lanes.len(), "there is no lane {lane}");
    let (begin, commands) = lanes.swap_remove(lane);
    drop(lanes);
    let settings = LaneSettings { catalogue, begin, watch: None, heap };
    lane::obey(settings, commands.into_iter().map(Ok), &Output::new(io::stdout()))
}

/// A request to the session of the page.
enum Asked {
    Walk(walk::Asked),
    Shift(shift::Asked),
    Lab(lab::Asked),
}

fn go_on(asked: Asked) -> anyhow::Result<()> {
    OPEN.with_borrow_mut(|open| {
        let drawn = match (open.as_mut(), asked) {
            (Some(Open::Walk(walk)), Asked::Walk(asked)) => walk.obey(asked)?,
            (Some(Open::Shift(shift)), Asked::Shift(asked)) => shift.obey(asked)?,
            (Some(Open::Lab(lab)), Asked::Lab(asked)) => lab.obey(asked)?,
            (_, Asked::Walk(_)) => anyhow::bail!("no walk is open"),
            (_, Asked::Shift(_)) => anyhow::bail!("no shift is open"),
            (_, Asked::Lab(_)) => anyhow::bail!("no lab is open"),
        };
        Ok(serde_json::to_writer(io::stdout(), &drawn)?)
    })
}
