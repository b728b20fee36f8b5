//! A learner's package for the soak tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};

use super::firedrill;

/// The incident of the packages.
pub const ID: &str = "unbuffered-log-channel";

/// The folder of the packages: their dependencies are built once.
pub fn folder() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A package in the folder, built once. `code` takes the place of the line in which a request is described.
pub fn package(name: &str, code: Option<&str>) -> anyhow::Result<PathBuf> {
    let folder = folder()?;
    let package = folder.join(name);
    if package.exists() {
        fs::remove_dir_all(&package)?;
    }
    let lay_out = || {
        let mut once = firedrill(&["try", ID, "--once", "--folder"]);
        once.arg(&package).current_dir(&folder).env("XDG_STATE_HOME", folder.join("state"));
        once.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        once
    };
    // Laid out, and not built: there is no cargo.
    lay_out().env("PATH", "").status().context("cannot start the program")?;
    let file = package.join("src/exercise.rs");
    if let Some(code) = code {
        let text = fs::read_to_string(&file)?;
        let line = "    let described = describe(&request);\n";
        ensure!(text.contains(line), "{} has no line to put code at", file.display());
        fs::write(&file, text.replace(line, &format!("{line}{code}\n")))?;
    }
    // Status 1: the fix does not hold.
    let status = lay_out().status()?;
    ensure!(status.code().is_some_and(|code| code < 2), "{name} cannot be built: {status}");
    Ok(package)
}
