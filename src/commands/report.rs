//! `firedrill report`: a recording as one self-contained page.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::page::{self, PageData};

use super::OUTPUT;
use super::lab::opened;
use crate::files::replace::{Beside, CannotReplace};
use crate::notice::note;

/// Writes the page of a recording beside it, or to `output`; `-` is standard input and output.
///
/// # Errors
///
/// When the recording cannot be read, the page cannot be written, or something else stands there.
pub fn write(
    catalogue: &'static Catalogue,
    file: &Path,
    output: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let opened = opened(catalogue, file)?;
    let mut told = PageData::new(&opened.spec.case.entry.manifest, opened.header());
    let (spec, header, faults) = opened.scanned(|_, event| told.push(event))?;
    let render = || page::render(&spec.case, &header, &told, &faults);
    let stream = Path::new("-");
    let beside = || if file == stream { file.to_owned() } else { file.with_extension("html") };
    let output = output.unwrap_or_else(beside);
    if output == stream {
        io::stdout().write_all(render().as_bytes()).context(OUTPUT)?;
        return Ok(ExitCode::SUCCESS);
    }
    let place = || -> Result<(), CannotReplace> {
        let mut page = Beside::create(&output, page::replaceable)?;
        page.file().write_all(render().as_bytes())?;
        Ok(page.take_place()?)
    };
    place().with_context(|| format!("cannot write {}", output.display()))?;
    for line in faults.lines() {
        note(&line);
    }
    writeln!(io::stdout(), "{}", output.display()).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}
