//! Files of the program: written whole or not at all, names that are free, locks, and the folder of its state.
//!
//! * [`replace`]: files that take the place of older ones

pub mod replace;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// The folder where the platform keeps the state of programs; none where it has no such place.
pub fn state_folder() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    let directory = places.state_dir().unwrap_or_else(|| places.data_dir());
    Some(directory.join("firedrill"))
}

/// Writes a file whole or not at all: beside its place, then moved there. Its folder is made where it is missing.
///
/// # Errors
///
/// When the system refuses.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // It may never have been there.
        fs::remove_file(&part).ok();
    }
    written
}

/// Waits for the lock that every process holds that changes this file, and holds it until it is dropped.
///
/// # Errors
///
/// When the system refuses.
pub fn lock(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let lock = path.with_extension("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(lock)?;
    match file.lock() {
        // Some file systems have no locks.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

/// A name beside a file that is not taken.
pub fn free_name(file: &Path) -> PathBuf {
    let name = |n: u32| file.with_extension(format!("json.aside-{n}"));
    (1..1000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}
