//! Commands, one module each.
//!
//! * [`lab`]: the terminal: catalogue, lab, recordings
//! * [`attempt`]: "fix it yourself"
//! * [`progress`]: what was walked, predicted and fixed
//! * [`mod@run`]: a run without the screen; `progress_output`: how it goes on
//! * [`mod@report`], [`picture`]: pages and pictures of runs
//! * [`list`], [`doctor`], [`describe`]: what there is, what this machine can do, how to use it
//! * [`book`]: the book, and mdBook's preprocessor; [`class`]: its walks, for a room of learners
//! * [`join`]: a class in the terminal; [`drill`]: on-call shifts
//! * [`metrics`]: what Prometheus needs
//! * [`new`], [`check`]: an incident begun, and whether incidents are what their manifests say

pub mod attempt;
#[cfg(feature = "book")]
pub mod book;
pub mod check;
#[cfg(feature = "class")]
pub mod class;
pub mod describe;
pub mod doctor;
pub mod drill;
mod heat_map;
pub mod join;
pub mod lab;
pub mod list;
pub mod metrics;
pub mod new;
pub mod picture;
pub mod progress;
mod progress_output;
pub mod report;
pub mod run;
pub mod sweep;
mod sweep_output;

use std::process::ExitCode;

use anyhow::Context;

use firedrill_core::child::{self, Means, serve};

use crate::cli::{Cli, Verb};
use crate::run::process_group;
use crate::{heap, instruments, pack, supervise};

/// Context of errors on standard output.
const OUTPUT: &str = "cannot write to standard output";

/// Exit status: the verdict of a run, or a check, did not hold.
pub const DID_NOT_HOLD: u8 = 1;

/// Exit status: wrong usage, or an environment in which nothing can run.
pub const USAGE: u8 = 2;

/// Functions that this program provides to its child processes.
const MEANS: Means =
    Means { heap_bytes: heap::in_use_bytes, limit_heap: heap::limit, console: instruments::start };

/// Does what was typed.
///
/// # Errors
///
/// When that cannot be done; the message says why.
pub fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    if matches!(cli.verb, Some(Verb::Child)) {
        return child::be(pack::catalogue_of_a_lane()?, MEANS);
    }
    let done = carry_out(cli);
    process_group::end_strays();
    done
}

fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    let catalogue = pack::catalogue()?;
    match cli.verb {
        None => lab::choose(catalogue, cli.theme),
        Some(Verb::Lab(options)) => lab::open(catalogue, options, cli.theme),
        Some(Verb::Walk(options)) => lab::walk(catalogue, options, cli.theme),
        Some(Verb::Try(options)) => attempt::attempt(catalogue, options),
        Some(Verb::Progress(options)) => progress::progress(catalogue, &options),
        Some(Verb::Metrics(options)) => metrics::metrics(&options),
        Some(Verb::View { file }) => lab::view(catalogue, &file, cli.theme),
        Some(Verb::Picture { incident, options, at, size }) => {
            picture::take(catalogue, (&incident, &options), at, size)
        }
        Some(Verb::Report { file, output }) => report::write(catalogue, &file, output),
        Some(Verb::List { json, answers, symptom }) => {
            list::print(catalogue, (json, answers), symptom).context(OUTPUT)
        }
        Some(Verb::Run(options)) => run::run(catalogue, options),
        Some(Verb::Serve(options)) => serve::serve(catalogue, options.settings(catalogue)?, MEANS),
        Some(Verb::Child) => child::be(catalogue, MEANS),
        Some(Verb::Supervise { command }) => match command.split_first() {
            Some((program, rest)) => runtime()?.block_on(supervise::supervise(program, rest)),
            None => Ok(ExitCode::from(USAGE)),
        },
        Some(Verb::Check(options)) => check::run(catalogue, &options),
        Some(Verb::New { id, like }) => new::write(catalogue, &id, &like),
        Some(Verb::Doctor) => doctor::print(catalogue).context(OUTPUT),
        #[cfg(feature = "book")]
        Some(Verb::Book { folder, port, no_open }) => book::serve(folder, port, !no_open),
        Some(Verb::Drill(options)) => drill::drill(catalogue, options, cli.theme),
        #[cfg(feature = "class")]
        Some(Verb::Class(options)) => class::serve(catalogue, options),
        Some(Verb::Join(options)) => join::join(catalogue, options, cli.theme),
        #[cfg(feature = "book")]
        Some(Verb::Mdbook { command, renderer }) => {
            book::preprocess(catalogue, command.zip(renderer))
        }
        Some(Verb::Completions { shell }) => {
            describe::completions(catalogue, shell).context(OUTPUT)
        }
        Some(Verb::Man) => describe::manual().context(OUTPUT),
    }
}

/// The status of something that held, or did not.
fn status(held: bool) -> ExitCode {
    if held { ExitCode::SUCCESS } else { ExitCode::from(DID_NOT_HOLD) }
}

use crate::run::runtime;
