//! The copy of core that packages are built with, in the folder beside them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use firedrill_core::source;

use super::package::{Problem, write};

/// The end of the name of what is not laid out yet.
pub(super) const NEW: &str = ".new";

/// Age after which an unfinished folder is abandoned.
const UNFINISHED: Duration = Duration::from_hours(1);

/// Removes what somebody began to lay out who was ended.
fn forget_unfinished(beside: &Path) {
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        let age =
            entry.metadata().and_then(|of| of.modified()).ok().and_then(|at| at.elapsed().ok());
        let is_new = entry.file_name().to_string_lossy().ends_with(NEW);
        if is_new && age.is_some_and(|age| age > UNFINISHED) {
            // Where it cannot be removed it is in nobody's way.
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Lays it out, whole or not at all.
///
/// # Errors
///
/// When it cannot be written.
pub(super) fn lay_out(beside: &Path) -> Result<(), Problem> {
    // Half a gigabyte of build output does not belong in a repository.
    let ignored = beside.join(".gitignore");
    if !ignored.exists() {
        write(&ignored, "*\n")?;
    }
    forget_unfinished(beside);
    let core = beside.join(name());
    if core.exists() {
        return Ok(());
    }
    let fresh = beside.join(format!("{}.{}{NEW}", name(), std::process::id()));
    if let Err(why) = write_files(&fresh) {
        // The disk may be full: what is there is of no use.
        fs::remove_dir_all(&fresh).ok();
        return Err(why);
    }
    // A faster process created the same.
    match fs::rename(&fresh, &core) {
        Ok(()) => Ok(()),
        Err(_) if core.exists() => {
            fs::remove_dir_all(&fresh).ok();
            Ok(())
        }
        Err(why) => Err(Problem::Io { path: core, why }),
    }
}

fn write_files(folder: &Path) -> Result<(), Problem> {
    for (file, bytes) in source::files() {
        let text = String::from_utf8_lossy(&bytes);
        // The workspace's words on lints are not there.
        let text = if file == "Cargo.toml" { alone(&text) } else { text.into_owned() };
        write(&folder.join(&*file), &text)?;
    }
    Ok(())
}

/// The manifest of core without what it takes from its workspace.
fn alone(text: &str) -> String {
    // Nor are its tests, which a packaged manifest names.
    let left_out = ["[lints", "[[test", "[[bench", "[[example"];
    let lines = text.lines().scan(false, |out, line| {
        if line.starts_with('[') {
            *out = left_out.iter().any(|section| line.starts_with(section));
        }
        Some((*out, line))
    });
    let kept: Vec<&str> = lines.filter(|(out, _)| !out).map(|(_, line)| line).collect();
    let knows = "[lints.rust]\nunexpected_cfgs = { level = \"warn\", check-cfg = [\"cfg(tokio_unstable)\"] }";
    kept.join("\n") + "\n\n" + knows + "\n\n[workspace]\n"
}

/// The version of what packages are built with: this program's, and what its core is made of.
pub(super) fn version() -> String {
    name().trim_start_matches("core-").to_owned()
}

pub(super) fn name() -> String {
    // FNV-1a: the same in every build, which the standard library's hashers do not promise.
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let of = |hash: u64, bytes: &[u8]| bytes.iter().fold(hash, step);
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for (file, bytes) in source::files() {
        hash = of(of(hash, file.as_bytes()), &bytes);
    }
    format!("core-{}-{:08x}", env!("CARGO_PKG_VERSION"), hash as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packaged_manifest_stands_alone_without_what_is_not_there() {
        let packaged = "[package]\nname = \"firedrill-core\"\n\n[lib]\npath = \"src/lib.rs\"\n\n\
                        [[test]]\nname = \"manifests\"\npath = \"tests/manifests.rs\"\n\n\
                        [dependencies.tokio]\nversion = \"1\"\n\n[lints.clippy]\nunwrap_used = \"warn\"\n";
        let text = alone(packaged);
        let read: toml::Table = toml::from_str(&text).expect("still a manifest");
        let has = |name: &str| read.contains_key(name);
        assert!(has("package") && has("lib") && has("dependencies") && has("workspace"), "{text}");
        assert!(!has("test") && !text.contains("unwrap_used"), "{text}");
    }
}
