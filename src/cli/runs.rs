//! The options of commands that run lanes: `run`, `check`, `serve`, and what they share with `lab` and `picture`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::WalkOptions;
use super::values::{assignments, bugs, clock, duration, points, rate, recording, seed};
use crate::exercise;
use crate::run::Spec;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::child::serve;
use firedrill_core::event::{ChildStart, Clock};
use firedrill_core::experiment::{Experiment, Faults};
use firedrill_core::incident::Unknown;
use firedrill_core::incident::chain::slot_names;
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::incident::manifest::{MAX_RATE_PER_S, rate_allowed};
use firedrill_core::service::base_chain;

impl WalkOptions {
    /// Converts the options into a run, checked against the catalogue.
    ///
    /// # Errors
    ///
    /// When the incident or a parameter is not known, a value is out of its range, or there is no walk.
    pub fn spec(self, catalogue: &'static Catalogue) -> anyhow::Result<Spec> {
        let Self { incident, rate, params, .. } = self;
        let options = RunOptions {
            variants: Vec::new(),
            with: None,
            rate,
            seed: 1,
            params,
            clock: Clock::Virtual,
            chaos: Vec::new(),
            chaos_from: None,
            chaos_for: Duration::from_secs(5),
        };
        let spec = options.spec(catalogue, &incident)?;
        if spec.case.entry.manifest.walk.is_empty() {
            let with = catalogue.entries.iter().filter(|entry| !entry.manifest.walk.is_empty());
            let with: Vec<&str> = with.map(|entry| entry.manifest.id.as_str()).collect();
            bail!("{incident} has no guided walk; these incidents have one: {}", with.join(", "));
        }
        Ok(spec)
    }
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct HeadlessOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Lanes, load, parameters
    #[command(flatten)]
    pub options: RunOptions,
    /// Duration, such as 20s or 2min, from 1s to 1h [default: the incident's duration]
    #[arg(long = "for", value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub duration: Option<Duration>,
    /// Record the run for `firedrill view` and `firedrill report`; replaces an existing recording
    #[arg(long, value_name = "FILE", value_parser = recording)]
    pub record: Option<PathBuf>,
    /// Print the theory of each lane beside what was measured
    #[arg(long, conflicts_with_all = ["sweep", "capacity"])]
    pub theory: bool,
    /// Values of a sweep
    #[command(flatten)]
    pub many: SweepOptions,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `run` for many runs.
#[derive(Debug, Args)]
pub struct SweepOptions {
    /// Run at many values of `rate_per_s` or a parameter, in simulated time: a row for each, and the value at
    /// which each variant stops being healthy. Twice: a map of two parameters
    #[arg(long, value_name = "NAME=FROM..TO", conflicts_with_all = ["record", "chaos"])]
    pub sweep: Vec<String>,
    /// Print the highest rate at which each variant is healthy, in simulated time
    #[arg(long, conflicts_with_all = ["record", "chaos", "sweep"])]
    pub capacity: bool,
    /// Number of values of each parameter of the sweep [default: 20; of two parameters 10]
    #[arg(long, value_name = "N", requires = "sweep", value_parser = points)]
    pub points: Option<usize>,
    /// Space the values of the sweep by equal ratios
    #[arg(long, requires = "sweep")]
    pub log: bool,
    /// Print the sweep as CSV
    #[arg(long, requires = "sweep", conflicts_with = "json")]
    pub csv: bool,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The incident, as `firedrill list` names it [default: all]
    pub incident: Option<String>,
    /// Seeds in simulated time: 1 to N
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// Skip the live run
    #[arg(long)]
    pub skip_live: bool,
    /// Check the claims of an incident that has no walk and no exercise yet
    #[arg(long, requires = "incident")]
    pub draft: bool,
}

/// Options shared by `lab`, `run` and `picture`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// One to four lanes, each a variant of the incident [default: broken,fixed]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    variants: Vec<String>,
    /// Run your own code in a lane, as the variant `yours`: the package of an exercise, or a program that
    /// sends a lane's events [default lanes then: yours,fixed]
    #[arg(long, value_name = "PATH")]
    with: Option<PathBuf>,
    /// Requests per second to each lane, from 1 to 5000 [default: the incident's rate]
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Seed of the arrivals and of the servers' random numbers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Set a parameter of the incident; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Inject faults and report the stability of the lanes: latency=100..2000ms@10%, error=500@5%;
    /// `,marked` limits them to requests with the header x-chaos, `,most=N` to N at once; may be
    /// repeated
    #[arg(long, value_name = "FAULT")]
    chaos: Vec<Faults>,
    /// Start of the faults, such as 8s [default: 5 s after the release]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "chaos")]
    chaos_from: Option<Duration>,
    /// Duration of the faults
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s", requires = "chaos")]
    chaos_for: Duration,
    /// live: real processes and sockets; virtual: simulated time, identical bytes for the same seed
    #[arg(long, value_name = "CLOCK", default_value = "live", value_parser = clock)]
    clock: Clock,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Bugs to switch on, as `broken` unless a variant is given
    #[arg(long, value_name = "ID[=VARIANT],…", default_value = "")]
    bugs: String,
    /// TCP port on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Instrument for tokio-console
    #[arg(long)]
    console: bool,
    /// Set a parameter; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Switch off middleware slots, such as log,auth
    #[arg(long, value_name = "SLOT,…", value_delimiter = ',')]
    without: Vec<String>,
    /// Abort when the heap grows beyond this many bytes
    #[arg(long, value_name = "BYTES")]
    heap_limit: Option<u64>,
    /// Seed of the server's random numbers
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Serve without telemetry and samples, for benchmarks
    #[arg(long, hide = true)]
    bare: bool,
}

impl RunOptions {
    /// True if the options name a request rate.
    pub fn names_rate(&self) -> bool {
        self.rate.is_some()
    }

    /// Converts the options into a run, checked against the incident.
    ///
    /// # Errors
    ///
    /// When a variant or a parameter is not known, or a value is out of its range.
    pub fn spec(&self, catalogue: &'static Catalogue, incident: &str) -> anyhow::Result<Spec> {
        let entry = catalogue.find(incident)?;
        let mut spec = Spec::of(catalogue, entry)?;
        if let Some(path) = &self.with {
            spec.venue.yours = Some(exercise::learner(catalogue, entry, path)?);
            spec.case.plan.variants = [YOURS, "fixed"].map(str::to_owned).into();
        }
        if !self.variants.is_empty() {
            if self.variants.len() > 4 {
                bail!("--variants names {} lanes; a run has one to four", self.variants.len());
            }
            for variant in &self.variants {
                entry.known_variant(variant)?;
            }
            spec.case.plan.variants.clone_from(&self.variants);
        }
        if let Some(rate_per_s) = self.rate {
            if !rate_allowed(rate_per_s) {
                bail!(
                    "--rate {rate_per_s} is out of range: 1 to {MAX_RATE_PER_S} requests a second"
                );
            }
            spec.case.plan.rate_per_s = rate_per_s;
        }
        spec.case.plan.seed = self.seed;
        spec.case.plan.clock = self.clock;
        for (name, value) in assignments(&self.params)? {
            entry.param(&name)?.check(&name, value)?;
            spec.case.plan.params.insert(name, value);
        }
        let mut chaos = self.chaos.iter().cloned();
        let faults = match chaos.next() {
            Some(first) => Some(chaos.try_fold(first, Faults::and)?),
            None => None,
        };
        spec.case.plan.experiment = faults.map(|faults| {
            let own_s = entry.manifest.release_s() + 5.0;
            let from_s = self.chaos_from.map_or(own_s, |from| from.as_secs_f64());
            Experiment { faults, from_s, to_s: from_s + self.chaos_for.as_secs_f64() }
        });
        Ok(spec)
    }
}

impl ServeOptions {
    /// Converts the options into a run, checked against the catalogue.
    ///
    /// # Errors
    ///
    /// When a bug, a variant or a parameter is not known, or a value is out of its range.
    pub fn settings(&self, catalogue: &Catalogue) -> anyhow::Result<serve::ServeSettings> {
        let in_play = bugs(catalogue, &self.bugs)?;
        // Parameters of the incidents whose bugs are on take their manifests' values.
        let entries = catalogue.entries.iter().filter(|e| in_play.contains_key(&e.manifest.id));
        let own = entries.flat_map(|entry| &entry.manifest.params);
        let mut params: BTreeMap<String, f64> =
            own.map(|(name, param)| (name.clone(), param.value)).collect();
        for (name, value) in assignments(&self.params)? {
            catalogue.param(&name)?.check(&name, value)?;
            params.insert(name, value);
        }
        catalogue.chain(base_chain(), &in_play)?;
        for slot in &self.without {
            if !slot_names().any(|known| known == slot) {
                bail!(Unknown::new("slot", slot, slot_names()));
            }
        }
        let begin = ChildStart {
            clock: Clock::Live,
            incident: String::new(),
            variant: String::new(),
            rate_per_s: 0.0,
            seed: self.seed,
            instance: 0,
            in_play,
            without: self.without.clone(),
            params,
            console: self.console,
            watched: false,
            heap_limit_bytes: self.heap_limit,
            steers: false,
            manifests: None,
        };
        Ok(serve::ServeSettings { begin, port: self.port, bare: self.bare, supervised: false })
    }
}
