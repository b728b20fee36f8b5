//! Steers the release of a live lane: the instances come in on standard input, a line at each sample,
//! and orders go out.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use crate::catalogue::Catalogue;
use crate::event::ChildStart;
use crate::incident::fleet::{Fleet, Ordered};
use anyhow::Context;

/// Answers until the input ends.
///
/// # Errors
///
/// When the variant has no code that steers, or a line cannot be read or written.
pub fn steer(
    catalogue: &Catalogue,
    begin: &ChildStart,
    input: impl BufRead,
) -> anyhow::Result<ExitCode> {
    let variant = catalogue.find(&begin.incident)?.known_variant(&begin.variant)?;
    let steer = variant.steer.context("the variant has no code that steers a release")?;
    let mut out = std::io::stdout().lock();
    for line in input.lines() {
        let fleet: Fleet = serde_json::from_str(&line?)?;
        if let Some(order) = steer(&fleet) {
            serde_json::to_writer(&mut out, &Ordered { after: fleet.orders, order })?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
