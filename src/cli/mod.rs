//! The command line: what can be typed, and what it stands for.

pub(crate) mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Parser, Subcommand};

use crate::exercise;
use crate::remembered::Theme;
use crate::run::Spec;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::child::serve;
use firedrill_core::event::{Begin, Clock};
use firedrill_core::experiment::{Experiment, Faults};
use firedrill_core::incident::Unknown;
use firedrill_core::incident::chain::slot_names;
use firedrill_core::incident::exercise::YOURS;
use firedrill_core::incident::manifest::Param;
use firedrill_core::incident::manifest::{MAX_RATE_PER_S, rate_allowed};
use firedrill_core::incident::params;
use firedrill_core::service::base_chain;

use values::{assignments, bugs, clock, duration, faster, rate, recording, size};

/// Replays real outages on your own machine, the broken server beside the fixed one.
///
/// Without a command: the terminal, with all incidents to choose from.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// The colours of the screen; remembered [default: dark, or what was chosen last]
    #[arg(long, value_name = "THEME", global = true)]
    pub theme: Option<Theme>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open the lab of one incident in the terminal
    Lab(LabOptions),
    /// Take the guided walk of an incident: it asks, the run shows, it explains
    Walk(WalkOptions),
    /// Fix an incident yourself: a package to edit, built and judged under load each time it is saved
    ///
    /// The package is a folder of the incident's name in the current directory; what it is built with stands
    /// beside it, in .firedrill. It needs cargo; the network only for the first build. Without a terminal,
    /// or with --once: one build, one verdict; exit status 0: it holds, 1: it does not.
    Try(TryOptions),
    /// Tell which incidents you have walked, predicted and fixed, and with which help
    Progress(ProgressOptions),
    /// Print what Prometheus needs to look at the lanes that run, in the lab or without a screen
    Metrics(MetricsOptions),
    /// Play a recording in the terminal
    View {
        /// The recording, from `--record` or the lab's key `w`
        file: PathBuf,
    },
    /// Turn a recording into one self-contained HTML page
    Report {
        /// The recording, from `--record` or the lab's key `w`
        file: PathBuf,
        /// The page, or - for standard output [default: the recording's name, with .html]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the incidents
    List {
        /// As JSON, with everything
        #[arg(long)]
        json: bool,
        /// Tell what the forms of each do, which is what its walk asks
        #[arg(long)]
        answers: bool,
    },
    /// Run an incident without the screen; exit status 0: the verdict held, 1: it did not,
    /// 2: usage or environment
    Run(HeadlessOptions),
    /// Serve the service alone, for curl, wrk and tokio-console
    ///
    /// Its routes: POST /orders (any body), GET /orders/7, GET /healthz, GET /metrics. All but the
    /// last two want the header `authorization: Bearer demo-token`. With the bug missing-recover on
    /// there is POST /coupons too (`content-type: application/json`; percent, email).
    ///
    /// Events go out on standard output, commands come in on standard input, a JSON object a
    /// line: `{"command":"set_bugs","bugs":{"pool-leak":"broken"}}` or
    /// `{"command":"set_param","name":"store_ms","value":50}`. The end of standard input ends it;
    /// at a terminal, Ctrl-C does. In the background of a script, keep its input open:
    /// `sleep 600 | firedrill serve --port 8080 &`.
    Serve(ServeOptions),
    #[cfg(feature = "book")]
    /// Read the book that was built, in a browser, with a way from its charts into the lab
    Book {
        /// The book [default: target/book, or book/book]
        folder: Option<PathBuf>,
        /// The port on 127.0.0.1 [default: one that is free]
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,
        /// Open no browser
        #[arg(long)]
        no_open: bool,
    },
    #[cfg(feature = "book")]
    /// Resolve what a book's chapters ask for: a preprocessor, which mdBook calls
    #[command(name = "mdbook")]
    Mdbook {
        /// `supports`, where mdBook asks whether a renderer is supported
        #[arg(value_parser = ["supports"], requires = "renderer")]
        command: Option<String>,
        /// The renderer
        renderer: Option<String>,
    },
    /// Be a lane's child, as the first line of standard input says
    #[command(hide = true)]
    Child,
    /// Run a program that ends when whoever started this ends
    #[command(hide = true)]
    Attend {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Check that incidents are what their manifests say, on many seeds of the virtual clock and
    /// live; exit status 0: they are, 1: they are not
    Check(CheckOptions),
    /// For authors: write the folder of a new incident, like that of another
    New {
        /// The new incident, such as slow-disk
        id: String,
        /// The incident whose folder is copied
        #[arg(long, value_name = "ID")]
        like: String,
    },
    /// Tell what this machine can and cannot do
    Doctor,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    Man,
    /// Draw the lab of a real run as an SVG picture, on standard output
    Picture {
        /// The incident, as `firedrill list` names it
        incident: String,
        /// Lanes, load, parameters
        #[command(flatten)]
        options: RunOptions,
        /// When to take the picture
        #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
        at: Duration,
        /// Columns and rows of the terminal
        #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size)]
        size: (u16, u16),
    },
}

/// What `lab` takes.
#[derive(Debug, Args)]
pub struct LabOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Lanes, load, parameters
    #[command(flatten)]
    pub options: RunOptions,
    /// Start the lanes with tokio-console's instruments
    #[arg(long)]
    pub console: bool,
    /// Record the run, for `firedrill view` and `firedrill report`, in place of a recording that
    /// the file holds
    #[arg(long, value_name = "FILE", value_parser = recording)]
    pub record: Option<PathBuf>,
}

/// What `walk` takes: with another load or other parameters it asks the same, and has other answers.
#[derive(Debug, Args)]
pub struct WalkOptions {
    /// The incident, as `firedrill list` names it
    incident: String,
    /// Requests a second, to each lane, from 1 to 5000 [default: the incident's own]
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Give a parameter of the incident another value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Let what takes time pass so many times as fast, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = faster)]
    pub faster: f64,
}

/// What `try` takes.
#[derive(Debug, Args)]
pub struct TryOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Instead of the exercise itself
    pub what: Option<What>,
    /// The package [default: the incident's name, in the current directory]
    #[arg(long, value_name = "PATH")]
    pub folder: Option<PathBuf>,
    /// Build and judge once
    #[arg(long)]
    pub once: bool,
}

/// What `metrics` takes.
#[derive(Debug, Args)]
pub struct MetricsOptions {
    /// Instead: the alerting rules, one for each incident
    #[arg(long, conflicts_with = "dashboard")]
    pub rules: bool,
    /// Instead: the dashboard, for Grafana to import
    #[arg(long)]
    pub dashboard: bool,
    /// Have the configuration load rules from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "dashboard"])]
    pub with_rules: Option<PathBuf>,
}

/// What `progress` takes.
#[derive(Debug, Args)]
pub struct ProgressOptions {
    /// Instead of telling
    pub what: Option<Forget>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Forget {
    /// Forget it; the file is kept under another name
    Reset,
}

/// What to do with an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Lay it out anew; what you wrote is kept under another name
    Reset,
    /// Print our solution, which builds in the exercise's place
    Solution,
}

impl WalkOptions {
    /// What was asked for, checked against the catalogue.
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
            bail!("{incident} has no guided walk yet; there is one of {}", with.join(", "));
        }
        Ok(spec)
    }
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct HeadlessOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Lanes, load, parameters
    #[command(flatten)]
    pub options: RunOptions,
    /// How long, such as 20s or 2min, from 1s to 1h [default: the incident's own]
    #[arg(long = "for", value_name = "TIME", value_parser = duration, allow_negative_numbers = true)]
    pub duration: Option<Duration>,
    /// Record the run, for `firedrill view` and `firedrill report`, in place of a recording that
    /// the file holds
    #[arg(long, value_name = "FILE", value_parser = recording)]
    pub record: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The incident, as `firedrill list` names it [default: all]
    pub incident: Option<String>,
    /// Seeds on the virtual clock: 1 to N
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// Without the live run
    #[arg(long)]
    pub skip_live: bool,
}

/// What `lab`, `run` and `picture` share.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// One to four lanes, each a variant of the incident [default: broken,fixed]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    variants: Vec<String>,
    /// Your own code in a lane, `yours`: the package of an exercise, or a program that speaks a lane's
    /// events [default lanes then: yours,fixed]
    #[arg(long, value_name = "PATH")]
    with: Option<PathBuf>,
    /// Requests a second, to each lane, from 1 to 5000 [default: the incident's own]
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Seed of the arrivals and of what the servers draw at random
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Give a parameter of the incident another value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Inject faults on purpose, and tell how stable the lanes were: latency=100..2000ms@10%,
    /// error=500@5%; with `,marked` only in requests with the header x-chaos, with `,most=N` in so
    /// many at once at most; may be repeated
    #[arg(long, value_name = "FAULT")]
    chaos: Vec<Faults>,
    /// When the faults begin, such as 8s [default: 5 s after the release]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "chaos")]
    chaos_from: Option<Duration>,
    /// How long they last
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s", requires = "chaos")]
    chaos_for: Duration,
    /// live: real processes and sockets; virtual: time-lapse, the same to the last byte each time
    #[arg(long, value_name = "CLOCK", default_value = "live", value_parser = clock)]
    clock: Clock,
}

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Bugs that are on, each in its broken form unless a variant is named
    #[arg(long, value_name = "ID[=VARIANT],…", default_value = "")]
    bugs: String,
    /// TCP port on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Let tokio-console look in
    #[arg(long)]
    console: bool,
    /// Give a parameter another value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Switch slots of the chain off, such as log,auth
    #[arg(long, value_name = "SLOT,…", value_delimiter = ',')]
    without: Vec<String>,
    /// Abort when the heap grows beyond this many bytes
    #[arg(long, value_name = "BYTES")]
    heap_limit: Option<u64>,
    /// Seed of what the server draws at random
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// Serve without telemetry and samples, for benchmarks
    #[arg(long, hide = true)]
    bare: bool,
}

impl RunOptions {
    /// What was asked for, checked against the incident.
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
        let known = &entry.manifest.params;
        for (name, value) in assignments(&self.params)? {
            let own = || params::find(&name).map(Param::of_service);
            let Some(param) = known.get(&name).cloned().or_else(own) else {
                let service = params::ALL.iter().map(|param| param.name);
                let known = known.keys().map(String::as_str).chain(service);
                bail!(Unknown::new("parameter", &name, known));
            };
            param.check(&name, value)?;
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
    /// What was asked for, checked against the catalogue.
    ///
    /// # Errors
    ///
    /// When a bug, a variant or a parameter is not known, or a value is out of its range.
    pub fn settings(&self, catalogue: &Catalogue) -> anyhow::Result<serve::Settings> {
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
        let begin = Begin {
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
        Ok(serve::Settings { begin, port: self.port, bare: self.bare, supervised: false })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
