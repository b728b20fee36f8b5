//! Files of the program: written whole or not at all, names that are free, locks, and the folder of its state.
//!
//! * [`replace`]: files that take the place of older ones

pub mod replace;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// The folder where the platform keeps the state of programs; none where it has no such place.
pub fn state_folder() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    let directory = places.state_dir().unwrap_or_else(|| places.data_dir());
    Some(directory.join("firedrill"))
}

/// Bytes of a file that is read whole, at most: nothing of ours is as large.
pub const LARGEST: u64 = 16 << 20;

/// Reads a file whole. A pipe or a device is none: reading it might never end.
///
/// # Errors
///
/// When it is not a regular file, too large, or unreadable.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("expected a file, and this is none"));
    }
    if about.len() > LARGEST {
        let says = format!("it has {} bytes, and {LARGEST} are allowed", about.len());
        return Err(io::Error::other(says));
    }
    fs::read(path)
}

/// Reads a text whole; see [`read`].
///
/// # Errors
///
/// When it cannot be read, or is no text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
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
    let file = lock_file(path)?;
    match file.lock() {
        // Some file systems have no locks.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

/// The same lock, if nobody holds it.
///
/// # Errors
///
/// When the system refuses.
pub fn lock_if_free(path: &Path) -> io::Result<Option<File>> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(Some(file)),
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let lock = path.with_extension("lock");
    OpenOptions::new().write(true).create(true).truncate(false).open(lock)
}

/// Reads a state file with `parse`; the default if there is none. A file that cannot be read is set aside under another
/// name, which the second value tells.
pub fn read_or_set_aside<T: Default>(
    file: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> (T, Option<String>) {
    if !file.exists() {
        return (T::default(), None);
    }
    let read = read_text(file).map_err(|why| why.to_string()).and_then(|text| parse(&text));
    match read {
        Ok(read) => (read, None),
        Err(why) => {
            let aside = free_name(file);
            let moved = fs::rename(file, &aside);
            let what = match moved {
                Ok(()) => format!("it is now {}", aside.display()),
                Err(error) => format!("and cannot be set aside: {error}"),
            };
            let path = file.display();
            let says = format!("what was remembered in {path} cannot be read ({why}); {what}");
            (T::default(), Some(says))
        }
    }
}

/// A name beside a file that is not taken.
pub fn free_name(file: &Path) -> PathBuf {
    let name = |n: u32| file.with_extension(format!("json.aside-{n}"));
    (1..1000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}
