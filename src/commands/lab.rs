//! `firedrill`, `firedrill lab`, `firedrill view`: the terminal.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event};
use firedrill_core::record::{self, Header, UnreadableLines};
use firedrill_core::script::Speed;
use firedrill_core::session::history::Lines;
use firedrill_core::session::travel::LAPSE_LASTS_MS;

use super::runtime;
use crate::cli::{LabOptions, WalkOptions};
use crate::recorder::Recorder;
use crate::run::Spec;
use crate::tui::event_loop::{self, FirstScreen};
use crate::user_state::Theme;

/// Opens the catalogue.
///
/// # Errors
///
/// When there is no terminal, or it refuses.
pub fn choose(catalogue: &'static Catalogue, theme: Option<Theme>) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(event_loop::run(catalogue, FirstScreen::Catalogue, theme))
}

/// Opens the lab of one incident.
///
/// # Errors
///
/// When an option is wrong, the recording cannot be begun, or there is no terminal.
pub fn open(
    catalogue: &'static Catalogue,
    options: LabOptions,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    let LabOptions { incident, options, console, record } = options;
    let mut spec = options.spec(catalogue, &incident)?;
    spec.venue.console = console;
    if spec.case.plan.clock == Clock::Virtual {
        // At the speed of life to begin with, so that the first seconds can be followed.
        spec.pacing.speed = Speed::Times(1.0);
        spec.case.plan.duration_ms = Some(LAPSE_LASTS_MS);
    }
    let recorder = record.map(|path| Recorder::create(&path, &spec.header())).transpose()?;
    runtime()?.block_on(event_loop::run(
        catalogue,
        FirstScreen::Lab(Box::new(spec), recorder),
        theme,
    ))
}

/// Begins the guided walk of an incident.
///
/// # Errors
///
/// When an option is wrong, there is no walk, or no terminal.
pub fn walk(
    catalogue: &'static Catalogue,
    options: WalkOptions,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    let faster = options.faster;
    let spec = options.spec(catalogue)?;
    runtime()?.block_on(event_loop::run(
        catalogue,
        FirstScreen::Walk(Box::new(spec), faster),
        theme,
    ))
}

/// Plays a recording.
///
/// # Errors
///
/// When it cannot be read, or there is no terminal.
pub fn view(
    catalogue: &'static Catalogue,
    file: &Path,
    theme: Option<Theme>,
) -> anyhow::Result<ExitCode> {
    let mut lines = Lines::default();
    let opened = opened(catalogue, file)?;
    let (spec, _, faults) = opened.scanned(|line, event| lines.keep(line, &event))?;
    let view = FirstScreen::Recording(Box::new(spec), lines, faults);
    runtime()?.block_on(event_loop::run(catalogue, view, theme))
}

/// A recording whose first line has been read.
pub(super) struct Opened<'a> {
    /// Description of the run.
    pub(super) spec: Spec,
    file: &'a Path,
    rest: record::Opened<File>,
}

/// Opens a recording.
pub(super) fn opened<'a>(
    catalogue: &'static Catalogue,
    file: &'a Path,
) -> anyhow::Result<Opened<'a>> {
    let from = if cfg!(unix) && file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let open = || Ok(record::open(File::open(from)?)?);
    let rest: anyhow::Result<record::Opened<File>> = open();
    let rest = rest.with_context(|| format!("cannot show {}", file.display()))?;
    let spec = Spec::recorded(catalogue, &rest.header)
        .with_context(|| format!("cannot show {}: line 1", file.display()))?;
    Ok(Opened { spec, file, rest })
}

impl Opened<'_> {
    /// Returns the header of the recording.
    pub(super) fn header(&self) -> &Header {
        &self.rest.header
    }

    /// Reads the rest, and hands on its lines and events.
    pub(super) fn scanned(
        self,
        keep: impl FnMut(&str, Event),
    ) -> anyhow::Result<(Spec, Header, UnreadableLines)> {
        let Self { spec, file, rest } = self;
        let header = rest.header.clone();
        let mut faults =
            rest.scan(keep).with_context(|| format!("cannot show {}", file.display()))?;
        for unknown in spec
            .case
            .plan
            .variants
            .iter()
            .filter_map(|name| spec.case.entry.known_variant(name).err())
        {
            faults.add(1, unknown.to_string());
        }
        Ok((spec, header, faults))
    }
}
