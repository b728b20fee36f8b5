//! Data flows one way: which module of the crate may name which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Small matters that any module may use.
const ANYWHERE: [&str; 4] = ["axis", "figures", "note", "files"];

/// Each module, and the others that it may name.
const MAY_NAME: [(&str, &[&str]); 17] = [
    ("event", &[]),
    ("incident", &["event"]),
    ("service", &["incident"]),
    ("incidents", &["incident", "service"]),
    ("catalogue", &["incident", "incidents"]),
    ("load", &["event", "incident"]),
    ("serve", &["event", "incident", "service", "catalogue", "heap"]),
    ("back_off", &[]),
    ("replay", &["event", "incident", "service", "catalogue", "load", "heap", "back_off"]),
    ("record", &["event"]),
    ("run", &["event", "incident", "catalogue", "load", "back_off", "record"]),
    ("timeline", &["event", "incident", "load"]),
    ("verdict", &["event", "incident", "timeline"]),
    ("report", &["event", "incident", "load", "timeline", "verdict"]),
    (
        "check",
        &["event", "incident", "incidents", "catalogue", "replay", "run", "timeline", "verdict"],
    ),
    (
        "page",
        &["event", "incident", "catalogue", "load", "record", "timeline", "verdict", "report"],
    ),
    (
        "tui",
        &[
            "event",
            "incident",
            "catalogue",
            "load",
            "run",
            "record",
            "timeline",
            "signals",
            "doctor",
        ],
    ),
];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("readable") {
            sources(&entry.expect("readable").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// The modules that the files of a module name, by `crate::…`.
fn named(module: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    if module == "incidents" {
        sources(&root.join("incidents"), &mut files);
    } else {
        let folder = root.join("src").join(module);
        let place = if folder.is_dir() { folder } else { folder.with_extension("rs") };
        sources(&place, &mut files);
    }
    assert!(!files.is_empty(), "{module} has no source");
    let text: String = files.iter().map(|f| fs::read_to_string(f).expect("readable")).collect();
    let word = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    // `crate::a::…`, or `crate::{a, b::…}`.
    let heads = text.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default().split(", ").map(word).collect(),
        None => vec![word(rest)],
    });
    heads.filter(|name| name != module).collect()
}

#[test]
fn modules_name_only_those_below_them() {
    for (module, allowed) in MAY_NAME {
        let allowed: BTreeSet<&str> = allowed.iter().chain(&ANYWHERE).copied().collect();
        for name in named(module) {
            assert!(allowed.contains(name.as_str()), "`{module}` names `{name}`");
        }
    }
}
