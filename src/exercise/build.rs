//! From a learner's package to a program: cargo, with its own words.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::run::kin;

/// A build that takes longer is ended: a macro or a build script of a learner's may loop for ever.
const LONGEST: Duration = Duration::from_mins(10);

/// Bytes of cargo's words that are passed on, at most.
const MOST_BYTES: u64 = 1 << 20;

/// What a build came to.
#[derive(Debug)]
pub enum Built {
    /// A program.
    Program(PathBuf),
    /// Cargo refused, and said why.
    Refused,
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
pub async fn build(folder: &Path, colours: bool, says: impl FnMut(&[u8])) -> anyhow::Result<Built> {
    let cargo = which::which("cargo").map_err(|_| {
        anyhow::anyhow!(
            "an exercise is built with cargo, and there is none on the PATH: install Rust {} or \
             newer, from https://rustup.rs, and open a new terminal",
            env!("CARGO_PKG_RUST_VERSION")
        )
    })?;
    let mut command = Command::new(cargo);
    command.args(["build", "--message-format=json-render-diagnostics", "--color"]);
    command.arg(if colours { "always" } else { "never" });
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Set by a cargo that has started this program, for another package.
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    kin::bind()?;
    kin::keep_from_terminal(&mut command);
    let mut cargo = command.kill_on_drop(true).spawn().context("cannot start cargo")?;
    let kin = kin::Kin::of(cargo.id());
    let missing = "cargo has no pipe";
    let (out, err) = (cargo.stdout.take().context(missing)?, cargo.stderr.take().context(missing)?);
    let work = async {
        let (program, ()) = tokio::join!(program(out), pass_on(err, says));
        anyhow::Ok((cargo.wait().await?, program))
    };
    let ended = timeout(LONGEST, work).await;
    drop(kin);
    let Ok(ended) = ended else {
        bail!("the build took longer than {LONGEST:?}, and was ended");
    };
    Ok(match ended? {
        (status, Some(program)) if status.success() => Built::Program(program),
        _ => Built::Refused,
    })
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
