//! "Fix it yourself": a learner's package, built and judged each time it is saved.
//!
//! * [`package`]: the folder that a learner works in: laid out, checked, put back
//! * `core_copy`: what packages are built with, beside them
//! * [`build`]: from that folder to a program
//! * [`trial`]: loads that are not on the screen, and what happened under one
//! * [`judge`]: what the claims of `fixed` amount to under several of them
//! * [`output`]: the verdict, for people
//! * [`session`]: the loop: save, build, judge, hint
//!
//! What a learner wrote never runs in this process: it is another lane's child.

pub mod build;
mod core_copy;
pub mod judge;
pub mod output;
pub mod package;
pub mod session;
pub mod trial;

use std::path::Path;

use anyhow::{Context, bail};
use firedrill_core::catalogue::{Catalogue, CatalogueEntry};

use crate::run::process_group;
use crate::run::signals::{Termination, terminations};
use crate::run::spec::Learner;

/// Prepares a learner's code for a lane of its own: builds their package, or takes a program that sends a lane's
/// events.
///
/// # Errors
///
/// When there is nothing, it is another incident's, or it does not build.
pub fn learner(
    catalogue: &'static Catalogue,
    entry: &'static CatalogueEntry,
    path: &Path,
) -> anyhow::Result<Learner> {
    process_group::adopt();
    if path.is_file() {
        // Relative to where it was typed, not to where a lane runs.
        let program = path.canonicalize().with_context(|| path.display().to_string())?;
        return Ok(Learner::of(program));
    }
    let id = &entry.manifest.id;
    if !path.is_dir() {
        bail!(
            "{} does not exist: expected a package that `firedrill try {id}` created, or a program",
            path.display()
        );
    }
    let package = package::Package::new(catalogue, entry, path.to_owned())?;
    package.check()?;
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let building = build::build(path, colours, |bytes| {
        // For people; where nobody reads there is nobody to tell.
        std::io::Write::write_all(&mut std::io::stderr(), bytes).ok();
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let built = runtime.block_on(async {
        let mut ends = terminations(process_group::end_strays)?;
        tokio::select! {
            built = building => built,
            signal = ends.recv() => Err(signal.unwrap_or(Termination::HungUp).into()),
        }
    });
    let program = match built? {
        build::Built::Program(program) => program,
        build::Built::Refused => bail!("{} does not build", path.display()),
        build::Built::Elsewhere(why) => bail!("{} was not built: {why}", path.display()),
    };
    let exercise = package.exercise();
    let written = crate::files::read_text(&exercise);
    let written = written.with_context(|| exercise.display().to_string())?;
    // Read once, and shown for as long as the program runs.
    Ok(Learner { program, source: Some((written.leak(), exercise)) })
}
