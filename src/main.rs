//! The program: parse, dispatch, exit status.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use firedrill::catalogue::Catalogue;
use firedrill::cli::{Cli, Command};
use firedrill::note::note;
use firedrill::run::Spec;
use firedrill::tui::{event_loop, picture};
use firedrill::{doctor, headless, list, serve};

/// The verdict of a run did not hold.
const DID_NOT_HOLD: u8 = 1;

/// Wrong usage, or an environment in which nothing can run.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        // Whoever read our output has left; that is their right and no error of ours.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("firedrill: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::load().map_err(anyhow::Error::msg)?;
    match cli.command {
        None => runtime()?.block_on(event_loop::run(catalogue, None)),
        Some(Command::Lab { incident, options, console }) => {
            let spec = Spec { console, ..options.spec(catalogue.find(&incident)?)? };
            runtime()?.block_on(event_loop::run(catalogue, Some(spec)))
        }
        Some(Command::Picture { incident, options, at, size }) => {
            let spec = Spec { duration: Some(at), ..options.spec(catalogue.find(&incident)?)? };
            let svg = runtime()?.block_on(picture::take(catalogue, spec, size))?;
            io::stdout().write_all(svg.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::List { json }) => {
            list::print(catalogue, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Run { incident, options, duration, json }) => {
            let entry = catalogue.find(&incident)?;
            let default = Duration::from_secs_f64(entry.manifest.duration_s);
            let spec = Spec { duration: Some(duration.unwrap_or(default)), ..options.spec(entry)? };
            let report = runtime()?.block_on(headless::run(spec))?;
            headless::print(&report, json)?;
            let held = report.verdict.holds;
            Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(DID_NOT_HOLD) })
        }
        Some(Command::Serve(options)) => serve::serve(options.settings(catalogue)?),
        Some(Command::Doctor) => {
            let can_run = doctor::print(catalogue)?;
            Ok(if can_run { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "firedrill", &mut script);
            io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            io::stdout().write_all(&page)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
