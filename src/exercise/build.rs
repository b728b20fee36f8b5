//! From a learner's package to a program: cargo, with its own words.
//!
//! What a folder above the package, the environment or the machine adds to a build is no part of the exercise: it is
//! set aside where cargo lets us, and otherwise told apart from what the learner wrote ([`Built::Elsewhere`]).

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::files;
use crate::run::process_group;
use crate::supervise::supervised;

/// A build that takes longer is ended: a macro or a build script of a learner may loop forever.
const LONGEST: Duration = Duration::from_mins(10);

/// Time between two looks whether another build has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of cargo's words that are passed on, at most.
const MOST_BYTES: u64 = 1 << 20;

/// Name of the environment variable with the hash of the sources. The package's code reads it during the build, so
/// cargo builds again if it changes, whatever the files' timestamps.
pub const SOURCES: &str = "FIREDRILL_SOURCES";

/// Set by a cargo that has started this program, or by a user for builds of their own.
const NOT_HERE: [&str; 10] = [
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_TARGET",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
];

/// Words of cargo and rustc where it is not the code that is refused, and what is missing.
const NOT_THE_CODE: [(&str, &str); 7] = [
    ("linker `", "the linker is missing or failed: see the message above"),
    (
        "could not execute process",
        "a program that cargo calls cannot be started: see the message above",
    ),
    ("failed to download", FETCHES),
    ("no matching package named", FETCHES),
    ("--offline", FETCHES),
    ("No space left on device", "the disk is full"),
    ("Read-only file system", "the disk cannot be written"),
];

const FETCHES: &str =
    "the first build of an exercise downloads crates and needs a network; later builds do not";

/// Results of a build.
#[derive(Debug)]
pub enum Built {
    /// A program, which stays as it is when somebody else builds.
    Program(PathBuf),
    /// The compiler refused, and said why.
    Refused,
    /// A problem outside the learner's code, described in words.
    Elsewhere(String),
}

/// A line of cargo's standard output that tells of a program.
#[derive(Debug, Deserialize)]
struct Artifact {
    #[serde(default)]
    executable: Option<PathBuf>,
}

/// Builds the package in this folder; what cargo says goes to `says`, piece by piece, as it is. Dropped,
/// it ends cargo and what that has started.
///
/// # Errors
///
/// When there is no cargo, it cannot be started, or it takes too long.
pub async fn build(
    folder: &Path,
    colours: bool,
    mut says: impl FnMut(&[u8]),
) -> anyhow::Result<Built> {
    let whole = folder.canonicalize().with_context(|| folder.display().to_string())?;
    if let Some(why) = refused_path(&whole) {
        return Ok(Built::Elsewhere(why));
    }
    let cargo = which::which("cargo").map_err(|_| {
        anyhow::anyhow!(
            "an exercise is built with cargo, and there is none on the PATH: install Rust {} or \
             newer, from https://rustup.rs, and open a new terminal",
            env!("CARGO_PKG_RUST_VERSION")
        )
    })?;
    process_group::bind()?;
    let host = match toolchain(&cargo, &whole).await? {
        Ok(host) => host,
        Err(why) => return Ok(Built::Elsewhere(why)),
    };
    let beside = whole.parent().unwrap_or(&whole).join(super::package::BESIDE);
    let _alone = alone(&beside, &mut says).await?;
    let mut command = cargo_command(&cargo, &whole)?;
    command.args(["build", "--message-format=json-render-diagnostics", "--color"]);
    command.arg(if colours { "always" } else { "never" });
    // Against a folder above that builds for other machines, or lets panics abort.
    if builds_for_another(&whole) {
        command.env("CARGO_BUILD_TARGET", host);
    }
    command.env("CARGO_PROFILE_DEV_PANIC", "unwind");
    command.env("CARGO_BUILD_TARGET_DIR", beside.join("target"));
    let sources = sources(&whole);
    command.env(SOURCES, &sources);
    let mut cargo = command.kill_on_drop(true).spawn().context("cannot start cargo")?;
    let kin = process_group::ProcessGroup::of(cargo.id());
    let missing = "cargo has no pipe";
    let (out, err) = (cargo.stdout.take().context(missing)?, cargo.stderr.take().context(missing)?);
    let mut elsewhere = None;
    let heard = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let known = NOT_THE_CODE.iter().find(|(words, _)| text.contains(words));
        elsewhere = elsewhere.or(known.map(|(_, why)| *why));
        says(bytes);
    };
    let work = async {
        let (program, ()) = tokio::join!(program(out), pass_on(err, heard));
        anyhow::Ok((cargo.wait().await?, program))
    };
    let ended = timeout(LONGEST, work).await;
    drop(kin);
    let Ok(ended) = ended else {
        bail!("the build took longer than {LONGEST:?} and was stopped");
    };
    Ok(match ended? {
        (status, Some(program)) if status.success() => {
            Built::Program(kept(&program, &beside, &sources)?)
        }
        _ => elsewhere.map_or(Built::Refused, |why| Built::Elsewhere(why.to_owned())),
    })
}

/// Cargo in a folder, supervised, apart from the terminal, and without what the environment has for other builds.
fn cargo_command(cargo: &Path, folder: &Path) -> io::Result<Command> {
    let mut command = supervised(cargo)?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in NOT_HERE {
        command.env_remove(name);
    }
    // An empty one is none, against a configuration in a folder above.
    command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    process_group::keep_from_terminal(&mut command);
    Ok(command)
}

/// Why nothing can be built in a folder of this name.
fn refused_path(folder: &Path) -> Option<String> {
    let name = folder.to_string_lossy();
    let separates = cfg!(unix) && name.contains(':');
    let escapes = name
        .split('%')
        .skip(1)
        .any(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    let sign = if separates { ":" } else { "%" };
    (separates || escapes).then(|| {
        format!(
            "its folder is {name}, and where a path has `{sign}` Rust's tools take it for something else: move it to a \
             folder without"
        )
    })
}

/// The machine that the toolchain of a folder builds for; or why it cannot build an exercise.
async fn toolchain(cargo: &Path, folder: &Path) -> anyhow::Result<Result<String, String>> {
    let mut command = cargo_command(cargo, folder)?;
    let output =
        command.arg("-vV").kill_on_drop(true).output().await.context("cannot start cargo")?;
    let (said, wrong) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
    let chosen = chosen_by(folder);
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let (Some(release), Some(host)) = (line("release: "), line("host: ")) else {
        let first = wrong.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let first = first.trim_end_matches('.');
        return Ok(Err(format!(
            "cannot run cargo ({chosen}): {first}. Exercises need Rust {wanted} or newer"
        )));
    };
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).map_while(|part| part.parse().ok()).collect()
    };
    if numbers(release) < numbers(wanted) {
        return Ok(Err(format!(
            "exercises need Rust {wanted} or newer; this is cargo {release} ({chosen})"
        )));
    }
    Ok(Ok(host.to_owned()))
}

/// Returns true if a cargo configuration, in a parent folder or at home, sets another build target.
fn builds_for_another(folder: &Path) -> bool {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let above = folder.ancestors().skip(1).map(|folder| folder.join(".cargo")).chain(home);
    above.flat_map(|folder| ["config.toml", "config"].map(|name| folder.join(name))).any(|file| {
        let read = files::read(&file).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let table = read.and_then(|text| text.parse::<toml::Table>().ok());
        table.is_some_and(|table| {
            table.get("build").is_some_and(|build| build.get("target").is_some())
        })
    })
}

/// Returns the file or variable that selects the toolchain of a folder.
fn chosen_by(folder: &Path) -> String {
    if let Some(name) = std::env::var_os("RUSTUP_TOOLCHAIN") {
        return format!("chosen by RUSTUP_TOOLCHAIN={}", name.display());
    }
    let files =
        |folder: &Path| ["rust-toolchain.toml", "rust-toolchain"].map(|name| folder.join(name));
    let file = folder.ancestors().flat_map(files).find(|file| file.is_file());
    file.map_or("the default".to_owned(), |file| format!("chosen by {}", file.display()))
}

/// Waits until no other build goes on beside it: two packages of one incident are one to cargo, which would give each
/// the other's program. Time spent here is no build's.
async fn alone(beside: &Path, says: &mut impl FnMut(&[u8])) -> anyhow::Result<fs::File> {
    let what = beside.join("build");
    let held = files::lock_if_free(&what).with_context(|| what.display().to_string())?;
    if let Some(held) = held {
        return Ok(held);
    }
    says(format!("waiting: another build is running in {}\n", beside.display()).as_bytes());
    loop {
        sleep(LOOK).await;
        let held = files::lock_if_free(&what).with_context(|| what.display().to_string())?;
        if let Some(held) = held {
            return Ok(held);
        }
    }
}

/// Everything that a build is made of, in a word.
fn sources(folder: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    for file in files_of(folder) {
        (&file, files::read(&file).ok()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// The files that a build is made of.
pub fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.join("Cargo.toml"), folder.join("build.rs")];
    let mut folders = vec![folder.join("src")];
    while let Some(next) = folders.pop() {
        for path in
            fs::read_dir(next).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    found
}

/// The program under a name of its own: the next build replaces what cargo has made.
fn kept(program: &Path, beside: &Path, sources: &str) -> anyhow::Result<PathBuf> {
    let mut name = OsString::from(format!("{sources}-"));
    name.push(program.file_name().unwrap_or_default());
    let folder = beside.join("built");
    let keep = folder.join(name);
    let link = || -> io::Result<()> {
        fs::create_dir_all(&folder)?;
        match fs::remove_file(&keep) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A copy could be busy when it is started: another child may hold it open while it is written.
        fs::hard_link(program, &keep).or_else(|_| fs::copy(program, &keep).map(drop))
    };
    link().with_context(|| keep.display().to_string())?;
    forget_old(&folder);
    Ok(keep)
}

/// Programs of earlier builds that are kept, at most: one may still run.
const MOST_KEPT: usize = 8;

fn forget_old(folder: &Path) {
    let age = |path: &PathBuf| fs::metadata(path).and_then(|of| of.accessed()).ok();
    let built = fs::read_dir(folder).into_iter().flatten();
    let mut built: Vec<PathBuf> = built.filter_map(|entry| Some(entry.ok()?.path())).collect();
    built.sort_by_key(|path| std::cmp::Reverse(age(path)));
    for old in built.into_iter().skip(MOST_KEPT) {
        // Somebody else may have forgotten it.
        fs::remove_file(old).ok();
    }
}

/// The program that cargo tells of.
async fn program(out: impl AsyncRead + Unpin) -> Option<PathBuf> {
    let mut lines = BufReader::new(out).lines();
    let mut program = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let artifact = serde_json::from_str::<Artifact>(&line).ok();
        program = artifact.and_then(|artifact| artifact.executable).or(program);
    }
    program
}

async fn pass_on(mut err: impl AsyncRead + Unpin, mut says: impl FnMut(&[u8])) {
    let mut buffer = [0; 4096];
    let mut passed = 0;
    while let Ok(read @ 1..) = err.read(&mut buffer).await {
        // What is more than anybody reads is taken from cargo all the same, which would wait else.
        if passed < MOST_BYTES {
            says(&buffer[..read]);
        }
        passed += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_rusts_tools_misread_is_named() {
        let refused = |path: &str| refused_path(Path::new(path));
        assert!(refused("/home/a/drill %41/pool-leak").is_some_and(|why| why.contains("`%`")));
        assert_eq!(refused("/home/a/100%/pool-leak é'#"), None);
        if cfg!(unix) {
            assert!(refused("/home/a/10:30/pool-leak").is_some_and(|why| why.contains("`:`")));
        }
    }

    #[test]
    fn what_is_put_back_is_another_source_whatever_its_time_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let src = folder.path().join("src");
        fs::create_dir(&src).expect("writable");
        let file = src.join("exercise.rs");
        let of = |text: &str| {
            fs::write(&file, text).expect("writable");
            let long_ago = std::time::SystemTime::UNIX_EPOCH;
            fs::File::open(&file)
                .and_then(|file| file.set_modified(long_ago))
                .expect("its own file");
            sources(folder.path())
        };
        let (bug, fix) = (of("bug"), of("fix"));
        assert_ne!(bug, fix);
        assert_eq!(bug, of("bug"));
    }
}
