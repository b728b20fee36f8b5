//! The folder that a learner works in: a package of its own, which depends on a copy of core alone.
//!
//! ```text
//! unbuffered-log-channel/
//!     Cargo.toml  Cargo.lock  .cargo/config.toml
//!     src/main.rs  src/shared.rs      as given; not part of the exercise
//!     src/exercise.rs                 the learner's
//! .firedrill/                         for all exercises beside it; git ignores it
//!     core-0.1.0-3f2a…/               what they are built with
//!     target/  built/                 cargo's, and the newest programs
//! ```
//!
//! Nothing of a learner's is ever overwritten: [`Package::reset`] puts the files aside first.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::incident::exercise::Start;
use serde::Deserialize;

use super::core_copy;
use crate::files;

/// The file that a learner changes, in its package.
pub use firedrill_core::incident::exercise::FILE as EXERCISE;

/// The folder beside the packages that holds what they are built with.
pub(super) const BESIDE: &str = ".firedrill";

/// The crates that incidents are written with, as their own package names them.
const CRATES: &str = include_str!("crates.toml");

/// Versions that are known to work together.
const LOCK: &str = include_str!("../../Cargo.lock");

/// Problems with a folder.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Its fix is no code.
    #[error("{incident} has no exercise; these incidents have one: {}", .with.join(", "))]
    None {
        /// The incident.
        incident: String,
        /// Those that have one.
        with: Vec<String>,
    },
    /// Not there.
    #[error("the folder {} was deleted", .folder.display())]
    Gone {
        /// The folder.
        folder: PathBuf,
    },
    /// Somebody else's.
    #[error(
        "{} is there already, and is no exercise of {incident}: nothing in it was touched. Move it \
         away, or have the exercise elsewhere: `firedrill try {incident} --folder PATH`", .folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// The incident that was asked for.
        incident: String,
    },
    /// The folder belongs to another build of this program.
    #[error(
        "{} was laid out by firedrill {found}, and this is {own}. EventKind differs: {}. `firedrill try \
         {incident} reset{}` creates it again, and keeps your {EXERCISE} beside the new one",
        .folder.display(), .differs.join(", "), elsewhere(.folder, .incident)
    )]
    OtherVersion {
        /// The folder.
        folder: PathBuf,
        /// The incident.
        incident: String,
        /// The version that laid it out.
        found: String,
        /// This one.
        own: String,
        /// Files that this version gives out otherwise.
        differs: Vec<String>,
    },
    /// A file was changed that is not part of the exercise.
    #[error(
        "{} is not as it was given out, and is not part of the exercise: that is {EXERCISE} alone. \
         Undo the change, or `firedrill try {incident} reset{}`", .file.display(), elsewhere(.folder, .incident)
    )]
    Changed {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: PathBuf,
        /// The incident.
        incident: String,
    },
    /// The system refuses.
    #[error("{}: {why}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

/// Returns the additional option of a command about this folder.
fn elsewhere(folder: &Path, incident: &str) -> String {
    let usual = folder == Path::new(incident);
    if usual { String::new() } else { format!(" --folder '{}'", folder.display()) }
}

/// A learner's package.
#[derive(Debug, Clone)]
pub struct Package {
    /// The folder.
    pub folder: PathBuf,
    /// Its incident.
    pub entry: &'static CatalogueEntry,
    given: BTreeMap<String, String>,
    start: String,
    solution: String,
}

/// The marker in a package's `Cargo.toml`.
#[derive(Debug, Deserialize)]
struct Marked {
    package: MarkedPackage,
}

#[derive(Debug, Deserialize)]
struct MarkedPackage {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    firedrill: Mark,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Mark {
    incident: String,
    version: String,
}

impl Package {
    /// The exercise of an incident in this folder, whether or not that is there.
    ///
    /// # Errors
    ///
    /// When the incident has no exercise.
    pub fn new(
        catalogue: &'static Catalogue,
        entry: &'static CatalogueEntry,
        folder: PathBuf,
    ) -> Result<Self, Problem> {
        let has = |entry: &CatalogueEntry| {
            entry.incident.exercise.is_some() && entry.manifest.exercise.is_some()
        };
        let Some(code) = entry.incident.exercise.as_ref().filter(|_| has(entry)) else {
            let with =
                catalogue.entries.iter().filter(|entry| has(entry)).map(|e| e.manifest.id.clone());
            return Err(Problem::None {
                incident: entry.manifest.id.clone(),
                with: with.collect(),
            });
        };
        let text = |file: &str| catalogue.source(file).unwrap_or_default().to_owned();
        let start = text(&format!("{}exercise.rs", entry.incident.folder()));
        let solution = text(&entry.file("fixed"));
        let given = given(catalogue, entry, code);
        Ok(Self { folder, entry, given, start, solution })
    }

    fn id(&self) -> &str {
        &self.entry.manifest.id
    }

    /// Returns the build folder beside it.
    fn beside(&self) -> PathBuf {
        let whole = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        whole.parent().unwrap_or(Path::new(".")).join(BESIDE)
    }

    /// The learner's file.
    pub fn exercise(&self) -> PathBuf {
        self.folder.join(EXERCISE)
    }

    /// Our fix, which builds in its place.
    pub fn solution(&self) -> &str {
        &self.solution
    }

    /// Makes sure that it is there, and as it was given out but for the learner's part; tells whether it was
    /// laid out now.
    ///
    /// # Errors
    ///
    /// When the folder is somebody else's or another version's, or cannot be written.
    pub fn lay_out(&self) -> Result<bool, Problem> {
        let empty = || fs::read_dir(&self.folder).is_ok_and(|mut inside| inside.next().is_none());
        if self.folder.exists() && !empty() {
            self.check()?;
            core_copy::lay_out(&self.beside())?;
            return Ok(false);
        }
        core_copy::lay_out(&self.beside())?;
        // Whole or not at all: half a package would be taken for somebody else's.
        let fresh = self.beside().join(format!("{}{}", std::process::id(), core_copy::NEW));
        let laid = Self { folder: fresh.clone(), ..self.clone() }.write_all();
        let moved = laid.and_then(|()| {
            let above = self.folder.parent().map_or(Ok(()), fs::create_dir_all);
            let moved = above.and_then(|()| fs::rename(&fresh, &self.folder));
            moved.map_err(|why| Problem::Io { path: self.folder.clone(), why })
        });
        if moved.is_err() {
            fs::remove_dir_all(&fresh).ok();
            // A folder that somebody is in cannot be replaced, but written to.
            if !empty() {
                return moved.map(|()| true);
            }
            self.write_all()?;
        }
        Ok(true)
    }

    fn write_all(&self) -> Result<(), Problem> {
        self.write_given()?;
        write(&self.exercise(), &self.start)
    }

    /// Checks that what is there is this exercise, as this version gives it out.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn check(&self) -> Result<(), Problem> {
        let not_ours =
            || Problem::NotOurs { folder: self.folder.clone(), incident: self.id().to_owned() };
        if !self.folder.exists() {
            return Err(Problem::Gone { folder: self.folder.clone() });
        }
        let manifest = self.folder.join("Cargo.toml");
        let main = files::read_text(&self.folder.join("src/main.rs")).unwrap_or_default();
        let ours = self.given.get("src/main.rs").is_some_and(|given| same_code(given, &main));
        let text = files::read_text(&manifest)
            .or_else(|_| if ours { Ok(String::new()) } else { Err(not_ours()) })?;
        match toml::from_str::<Marked>(&text) {
            Ok(marked) => {
                let mark = marked.package.metadata.firedrill;
                if mark.incident != self.id() {
                    return Err(not_ours());
                }
                if mark.version != core_copy::version() {
                    return Err(self.other_version(mark.version));
                }
            }
            // What is wrong with it is for cargo to say, if it is ours at all.
            Err(_) if ours => {}
            Err(_) => return Err(not_ours()),
        }
        let changed = |(file, text): (&String, &String)| {
            let now = files::read_text(&self.folder.join(file)).unwrap_or_default();
            (is_code(file) && !same_code(&now, text)).then(|| self.folder.join(file))
        };
        match self.given.iter().find_map(changed) {
            Some(file) => {
                let (folder, incident) = (self.folder.clone(), self.id().to_owned());
                Err(Problem::Changed { folder, file, incident })
            }
            None => Ok(()),
        }
    }

    fn other_version(&self, found: String) -> Problem {
        let differs = |(file, text): (&String, &String)| {
            let there = files::read_text(&self.folder.join(file)).unwrap_or_default();
            (is_code(file) && !same_code(&there, text)).then(|| file.clone())
        };
        let mut differs: Vec<String> = self.given.iter().filter_map(differs).collect();
        differs.push("the core that it is built with".to_owned());
        Problem::OtherVersion {
            folder: self.folder.clone(),
            incident: self.id().to_owned(),
            found,
            own: core_copy::version(),
            differs,
        }
    }

    /// Creates the package again; files that differ are kept under other names, which are returned.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn reset(&self) -> Result<Vec<PathBuf>, Problem> {
        let manifest = files::read_text(&self.folder.join("Cargo.toml")).unwrap_or_default();
        if self.folder.exists() && !manifest.contains("firedrill") && !self.exercise().exists() {
            let (folder, incident) = (self.folder.clone(), self.id().to_owned());
            return Err(Problem::NotOurs { folder, incident });
        }
        core_copy::lay_out(&self.beside())?;
        let mut kept = Vec::new();
        let exercise = (EXERCISE.to_owned(), self.start.clone());
        let locks = |file: &str| file == "Cargo.lock";
        for (file, text) in self.given.iter().chain([(&exercise.0, &exercise.1)]) {
            let path = self.folder.join(file);
            match files::read_text(&path) {
                Ok(now) if now != *text && !locks(file) => {
                    let aside = free_name(&path);
                    fs::rename(&path, &aside)
                        .map_err(|why| Problem::Io { path: path.clone(), why })?;
                    kept.push(aside);
                }
                _ => {}
            }
        }
        self.write_all()?;
        Ok(kept)
    }

    fn write_given(&self) -> Result<(), Problem> {
        self.given.iter().try_for_each(|(file, text)| write(&self.folder.join(file), text))
    }
}

/// Returns true if two files have the same code, whatever their formatting and line ends.
fn same_code(one: &str, other: &str) -> bool {
    let tokens = |text: &str| text.parse::<proc_macro2::TokenStream>().map(|code| code.to_string());
    one == other || tokens(one).ok().zip(tokens(other).ok()).is_some_and(|(a, b)| a == b)
}

/// Returns true for code that must stay as handed out.
fn is_code(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "rs")
}

/// Returns the files handed out with the exercise: paths in the package, and texts.
fn given(
    catalogue: &'static Catalogue,
    entry: &'static CatalogueEntry,
    code: &Start,
) -> BTreeMap<String, String> {
    let id = &entry.manifest.id;
    let own = format!("{}/", entry.incident.name());
    let mut given = BTreeMap::new();
    // Files of other incidents stand in modules of those names.
    let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in code.files {
        let inside = file.strip_prefix(&own).unwrap_or(file);
        let (module, name) = inside.split_once('/').unwrap_or(("", inside));
        modules.entry(module).or_default().push(name.trim_end_matches(".rs"));
        let text = catalogue.source(&format!("{}{file}", catalogue.root())).unwrap_or_default();
        given.insert(format!("src/{inside}"), text.to_owned());
    }
    modules.entry("").or_default().push("exercise");
    let mut main = format!(
        "//! {}: runs `exercise.rs` as a lane of firedrill. Nothing in this file is part of the exercise.\n\n",
        entry.manifest.title
    );
    for (module, mut names) in modules {
        names.sort_unstable();
        // Writing to a String cannot fail.
        if module.is_empty() {
            for name in names {
                // What is given out is more than any one fix needs.
                let given = if name == "exercise" { "" } else { "#[allow(dead_code)]\n" };
                let _ = writeln!(main, "{given}mod {name};");
            }
        } else {
            let names = names.join(";\n    pub mod ");
            let _ =
                write!(main, "#[allow(dead_code)]\nmod {module} {{\n    pub mod {names};\n}}\n");
        }
    }
    let steer = if code.form.steer.is_some() { ", exercise::steer" } else { "" };
    let _ = write!(main, "\nfiredrill_core::exercise!(exercise::install{steer});\n");
    given.insert("src/main.rs".to_owned(), main);
    let core = format!("../{BESIDE}/{}", core_copy::name());
    let feature = if entry.manifest.tls { "tls" } else { "child" };
    let manifest = format!(
        "# An exercise of firedrill: change {EXERCISE}, nothing else.\n\
         [package]\nname = \"{id}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [package.metadata.firedrill]\nincident = \"{id}\"\nversion = \"{}\"\n\n[workspace]\n\n\
         [dependencies]\nfiredrill-core = {{ path = \"{core}\", features = [\"{feature}\"] }}\n{CRATES}",
        core_copy::version()
    );
    given.insert("Cargo.toml".to_owned(), manifest);
    given.insert("Cargo.lock".to_owned(), LOCK.to_owned());
    let config = format!("[build]\ntarget-dir = \"../{BESIDE}/target\"\n");
    given.insert(".cargo/config.toml".to_owned(), config);
    given
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Problem> {
    // Whole, and in place of a link instead of through it.
    files::write(path, text.as_bytes()).map_err(|why| Problem::Io { path: path.to_owned(), why })
}

/// A name beside a file that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let name = |n: u32| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{n}"));
        path.with_file_name(name)
    };
    (1..10_000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_aside_never_takes_a_name_that_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("exercise.rs");
        for n in 1..4 {
            let free = free_name(&path);
            assert_eq!(free, folder.path().join(format!("exercise.rs.{n}")));
            fs::write(free, "").expect("writable");
        }
    }
}
