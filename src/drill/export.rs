//! Files of a shift: the draft of a post-mortem, and the recording beside it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Event;
use firedrill_core::plan::Plan;
use firedrill_core::record::Header;
use firedrill_core::session::shift::Shift;
use firedrill_core::session::shift::score::Compared;

use crate::files;
use crate::recorder::Recorder;

/// Writes the draft to `path`, and the recording beside it with the extension `.jsonl`. Returns the recording's path.
///
/// # Errors
///
/// Returns an error if the shift has not ended, or a file cannot be written.
pub fn write<'a>(
    path: &Path,
    plan: &Plan,
    shift: &Shift,
    (catalogue, compared): (&Catalogue, &Compared),
    events: impl IntoIterator<Item = &'a Event>,
) -> anyhow::Result<PathBuf> {
    let score = shift.score(compared).context("the shift has not ended")?;
    let text = shift.post_mortem(catalogue, compared, &score);
    files::write(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    let recording = path.with_extension("jsonl");
    let header = Header::of(plan, env!("CARGO_PKG_VERSION"));
    let mut recorder = Recorder::create(&recording, &header)?;
    for event in events {
        recorder.write(event)?;
    }
    recorder.finish()?;
    Ok(recording)
}
