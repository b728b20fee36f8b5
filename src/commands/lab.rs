//! `firedrill`, `firedrill lab`, `firedrill view`: the terminal.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event};
use firedrill_core::record::{self, Faults, Header, Recording};
use firedrill_core::script::Speed;

use super::runtime;
use crate::cli::LabOptions;
use crate::recorder::Recorder;
use crate::run::Spec;
use crate::tui::event_loop::{self, Begin};
use crate::tui::past::Lines;
use crate::tui::time::LAPSE_LASTS;

/// Opens the catalogue.
///
/// # Errors
///
/// When there is no terminal, or it refuses.
pub fn choose(catalogue: &'static Catalogue) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(event_loop::run(catalogue, Begin::Catalogue))
}

/// Opens the lab of one incident.
///
/// # Errors
///
/// When an option is wrong, the recording cannot be begun, or there is no terminal.
pub fn open(catalogue: &'static Catalogue, options: LabOptions) -> anyhow::Result<ExitCode> {
    let LabOptions { incident, options, console, record } = options;
    let mut spec = Spec { console, ..options.spec(catalogue, &incident)? };
    if spec.clock == Clock::Virtual {
        // At the speed of life to begin with, so that the first seconds can be followed.
        spec.time_lapse.speed = Speed::Times(1.0);
        spec.duration = Some(LAPSE_LASTS);
    }
    let recorder = record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
    runtime()?.block_on(event_loop::run(catalogue, Begin::Lab(Box::new(spec), recorder)))
}

/// Plays a recording.
///
/// # Errors
///
/// When it cannot be read, or there is no terminal.
pub fn view(catalogue: &'static Catalogue, file: &Path) -> anyhow::Result<ExitCode> {
    let mut lines = Lines::default();
    let (spec, _, faults) = scanned(catalogue, file, |line, event| lines.keep(line, &event))?;
    let view = Begin::Recording(Box::new(spec), lines, faults);
    runtime()?.block_on(event_loop::run(catalogue, view))
}

/// Reads a recording.
pub(super) fn recording(
    catalogue: &'static Catalogue,
    file: &Path,
) -> anyhow::Result<(Spec, Recording)> {
    let mut events = Vec::new();
    let (spec, header, faults) = scanned(catalogue, file, |_, event| events.push(event))?;
    Ok((spec, Recording { header, events, faults }))
}

/// Reads a recording, and hands on its lines and events.
fn scanned(
    catalogue: &'static Catalogue,
    file: &Path,
    keep: impl FnMut(&str, Event),
) -> anyhow::Result<(Spec, Header, Faults)> {
    let open = || Ok(record::scan(File::open(file)?, keep)?);
    let read: anyhow::Result<(Header, Faults)> = open();
    let (header, mut faults) = read.with_context(|| format!("cannot show {}", file.display()))?;
    let spec = Spec::recorded(catalogue, &header)
        .with_context(|| format!("cannot show {}: line 1", file.display()))?;
    for unknown in spec.variants.iter().filter_map(|name| spec.entry.known_variant(name).err()) {
        faults.add(1, unknown.to_string());
    }
    Ok((spec, header, faults))
}
