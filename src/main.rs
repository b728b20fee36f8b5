//! The program: parse, dispatch, exit status.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use firedrill::cli::Cli;
use firedrill::commands;
use firedrill::notice::note;
use firedrill::run::signals::Termination;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(error),
    };
    match commands::dispatch(cli) {
        Ok(code) => code,
        // The reader of our output has left; that is not an error.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Who ended it knows that it has ended.
            if let Some(signal) = error.downcast_ref::<Termination>() {
                return (*signal).into();
            }
            note(&format!("firedrill: {error:#}"));
            ExitCode::from(commands::USAGE)
        }
    }
}

/// Says what was typed wrongly, and what there is to type where an incident is missing.
fn refused(mut error: clap::Error) -> ExitCode {
    // No command here takes a value that looks like an option.
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested)
        && tips.iter().any(|tip| tip.to_string().contains("as a value"))
    {
        error.remove(ContextKind::Suggested);
    }
    if error.print().is_err() {
        // Nobody is there to be told.
        return ExitCode::from(commands::USAGE);
    }
    let wants_incident = error.kind() == ErrorKind::MissingRequiredArgument
        && error.to_string().contains("<INCIDENT>");
    if wants_incident && let Ok(catalogue) = firedrill::pack::catalogue() {
        note("\nThe incidents (`firedrill list` describes them):");
        catalogue.ids().for_each(|id| note(&format!("  {id}")));
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
