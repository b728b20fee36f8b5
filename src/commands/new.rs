//! `firedrill new`: the folder of a new incident, like that of another.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::params;

/// Writes the folder, and prints what is left to do.
///
/// # Errors
///
/// When the other incident is not known, the name is none, this is no tree of incidents, something
/// is there already, or a file cannot be written.
pub fn write(catalogue: &'static Catalogue, id: &str, like: &str) -> anyhow::Result<ExitCode> {
    let other = catalogue.find(like)?;
    if !is_name(id) {
        bail!(
            "invalid incident name `{id}`: expected lower-case words joined by `-`, the first of \
             which begins with a letter, and none that is a word of Rust's own"
        );
    }
    let name = id.replace('-', "_");
    let from = other.incident.folder();
    let root = Path::new(from).parent().map_or_else(PathBuf::new, Path::to_owned);
    if !root.join("lib.rs").is_file() {
        bail!("{} not found: run this at the root of the workspace", root.join("lib.rs").display());
    }
    let folder = root.join(&name);
    if folder.exists() {
        bail!("{} exists already and will not be overwritten", folder.display());
    }
    let mut files: Vec<(String, String)> = catalogue
        .sources()
        .filter_map(|(file, text)| Some((file.strip_prefix(from)?.to_owned(), text.to_owned())))
        .collect();
    files.push(("incident.toml".to_owned(), renamed(other.incident.manifest_toml, id)));
    // Parameters are one incident's alone.
    let own = other.manifest.params.keys().filter(|name| params::find(name).is_none());
    let own: Vec<(String, String)> = own.map(|p| (p.clone(), format!("{name}_{p}"))).collect();
    let (old_files, new_files) = (format!("\"{}/", other.incident.name()), format!("\"{name}/"));
    for (_, text) in &mut files {
        // The files that its exercise gives out.
        *text = text.replace(&old_files, &new_files);
        for (old, new) in &own {
            *text = with_word(text, old, new);
        }
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut out = io::stdout().lock();
    for (file, text) in files {
        let path = folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    let lib = root.join("lib.rs");
    writeln!(out, "\nAdd to {}:\n\n    mod {name};\n    &{name}::INCIDENT,\n", lib.display())?;
    for (old, new) in &own {
        writeln!(out, "The parameter `{old}` of {like} is renamed to `{new}`.")?;
    }
    writeln!(out, "Then: cargo run --release -- check {id} --draft")?;
    Ok(ExitCode::SUCCESS)
}

/// Words that no module can be called, and the pack's own.
const TAKEN: [&str; 53] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "lib", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "examples",
];

/// Returns true for a valid id of an incident, which is also the name of its module.
fn is_name(id: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let begins = id.starts_with(|c: char| c.is_ascii_lowercase());
    begins && id.split('-').all(word) && !TAKEN.contains(&id)
}

/// A text with another word in place of one, wherever that stands alone.
fn with_word(text: &str, old: &str, new: &str) -> String {
    let within = |c: char| c.is_alphanumeric() || c == '_';
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        let alone = !before.ends_with(within) && !after.starts_with(within);
        done.push_str(before);
        done.push_str(if alone { new } else { old });
        rest = after;
    }
    done + rest
}

/// A manifest under another name.
fn renamed(manifest: &str, id: &str) -> String {
    let mut title = id.replace('-', " ");
    title[..1].make_ascii_uppercase();
    // Questions and steps have ids and titles, too, in sections of their own.
    let mut at_top = true;
    let mut line = |line: &str| {
        at_top &= !line.starts_with('[');
        match line.split_once(" = ") {
            Some(("id", _)) if at_top => format!("id = \"{id}\"\n"),
            Some(("title", _)) if at_top => format!("title = \"{title}\"\n"),
            _ => format!("{line}\n"),
        }
    };
    manifest.lines().map(&mut line).collect()
}

#[cfg(test)]
mod tests {
    use firedrill_core::incident::Manifest;
    use firedrill_core::incident::manifest::SourceNames;

    use super::*;

    #[test]
    fn a_name_is_one_that_a_module_can_have() {
        for good in ["slow-disk", "a1", "x-2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-", "self", "mod", "9lives", "a--b", "a-", "lib", "Slow", "a_b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn every_manifest_is_one_under_another_name() {
        for entry in &crate::pack::catalogue().expect("manifests are in order").entries {
            let text = renamed(entry.incident.manifest_toml, "slow-disk");
            let constants = entry.manifest.constants.clone();
            let source = SourceNames { metrics: None, constants };
            let read = Manifest::parse_knowing("incident.toml", &text, source);
            let read = read.unwrap_or_else(|error| panic!("{}: {error}", entry.manifest.id));
            assert_eq!((read.id.as_str(), read.title.as_str()), ("slow-disk", "Slow disk"));
            assert_eq!(read.questions.len(), entry.manifest.questions.len());
        }
    }

    #[test]
    fn a_word_is_replaced_where_it_stands_alone() {
        let text = with_word("wait_ms = \"pool_wait_ms wait_ms\"", "wait_ms", "x");
        assert_eq!(text, "x = \"pool_wait_ms x\"");
    }
}
