//! The incidents of this build.

use std::borrow::Cow;
use std::fs;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::ManifestError;

/// Reads the manifests of the incidents in this program. Started in the tree of an incident, at
/// the root of its workspace, the program reads that incident's `incident.toml` from disk: an
/// edit shows without a build. Called once: the catalogue lives as long as the program.
///
/// # Errors
///
/// When a manifest is broken; the message names file, line and field.
pub fn catalogue() -> Result<&'static Catalogue, ManifestError> {
    Ok(Box::leak(Box::new(read()?)))
}

/// The same without what is taught: a lane's process has no use for it, and its memory is measured.
///
/// # Errors
///
/// When a manifest is broken; the message names file, line and field.
pub fn catalogue_of_a_lane() -> Result<&'static Catalogue, ManifestError> {
    Ok(Box::leak(Box::new(read()?.untaught())))
}

/// The texts of all manifests.
pub fn manifests() -> impl Iterator<Item = Cow<'static, str>> {
    firedrill_incidents::ALL.iter().map(|incident| {
        let edited = fs::read_to_string(format!("{}incident.toml", incident.folder())).ok();
        edited.map_or(Cow::Borrowed(incident.manifest_toml), Cow::Owned)
    })
}

/// The manifests as a page of the book takes them along.
///
/// # Errors
///
/// When a manifest is no TOML.
pub fn for_pages() -> anyhow::Result<serde_json::Value> {
    let read = |file: &str| fs::read_to_string(file).ok();
    Ok(Catalogue::for_pages(&firedrill_incidents::PACK, read)?)
}

fn read() -> Result<Catalogue, ManifestError> {
    Catalogue::read(&firedrill_incidents::PACK, |file| {
        // Absent in an installed program.
        fs::read_to_string(file).ok()
    })
}
