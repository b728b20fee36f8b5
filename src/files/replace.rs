//! Files that take the place of older ones: written beside them, and moved there when there is
//! something to show for it. What fails before leaves the older file as it was.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is written beside its place.
#[derive(Debug)]
pub struct Beside {
    file: File,
    /// Temporary file until the move; none: it is in place.
    part: Option<PathBuf>,
    goal: PathBuf,
}

/// Why a file cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum CannotReplace {
    /// Another file is in the way.
    #[error("something else is there already: it will not be overwritten")]
    Occupied,
    /// Somebody else writes it.
    #[error("another firedrill is writing it; choose another file")]
    InUse,
    /// Its name is a link that leads nowhere.
    #[error("it is a link to nothing, which will not be followed")]
    Dangling,
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Beside {
    /// Begins a file that shall stand at `path`; what is there now must be `replaceable`.
    ///
    /// # Errors
    ///
    /// When something else is there, somebody else writes it, or the system refuses.
    pub fn create(
        path: &Path,
        replaceable: impl Fn(&Path) -> io::Result<bool>,
    ) -> Result<Self, CannotReplace> {
        let is_link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        let goal = match path.canonicalize() {
            Ok(goal) => goal,
            Err(_) if is_link => return Err(CannotReplace::Dangling),
            Err(_) => path.to_owned(),
        };
        // A device or a pipe has no other place to be written at.
        if goal.exists() && !goal.is_file() {
            let file = OpenOptions::new().write(true).open(&goal)?;
            return Ok(Self { file, part: None, goal });
        }
        let mut name = goal.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = goal.with_file_name(name);
        for file in [&goal, &part] {
            if file.is_file() {
                if !replaceable(file)? {
                    return Err(CannotReplace::Occupied);
                }
                lock(&File::open(file)?)?;
            }
        }
        // What an interrupted writer has left there goes once it is known that nobody writes it.
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&part)?;
        lock(&file)?;
        file.set_len(0)?;
        Ok(Self { file, part: Some(part), goal })
    }

    /// The file, to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Moves it to where it belongs, in place of what is there; more may be written then.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn take_place(&mut self) -> io::Result<()> {
        if let Some(part) = self.part.take() {
            self.file.sync_all()?;
            fs::rename(part, &self.goal)?;
        }
        Ok(())
    }

    /// Waits until all of it is on disk.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn sync(&mut self) -> io::Result<()> {
        // Devices and pipes have no disk.
        if self.goal.is_file() { self.file.sync_all() } else { Ok(()) }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It never had anything to show: nobody misses it, and a leftover is replaced next time.
        if let Some(part) = &self.part {
            fs::remove_file(part).ok();
        }
    }
}

/// Takes the lock that every writer of a file holds.
fn lock(file: &File) -> Result<(), CannotReplace> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(CannotReplace::InUse),
        // Some file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_older_file_stays_until_there_is_something_to_show() {
        let folder = tempfile::tempdir().expect("writable");
        let path = folder.path().join("run.jsonl");
        fs::write(&path, "old").expect("writable");
        let begun = Beside::create(&path, |_| Ok(true)).expect("it is free");
        assert!(matches!(Beside::create(&path, |_| Ok(true)), Err(CannotReplace::InUse)));
        drop(begun);
        assert_eq!(fs::read_to_string(&path).expect("still there"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
        let mut new = Beside::create(&path, |_| Ok(true)).expect("it is free again");
        new.file().write_all(b"new").expect("writable");
        new.take_place().expect("it moves");
        assert!(matches!(Beside::create(&path, |_| Ok(true)), Err(CannotReplace::InUse)));
        new.file().write_all(b"er").expect("writable");
        drop(new);
        assert_eq!(fs::read_to_string(&path).expect("there"), "newer");
        assert!(matches!(Beside::create(&path, |_| Ok(false)), Err(CannotReplace::Occupied)));
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_nothing_is_not_followed() {
        let folder = tempfile::tempdir().expect("writable");
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).expect("writable");
        assert!(matches!(Beside::create(&link, |_| Ok(true)), Err(CannotReplace::Dangling)));
        fs::write(&target, "old").expect("writable");
        let mut new = Beside::create(&link, |_| Ok(true)).expect("it leads somewhere");
        new.file().write_all(b"new").expect("writable");
        new.take_place().expect("it moves");
        assert_eq!(fs::read_to_string(&target).expect("there"), "new");
        assert!(link.symlink_metadata().expect("there").is_symlink());
    }
}
