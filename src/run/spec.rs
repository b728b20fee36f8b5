//! What to run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Control;
use crate::catalogue::{Catalogue, Entry};
use crate::event::Clock;
use crate::incident::Bugs;
use crate::incident::formula::Values;
use crate::record::{Header, Kind, Machine, VERSION};

/// What to run.
#[derive(Debug, Clone)]
pub struct Spec {
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
}

/// How fast virtual time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Speed {
    /// This many virtual seconds a second.
    Times(f64),
    /// As fast as it goes.
    #[default]
    Max,
}

impl Spec {
    /// The incident's own run: first variant against last.
    ///
    /// # Errors
    ///
    /// When the path of this program is not known.
    pub fn new(entry: &'static Entry) -> anyhow::Result<Self> {
        Ok(Self {
            entry,
            variants: vec!["broken".to_owned(), "fixed".to_owned()],
            rate_per_s: entry.manifest.load.rate_per_s,
            seed: 1,
            params: BTreeMap::new(),
            duration: None,
            console: false,
            clock: Clock::Live,
            time_lapse: TimeLapse::default(),
            program: std::env::current_exe()?,
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
            ..Self::new(catalogue.find(&header.incident)?)?
        })
    }

    /// Requests that may be in flight at once, over all lanes.
    pub(super) fn in_flight(&self, rate_per_s: f64) -> f64 {
        let timeout_s = self.entry.manifest.load.client_timeout_ms as f64 / 1000.0;
        rate_per_s * timeout_s * self.variants.len() as f64
    }

    /// What formulas may use in this run: its rate and parameters, and the theory's `t` = 0.
    pub fn values(&self) -> Values {
        let mut values = self.entry.manifest.formula_values();
        values.extend(self.params.clone());
        values.insert("rate_per_s".to_owned(), self.rate_per_s);
        values
    }

    /// The manifest's parameters with this run's values.
    pub fn params(&self) -> BTreeMap<String, f64> {
        let manifest = self.entry.manifest.params.iter();
        let mut params: BTreeMap<String, f64> =
            manifest.map(|(name, param)| (name.clone(), param.value)).collect();
        params.extend(self.params.clone());
        params
    }

    /// The command line of a virtual lane's child.
    pub(super) fn replay_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "replay".to_owned(),
            self.entry.manifest.id.clone(),
            "--rate".to_owned(),
            self.rate_per_s.to_string(),
            "--seed".to_owned(),
            self.seed.to_string(),
        ];
        if self.time_lapse.watched {
            arguments.push("--watched".to_owned());
        }
        arguments
    }

    /// The command line of a live lane's child. Every lane gets the run's seed, so that lanes differ in
    /// code only.
    pub(super) fn arguments(
        &self,
        bugs: &Bugs,
        params: &BTreeMap<String, f64>,
        console: bool,
    ) -> Vec<String> {
        let cap_bytes = self.entry.manifest.memory.cap_bytes();
        let mut arguments = vec![
            "serve".to_owned(),
            "--supervised".to_owned(),
            "--bugs".to_owned(),
            bugs_argument(bugs),
            "--seed".to_owned(),
            self.seed.to_string(),
            // The second line of defence stands above the supervisor's cap.
            "--heap-limit".to_owned(),
            (cap_bytes + cap_bytes / 4).to_string(),
        ];
        for (name, value) in params {
            arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        if console {
            arguments.push("--console".to_owned());
        }
        arguments
    }
}

/// Bugs as one argument: `a=x,b=y`.
fn bugs_argument(bugs: &Bugs) -> String {
    let each: Vec<String> = bugs.iter().map(|(id, variant)| format!("{id}={variant}")).collect();
    each.join(",")
}
