//! `firedrill picture`: the lab of a real run as an SVG picture.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;

use super::{OUTPUT, runtime};
use crate::cli::RunOptions;
use crate::tui::picture;

/// Prints the picture of a run at a time.
///
/// # Errors
///
/// When an option is wrong or the run cannot start.
pub fn take(
    catalogue: &'static Catalogue,
    (incident, options): (&str, &RunOptions),
    at: Duration,
    size: (u16, u16),
) -> anyhow::Result<ExitCode> {
    let mut spec = options.spec(catalogue, incident)?;
    spec.case.plan.set_duration(at);
    let svg = runtime()?.block_on(picture::take(catalogue, spec, size))?;
    io::stdout().write_all(svg.as_bytes()).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}
