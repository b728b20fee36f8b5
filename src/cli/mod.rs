//! The command line: options, and their conversion into a run.
//!
//! * `runs`: the options of commands that run lanes; `values`: the values that can be typed

mod runs;
pub(crate) mod values;

pub use runs::{CheckOptions, HeadlessOptions, RunOptions, ServeOptions, SweepOptions};

use std::ffi::OsString;
#[cfg(feature = "class")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::user_state::Theme;
use firedrill_core::event::Clock;
use firedrill_core::incident::manifest::Symptom;

use values::{clock, draft, duration, faster, rate, recording, seed, seeds, size, symptom};

/// Learn outages by running them: a broken and a fixed server side by side, under the same load.
///
/// Without a command, firedrill opens the terminal with all incidents.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// Command.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Colour theme of the screen; remembered [default: auto, or the last choice]
    #[arg(long, value_name = "THEME", global = true)]
    pub theme: Option<Theme>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Open the lab of one incident in the terminal
    Lab(LabOptions),
    /// Take the guided walk of an incident: predict, run, explain
    Walk(WalkOptions),
    /// Fix an incident yourself: a package to edit, built and checked under load on every save
    ///
    /// The package is a folder with the incident's name in the current directory; the build folder .firedrill is
    /// beside it. It needs cargo, and the network for the first build only. Without a terminal, or with --once:
    /// one build, one verdict; exit status 0 if the fix holds, 1 if it does not.
    Try(TryOptions),
    /// Show the walks and exercises you have finished, and the hints you used
    Progress(ProgressOptions),
    /// Print a Prometheus configuration, alerting rules or a Grafana dashboard for running lanes
    Metrics(MetricsOptions),
    /// Play a recording in the terminal
    View {
        /// The recording, from `--record` or the lab's key `S`; - for standard input
        file: PathBuf,
    },
    /// Convert a recording to one self-contained HTML page
    Report {
        /// The recording, from `--record` or the lab's key `S`; - for standard input
        file: PathBuf,
        /// The page, or - for standard output [default: the recording's name with .html]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the incidents
    List {
        /// Print JSON with all fields
        #[arg(long)]
        json: bool,
        /// Include the variants; this gives away the answers of the walks
        #[arg(long)]
        answers: bool,
        /// Those alone that begin with this symptom: slow, down, wrong, leak, security
        #[arg(long, value_name = "SYMPTOM", value_parser = symptom())]
        symptom: Option<Symptom>,
    },
    /// Run an incident without a screen; exit status 0: the claims held, 1: they did not,
    /// 2: usage or environment
    Run(HeadlessOptions),
    /// Run one server without load, for curl, wrk and tokio-console
    ///
    /// Routes: POST /orders (any body), GET /orders/7, GET /healthz, GET /metrics. All except the
    /// last two need the header `authorization: Bearer demo-token`. With the bug missing-recover on
    /// there is also POST /coupons (`content-type: application/json`; percent, email).
    ///
    /// Events are written to standard output, commands are read from standard input, one JSON object
    /// per line: `{"command":"set_bugs","bugs":{"pool-leak":"broken"}}` or
    /// `{"command":"set_param","name":"store_ms","value":50}`. The end of standard input ends the server;
    /// at a terminal, Ctrl-C does. In the background of a script, keep its input open:
    /// `sleep 600 | firedrill serve --port 8080 &`.
    Serve(ServeOptions),
    #[cfg(feature = "book")]
    /// Open the built book in a browser, with buttons that open the lab
    Book {
        /// Folder of the book [default: target/book, or book/book]
        folder: Option<PathBuf>,
        /// Port on 127.0.0.1 [default: a free one]
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        port: u16,
        /// Do not open a browser
        #[arg(long)]
        no_open: bool,
    },
    /// Take an on-call shift: an unknown outage of a running service, a page, and a score
    ///
    /// Something goes wrong, or nothing does. You look at the service, act on it, and name the cause; each look and each
    /// action takes time. The debrief shows the cause, and what an expert would have done.
    Drill(DrillOptions),
    #[cfg(feature = "class")]
    /// Lead a class: learners take the walks in their browsers, vote, and follow your step
    ///
    /// It serves the walks of the built book to your network until Ctrl-C. Learners open the address that it prints
    /// and type the join code; nothing is installed. Plain HTTP: use it in a network that you trust.
    Class(ClassOptions),
    /// Join a class in the terminal, in place of a browser
    ///
    /// The walk follows the presenter's step; answers are votes while a vote is open. A second start with the same
    /// address and code comes back as the same learner.
    Join(JoinOptions),
    #[cfg(feature = "book")]
    /// mdBook preprocessor: resolve the directives of a book's chapters
    #[command(name = "mdbook")]
    Mdbook {
        /// `supports`: mdBook's question about a renderer
        #[arg(value_parser = ["supports"], requires = "renderer")]
        command: Option<String>,
        /// The renderer
        renderer: Option<String>,
    },
    /// Run as the child process of a lane, described by the first line of standard input
    #[command(hide = true)]
    Child,
    /// Run a program that ends when the parent of this process ends
    #[command(hide = true)]
    Supervise {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Check incidents against their manifests, on many seeds in simulated time and live;
    /// exit status 0: all claims hold, 1: some do not
    Check(CheckOptions),
    /// For authors: create the folder of a new incident as a copy of another one
    New {
        /// The new incident's id, such as slow-disk
        id: String,
        /// The incident to copy
        #[arg(long, value_name = "ID")]
        like: String,
    },
    /// Print what this machine can and cannot do
    Doctor,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    Man,
    /// Draw the lab of a run as an SVG picture, on standard output
    Picture {
        /// The incident, as `firedrill list` names it
        incident: String,
        /// Lanes, load, parameters
        #[command(flatten)]
        options: RunOptions,
        /// Time of the picture
        #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
        at: Duration,
        /// Columns and rows of the terminal
        #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size)]
        size: (u16, u16),
    },
}

/// Options of `lab`.
#[derive(Debug, Args)]
pub struct LabOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Lanes, load, parameters
    #[command(flatten)]
    pub options: RunOptions,
    /// Start the lanes instrumented for tokio-console
    #[arg(long)]
    pub console: bool,
    /// Record the run for `firedrill view` and `firedrill report`; replaces an existing recording
    #[arg(long, value_name = "FILE", value_parser = recording)]
    pub record: Option<PathBuf>,
}

/// Options of `walk`: another load or other parameters change the answers, not the questions.
#[derive(Debug, Args)]
pub struct WalkOptions {
    /// The incident, as `firedrill list` names it
    incident: String,
    /// Requests per second to each lane, from 1 to 5000 [default: the incident's rate]
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Set a parameter of the incident; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Play waits this many times faster, from 1 to 100
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = faster)]
    pub faster: f64,
}

/// Options of `try`.
#[derive(Debug, Args)]
pub struct TryOptions {
    /// The incident, as `firedrill list` names it
    pub incident: String,
    /// Action in place of the exercise
    pub what: Option<ExerciseAction>,
    /// Folder of the package [default: the incident's name in the current directory]
    #[arg(long, value_name = "PATH")]
    pub folder: Option<PathBuf>,
    /// Build and check once
    #[arg(long)]
    pub once: bool,
}

/// Options of `drill`.
#[derive(Debug, Args)]
pub struct DrillOptions {
    /// Level: 1 the outage alone, 2 with harmless changes beside it, 3 with two faults at once
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub level: u8,
    /// Seed of the shift: the same seed is the same outage [default: another one each time]
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Draw the outage from these incidents, separated by commas [default: all]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub of: Vec<String>,
    /// Clock: live, or virtual, where time passes only while you act or wait
    #[arg(long, value_name = "CLOCK", default_value = "live", value_parser = clock)]
    pub clock: Clock,
    /// Take the shift of today: the same outage for everybody
    #[arg(long, conflicts_with_all = ["seed", "level", "of"])]
    pub daily: bool,
    /// Write a draft of a post-mortem to this file, and the recording beside it
    #[arg(long, value_name = "FILE", value_parser = draft)]
    pub export: Option<PathBuf>,
    /// Let a program take the shift: JSON lines on its standard input and output; exit status 1 if it left before the
    /// end
    #[arg(long, value_name = "COMMAND")]
    pub auto: Option<String>,
    /// Let it take the shifts of these seeds, such as 1..50
    #[arg(long, value_name = "FROM..TO", requires = "auto", conflicts_with_all = ["seed", "daily", "export"], value_parser = seeds)]
    pub seeds: Option<std::ops::RangeInclusive<u64>>,
    /// Print JSON, with --auto or --history
    #[arg(long)]
    pub json: bool,
    /// Print your shifts so far
    #[arg(long, conflicts_with_all = ["auto", "daily", "export", "of", "seed"])]
    pub history: bool,
}

/// Options of `class`.
#[cfg(feature = "class")]
#[derive(Debug, Args)]
pub struct ClassOptions {
    /// Address and port to listen on, such as 127.0.0.1:7380 for this machine alone
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:7380")]
    pub listen: SocketAddr,
    /// Incidents to offer, as `firedrill list` names them, separated by commas [default: all]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub incidents: Vec<String>,
    /// Folder of the book [default: target/book, or book/book]
    #[arg(long, value_name = "FOLDER")]
    pub book: Option<PathBuf>,
    /// File of the class: a later start with the same file resumes it [default: in the state folder]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Begin a new class; an earlier one in the same file is moved aside
    #[arg(long)]
    pub new: bool,
}

/// Options of `join`.
#[derive(Debug, Args)]
pub struct JoinOptions {
    /// Address of the class, as `firedrill class` prints it
    #[arg(value_name = "URL")]
    pub address: String,
    /// The join code, unless the address has it
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Nickname for the presenter's list [default: asked for]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// Options of `metrics`.
#[derive(Debug, Args)]
pub struct MetricsOptions {
    /// Print the alerting rules, one per incident
    #[arg(long, conflicts_with = "dashboard")]
    pub rules: bool,
    /// Print the dashboard for Grafana
    #[arg(long)]
    pub dashboard: bool,
    /// Load rules from this file in the configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "dashboard"])]
    pub with_rules: Option<PathBuf>,
}

/// Options of `progress`.
#[derive(Debug, Args)]
pub struct ProgressOptions {
    /// Action in place of the overview
    pub what: Option<Forget>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Actions on the saved progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Forget {
    /// Reset it; the old file is kept under another name
    Reset,
}

/// Actions on an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExerciseAction {
    /// Create the package again; your version is kept under another name
    Reset,
    /// Print our solution; it builds in place of exercise.rs
    Solution,
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
