//! Specification of a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::event::ChildStart;
use firedrill_core::incident::Bugs;
use firedrill_core::incident::exercise::YOURS;

use firedrill_core::incident::exercise::FILE;
use firedrill_core::plan::{Case, Plan};
use firedrill_core::record::Header;
use firedrill_core::script::Pacing;

/// Factor on the memory limit of an instrumented instance: instrumentation needs several times the memory of a
/// waiting task, and the outage would be over in seconds.
pub const INSTRUMENTED: u64 = 8;

/// The program that runs, which serves the lanes too: of the same build even if its file has been replaced
/// or removed since it was started, where the system can tell.
///
/// # Errors
///
/// When its path is not known.
pub fn this_program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() {
        return Ok(running);
    }
    std::env::current_exe()
}

/// A run, the way its time passes, and the programs that serve it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The run.
    pub case: Case,
    /// Pacing of a virtual run.
    pub pacing: Pacing,
    /// The programs that serve its lanes.
    pub venue: Venue,
    /// True to detect blocking tasks in a virtual run.
    pub watched: bool,
    /// Longest silence of a virtual lane; none: the limit for a busy machine.
    pub patience: Option<Duration>,
}

/// The programs that serve the lanes of a run.
#[derive(Debug, Clone)]
pub struct Venue {
    /// The program that serves a lane: this one, unless it is another that speaks its events.
    pub program: PathBuf,
    /// The program that serves the lanes of [`YOURS`]; none: the same, with the exercise as it is given out.
    pub yours: Option<Learner>,
    /// True to start the lanes instrumented for tokio-console.
    pub console: bool,
}

/// A learner's code.
#[derive(Debug, Clone)]
pub struct Learner {
    /// The program that it was built to.
    pub program: PathBuf,
    /// Its source, and where that stands; none: not known.
    pub source: Option<(&'static str, PathBuf)>,
}

impl Learner {
    /// A program of which nothing else is known.
    pub fn of(program: PathBuf) -> Self {
        Self { program, source: None }
    }
}

impl Spec {
    /// A run whose lanes this program serves.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn new(case: Case) -> std::io::Result<Self> {
        Ok(Self::at(Venue::new()?, case, Pacing::default()))
    }

    /// A run at a venue.
    pub fn at(venue: Venue, case: Case, pacing: Pacing) -> Self {
        Self { case, pacing, venue, watched: false, patience: None }
    }

    /// The incident's own run, see [`Plan::new`].
    ///
    /// # Errors
    ///
    /// When the path of this program is not known, or the incident is not one of the catalogue.
    pub fn of(catalogue: &Catalogue, entry: &CatalogueEntry) -> anyhow::Result<Self> {
        Ok(Self::new(Case::new(catalogue, Plan::new(&entry.manifest))?)?)
    }

    /// The first line of a recording of this run.
    pub fn header(&self) -> Header {
        Header::of(&self.case.plan, env!("CARGO_PKG_VERSION"))
    }

    /// The run that a recording is of.
    ///
    /// # Errors
    ///
    /// When its incident is not one of this program.
    pub fn recorded(catalogue: &Catalogue, header: &Header) -> anyhow::Result<Self> {
        Ok(Self::new(Case::new(catalogue, header.plan())?)?)
    }

    /// The memory cap of an instance, with tokio-console's instruments or without.
    pub(super) fn cap_bytes(&self, instance: usize, console: bool) -> u64 {
        let cap_bytes = self.case.entry.manifest.memory.cap_bytes();
        // The instruments look into the first instance alone.
        if console && instance == 0 { cap_bytes * INSTRUMENTED } else { cap_bytes }
    }

    /// Requests that may be in flight at once, over all lanes.
    pub(super) fn in_flight(&self, rate_per_s: f64) -> f64 {
        let timeout_s = self.case.entry.manifest.load.client_timeout_ms as f64 / 1000.0;
        rate_per_s * timeout_s * self.case.plan.variants.len() as f64
    }

    /// The first message to a virtual lane's child.
    pub(super) fn begin(&self, lane: usize, in_play: Bugs) -> ChildStart {
        let variant = self.case.plan.variants.get(lane);
        let manifests = variant.and_then(|variant| self.venue.served_by(&self.case, variant).1);
        ChildStart { watched: self.watched, manifests, ..self.case.begin(lane, in_play) }
    }
}

impl Venue {
    /// This program serves all lanes.
    ///
    /// # Errors
    ///
    /// When its path is not known.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { program: this_program()?, yours: None, console: false })
    }

    /// The source file of a variant, as compiler and wait sites name it.
    pub fn file(&self, case: &Case, entry: &CatalogueEntry, variant: &str) -> String {
        let own = entry.manifest.id == case.plan.incident;
        if own && variant == YOURS && self.yours.is_some() {
            return FILE.to_owned();
        }
        entry.file(variant)
    }

    /// The text of a source file, as compiler and wait sites name it.
    pub fn text(&self, case: &Case, file: &str) -> Option<&'static str> {
        let yours = self.yours.as_ref().and_then(|yours| yours.source.as_ref());
        match yours {
            Some((text, _)) if file == FILE => Some(text),
            _ => case.catalogue.source(file),
        }
    }

    /// Why a lane cannot have this bug on, or off: a learner's program has one incident alone, and one form
    /// of it.
    pub fn refuses(
        &self,
        case: &Case,
        lane: usize,
        incident: &str,
        variant: Option<&str>,
    ) -> Option<&'static str> {
        self.yours.as_ref()?;
        if incident != case.plan.incident {
            return Some(
                "not beside a lane with your own code: that program has this incident alone",
            );
        }
        let yours = case.plan.variants.get(lane).is_some_and(|variant| variant == YOURS);
        let known = variant.is_none_or(|variant| variant == YOURS);
        (yours && !known).then_some("this lane runs your own code: it can be switched off, and on")
    }

    /// The program that serves the lanes of a variant, and the manifest that it has to be handed.
    pub(super) fn served_by(
        &self,
        case: &Case,
        variant: &str,
    ) -> (&Path, Option<serde_json::Value>) {
        match &self.yours {
            Some(yours) if variant == YOURS => {
                (&yours.program, Some(Catalogue::for_child(&case.entry)))
            }
            _ => (&self.program, None),
        }
    }
}
