//! User state between runs of the program: the theme, walks and exercises. One small file in the platform's state
//! directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use firedrill_core::session::progress::WalkProgress;

use crate::files;

/// The form of the file: another one is set aside.
const VERSION: u32 = 1;

/// Colours of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the terminal's own ground is, which it is asked for.
    #[default]
    Auto,
    /// Light on the terminal's own ground, which is dark.
    Dark,
    /// Dark on white, for a bright room.
    Light,
}

/// User state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserState {
    version: u32,
    /// The theme that was chosen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// The walks that were begun, by incident.
    #[serde(default)]
    pub walks: BTreeMap<String, WalkProgress>,
    /// The exercises that were begun, by incident.
    #[serde(default)]
    pub exercises: BTreeMap<String, Exercised>,
}

/// Progress in an exercise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercised {
    /// Verdicts that were given.
    pub verdicts: u32,
    /// The partial fixes that were recognised on the way, by the variants that do the same.
    #[serde(default)]
    pub partial_fixes: BTreeSet<String>,
    /// Hints that were asked for.
    #[serde(default)]
    pub hints: u32,
    /// True if our solution was shown.
    #[serde(default)]
    pub solution: bool,
    /// The help that had been taken when it held for the first time; none: it has not held yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Help>,
}

/// Help that was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// Hints.
    pub hints: u32,
    /// True if our solution was shown.
    pub solution: bool,
}

impl Exercised {
    /// A verdict was given.
    pub fn judged(&mut self, holds: bool, partial_fix: Option<&str>) {
        self.verdicts += 1;
        self.partial_fixes.extend(partial_fix.map(str::to_owned));
        if holds && self.fixed.is_none() {
            self.fixed = Some(Help { hints: self.hints, solution: self.solution });
        }
    }
}

/// The file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot remember this in {path}: {why}", path = path.display())]
pub struct CannotRemember {
    path: PathBuf,
    why: io::Error,
}

impl UserState {
    /// Reads what is remembered. A file that is damaged, or none of ours, is set aside under another name,
    /// which the second value tells.
    pub fn read() -> (Self, Option<String>) {
        file().map_or((Self::default(), None), |file| Self::read_from(&file))
    }

    fn read_from(file: &Path) -> (Self, Option<String>) {
        files::read_or_set_aside(file, |text| {
            let read: Self = serde_json::from_str(text).map_err(|why| why.to_string())?;
            if read.version == VERSION {
                return Ok(read);
            }
            Err(format!("it has the form {}, this program knows {VERSION}", read.version))
        })
    }

    fn write_to(&self, file: &Path) -> Result<(), CannotRemember> {
        let cannot = |why| CannotRemember { path: file.to_owned(), why };
        let text = serde_json::to_string_pretty(&Self { version: VERSION, ..self.clone() })
            .map_err(|why| cannot(why.into()))?;
        files::write(file, text.as_bytes()).map_err(cannot)
    }

    /// Forgets walks and exercises, and keeps the theme. What was known is kept in a file, which is returned.
    ///
    /// # Errors
    ///
    /// When it cannot be moved or written.
    pub fn forget() -> Result<Option<PathBuf>, CannotRemember> {
        let Some(file) = file().filter(|file| file.exists()) else { return Ok(None) };
        let cannot = |why| CannotRemember { path: file.clone(), why };
        let _lock = files::lock(&file).map_err(cannot)?;
        let (known, _) = Self::read_from(&file);
        let aside = files::free_name(&file);
        if file.exists() {
            fs::rename(&file, &aside).map_err(cannot)?;
        }
        Self { theme: known.theme, ..Self::default() }.write_to(&file)?;
        Ok(Some(aside))
    }

    /// Changes what is remembered on disk now, and writes it, under a lock: changes of another process stay. Tells
    /// what became of a file that could not be read.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn change(with: impl FnOnce(&mut Self)) -> Result<Option<String>, CannotRemember> {
        let Some(file) = file() else { return Ok(None) };
        Self::change_in(&file, with)
    }

    fn change_in(
        file: &Path,
        with: impl FnOnce(&mut Self),
    ) -> Result<Option<String>, CannotRemember> {
        let cannot = |why| CannotRemember { path: file.to_owned(), why };
        let _lock = files::lock(file).map_err(cannot)?;
        let (mut remembered, said) = Self::read_from(file);
        with(&mut remembered);
        remembered.write_to(file).map(|()| said)
    }

    /// Takes in how far a walk has got.
    pub fn walked(&mut self, incident: &str, now: WalkProgress) {
        let known = self.walks.entry(incident.to_owned()).or_default();
        // A finished walk keeps its score until it is finished again.
        let score = if known.finished && !now.finished { &*known } else { &now };
        let (hints, answered, right) = (score.hints, score.answered, score.right);
        *known = WalkProgress {
            pages: known.pages.max(now.pages),
            finished: known.finished || now.finished,
            hints,
            answered,
            right,
            ..now
        };
    }
}

/// Returns the path of the state file; none if the platform has no place for it.
fn file() -> Option<PathBuf> {
    Some(files::state_folder()?.join("progress.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep/er/progress.json");
        let mut remembered = UserState { theme: Some(Theme::Light), ..UserState::default() };
        let walked = |pages, finished| WalkProgress {
            pages,
            finished,
            last_page: 2,
            last_finished: false,
            hints: 1,
            answered: 3,
            right: 2,
        };
        remembered.walked("pool-leak", walked(11, true));
        remembered.walked("pool-leak", walked(2, false));
        assert_eq!(remembered.walks["pool-leak"], walked(11, true));
        remembered.write_to(&file).expect("it is written");
        let (read, said) = UserState::read_from(&file);
        assert_eq!((read.walks, read.theme, said), (remembered.walks, Some(Theme::Light), None));
    }

    #[test]
    fn a_finished_walk_keeps_its_score_when_it_is_opened_again() {
        let mut state = UserState::default();
        let progress = |pages, finished, right| WalkProgress {
            pages,
            finished,
            last_page: pages,
            last_finished: finished,
            hints: 0,
            answered: right,
            right,
        };
        state.walked("pool-leak", progress(11, true, 9));
        state.walked("pool-leak", progress(1, false, 0));
        let kept = &state.walks["pool-leak"];
        assert_eq!((kept.right, kept.finished, kept.last_page), (9, true, 1));
        state.walked("pool-leak", progress(11, true, 7));
        assert_eq!(state.walks["pool-leak"].right, 7);
    }

    #[test]
    fn no_change_is_lost_when_many_change_it_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = &folder.path().join("progress.json");
        std::thread::scope(|scope| {
            for of in 0..8 {
                scope.spawn(move || {
                    for nth in 0..25 {
                        let walk = format!("{of}-{nth}");
                        let change = |known: &mut UserState| {
                            known.walks.insert(walk, WalkProgress::default());
                        };
                        UserState::change_in(file, change).expect("it is written");
                    }
                });
            }
        });
        assert_eq!(UserState::read_from(file).0.walks.len(), 200);
    }

    #[test]
    fn a_damaged_or_foreign_file_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("progress.json");
        fs::write(&file, "{").expect("it is written");
        let said = UserState::change_in(&file, |_| {}).expect("it is written");
        assert!(said.is_some_and(|said| said.contains("aside")));
        fs::remove_file(folder.path().join("progress.json.aside-1")).expect("it is there");
        for (n, text) in ["{", "{\"version\": 7}", "[]"].into_iter().enumerate() {
            fs::write(&file, text).expect("it is written");
            let (read, said) = UserState::read_from(&file);
            assert_eq!(read, UserState::default());
            assert!(said.is_some_and(|said| said.contains("aside")), "{text}");
            let aside = folder.path().join(format!("progress.json.aside-{}", n + 1));
            assert_eq!(fs::read_to_string(aside).expect("it is there"), text);
        }
    }
}
