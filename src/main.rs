//! The program: parse, dispatch, exit status.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use firedrill::cli::{Cli, note};
use firedrill::commands;

fn main() -> ExitCode {
    match commands::dispatch(Cli::parse()) {
        Ok(code) => code,
        // Whoever read our output has left; that is their right and no error of ours.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("firedrill: {error:#}"));
            ExitCode::from(commands::USAGE)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
