//! What to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firedrill_core::catalogue::{Catalogue, Entry};
use firedrill_core::event::{Begin, Clock};
use firedrill_core::experiment::Experiment;
use firedrill_core::incident::Bugs;
use firedrill_core::incident::exercise::YOURS;

use crate::exercise::package::EXERCISE;
use firedrill_core::plan::Plan;
use firedrill_core::record::{Header, Kind, Machine, VERSION};
use firedrill_core::script::{Control, Speed};

/// How many times the memory cap an instance has that tokio-console looks into: its instruments take
/// several times what a waiting task takes itself, and an outage that should take a dozen seconds would
/// be over in a few.
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

/// What to run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// The incident.
    pub entry: &'static Entry,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Arrivals a second, to each lane.
    pub rate_per_s: f64,
    /// Seed of the arrivals and of the servers.
    pub seed: u64,
    /// Parameters that differ from the manifest's.
    pub params: BTreeMap<String, f64>,
    /// Faults on purpose.
    pub experiment: Option<Experiment>,
    /// When the run ends by itself; none: when it is stopped.
    pub duration: Option<Duration>,
    /// Whether the lanes start with tokio-console's instruments.
    pub console: bool,
    /// Its clock.
    pub clock: Clock,
    /// How a virtual run plays.
    pub time_lapse: TimeLapse,
    /// The program that serves a lane: this one, unless it is another that speaks its events.
    pub program: PathBuf,
    /// Who serves the lanes of [`YOURS`]; none: the same, with the exercise as it is given out.
    pub yours: Option<Learner>,
}

/// What a learner wrote.
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

/// How a virtual run plays.
#[derive(Debug, Clone, Default)]
pub struct TimeLapse {
    /// How fast virtual time passes.
    pub speed: Speed,
    /// Up to this time, in milliseconds, it passes as fast as it can.
    pub from_ms: u64,
    /// Commands that the run gets at these times, in milliseconds, in order.
    pub controls: Vec<(u64, Control)>,
    /// Whether the lanes watch for tasks that block.
    pub watched: bool,
    /// How long a lane may stand still; none: as long as a machine may take that is busy.
    pub patience: Option<Duration>,
}

impl Spec {
    /// The incident's own run: first variant against last.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn new(catalogue: &'static Catalogue, entry: &'static Entry) -> anyhow::Result<Self> {
        Ok(Self {
            catalogue,
            entry,
            variants: vec!["broken".to_owned(), "fixed".to_owned()],
            rate_per_s: entry.manifest.load.rate_per_s,
            seed: 1,
            params: BTreeMap::new(),
            experiment: None,
            duration: None,
            console: false,
            clock: Clock::Live,
            time_lapse: TimeLapse::default(),
            program: this_program()?,
            yours: None,
        })
    }

    /// What a recording of this run begins with.
    pub fn header(&self) -> Header {
        Header {
            firedrill: Kind::Recording,
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            incident: self.entry.manifest.id.clone(),
            variants: self.variants.clone(),
            seed: self.seed,
            clock: self.clock,
            rate_per_s: self.rate_per_s,
            params: self.params.clone(),
            machine: (self.clock == Clock::Live).then(Machine::this),
        }
    }

    /// The run that a recording is of.
    ///
    /// # Errors
    ///
    /// When its incident is not one of this program.
    pub fn recorded(catalogue: &'static Catalogue, header: &Header) -> anyhow::Result<Self> {
        Ok(Self {
            variants: header.variants.clone(),
            rate_per_s: header.rate_per_s,
            seed: header.seed,
            params: header.params.clone(),
            clock: header.clock,
            ..Self::new(catalogue, catalogue.find(&header.incident)?)?
        })
    }

    /// The memory cap of an instance, with tokio-console's instruments or without.
    pub(super) fn cap_bytes(&self, instance: usize, console: bool) -> u64 {
        let cap_bytes = self.entry.manifest.memory.cap_bytes();
        // The instruments look into the first instance alone.
        if console && instance == 0 { cap_bytes * INSTRUMENTED } else { cap_bytes }
    }

    /// Requests that may be in flight at once, over all lanes.
    pub(super) fn in_flight(&self, rate_per_s: f64) -> f64 {
        let timeout_s = self.entry.manifest.load.client_timeout_ms as f64 / 1000.0;
        rate_per_s * timeout_s * self.variants.len() as f64
    }

    /// What the run is of.
    pub fn plan(&self) -> Plan {
        Plan {
            catalogue: self.catalogue,
            entry: self.entry,
            variants: self.variants.clone(),
            rate_per_s: self.rate_per_s,
            seed: self.seed,
            params: self.params.clone(),
            experiment: self.experiment.clone(),
        }
    }

    /// The source file of a variant, as compiler and wait sites name it.
    pub fn file(&self, entry: &Entry, variant: &str) -> String {
        let own = entry.manifest.id == self.entry.manifest.id;
        if own && variant == YOURS && self.yours.is_some() {
            return EXERCISE.to_owned();
        }
        entry.file(variant)
    }

    /// The text of a source file, as compiler and wait sites name it.
    pub fn text(&self, file: &str) -> Option<&'static str> {
        let yours = self.yours.as_ref().and_then(|yours| yours.source.as_ref());
        match yours {
            Some((text, _)) if file == EXERCISE => Some(text),
            _ => self.catalogue.source(file),
        }
    }

    /// Why a lane cannot have this bug on, or off: a learner's program has one incident alone, and one form
    /// of it.
    pub fn refuses(
        &self,
        lane: usize,
        incident: &str,
        variant: Option<&str>,
    ) -> Option<&'static str> {
        self.yours.as_ref()?;
        if incident != self.entry.manifest.id {
            return Some(
                "not beside a lane with your own code: that program has this incident alone",
            );
        }
        let yours = self.variants.get(lane).is_some_and(|variant| variant == YOURS);
        let known = variant.is_none_or(|variant| variant == YOURS);
        (yours && !known).then_some("this lane runs your own code: it can be switched off, and on")
    }

    /// The program that serves the lanes of a variant, and the manifest that it has to be handed.
    pub(super) fn served_by(&self, variant: &str) -> (&Path, Option<serde_json::Value>) {
        match &self.yours {
            Some(yours) if variant == YOURS => {
                (&yours.program, Some(Catalogue::for_child(self.entry)))
            }
            _ => (&self.program, None),
        }
    }

    /// What a virtual lane's child is told first.
    pub(super) fn begin(&self, lane: usize, in_play: Bugs) -> Begin {
        let manifests = self.variants.get(lane).and_then(|variant| self.served_by(variant).1);
        Begin { watched: self.time_lapse.watched, manifests, ..self.plan().begin(lane, in_play) }
    }
}
