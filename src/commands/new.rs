//! `firedrill new`: the folder of a new incident, like that of another.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;

/// Writes the folder, and prints what is left to do.
///
/// # Errors
///
/// When the other incident is not known, the name is none, this is no tree of incidents, something
/// is there already, or a file cannot be written.
pub fn write(catalogue: &'static Catalogue, id: &str, like: &str) -> anyhow::Result<ExitCode> {
    let other = catalogue.find(like)?;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(kebab) {
        bail!("`{id}` is no name of an incident: expected lower-case words joined by `-`");
    }
    let name = id.replace('-', "_");
    let from = other.incident.folder();
    let root = Path::new(from).parent().map_or_else(PathBuf::new, Path::to_owned);
    if !root.join("lib.rs").is_file() {
        bail!(
            "there is no {} here: run this at the root of the workspace",
            root.join("lib.rs").display()
        );
    }
    let folder = root.join(&name);
    if folder.exists() {
        bail!("{} is there already, and will not be overwritten", folder.display());
    }
    let mut files: Vec<(String, String)> = catalogue
        .sources()
        .filter_map(|(file, text)| Some((file.strip_prefix(from)?.to_owned(), text.to_owned())))
        .collect();
    files.push(("incident.toml".to_owned(), renamed(other.incident.manifest_toml, id)));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut out = io::stdout().lock();
    for (file, text) in files {
        let path = folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    let lib = root.join("lib.rs");
    writeln!(out, "\nAdd to {}:\n\n    mod {name};\n    &{name}::INCIDENT,\n", lib.display())?;
    writeln!(out, "Then: cargo run --release -- check {id} --skip-live")?;
    Ok(ExitCode::SUCCESS)
}

/// A manifest under another name.
fn renamed(manifest: &str, id: &str) -> String {
    let mut title = id.replace('-', " ");
    title[..1].make_ascii_uppercase();
    let line = |line: &str| match line.split_once(" = ") {
        Some(("id", _)) => format!("id = \"{id}\"\n"),
        Some(("title", _)) => format!("title = \"{title}\"\n"),
        _ => format!("{line}\n"),
    };
    // The first of each: later ones stand in sections of their own.
    manifest.lines().map(line).collect()
}
