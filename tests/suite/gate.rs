//! `firedrill check`, for each incident: what each manifest says holds on the virtual clock, with
//! the bug switched off on the way. Its live runs and other seeds take minutes; CI has the command itself make them.

use firedrill::commands::check::wall_clock::find;

use crate::common::{catalogue, firedrill};

#[expect(clippy::unused_async, reason = "called as the checks of other tests are")]
async fn is_what_its_manifest_says(incident: &str) {
    let output = firedrill(&["check", incident, "--seeds", "1", "--skip-live"]).output();
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.lines().any(|line| line == incident), "{said}");
    assert!(!said.contains("FAILED"), "{said}");
}

mod every_incident_is_what_its_manifest_says {
    each_incident!(super::is_what_its_manifest_says);
}

#[test]
fn sources_are_those_of_this_tree() {
    let files: Vec<(String, &str)> = catalogue().sources().collect();
    for entry in &catalogue().entries {
        for variant in entry.incident.variants {
            let file = entry.file(variant.name);
            assert!(files.iter().any(|(known, _)| *known == file), "{file} is not embedded");
        }
    }
    for (file, text) in &files {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert_eq!(std::fs::read_to_string(path).expect("it is in the tree"), *text, "{file}");
    }
}

#[test]
fn a_call_of_the_wall_clock_planted_in_an_incident_is_named() {
    for (file, text) in catalogue().sources() {
        assert_eq!(find(&file, text), Ok(Vec::new()));
        let planted =
            format!("{text}\nfn planted() {{ std::thread::sleep(Default::default()) }}\n");
        let found = find(&file, &planted).expect("still Rust");
        let line = text.lines().count() + 2;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].path.as_str()), (line, "std::thread::sleep"), "{file}");
    }
}

#[test]
fn the_readme_lists_what_there_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("it is in the tree");
    let (_, table) = readme.split_once("## The incidents").expect("it has the table");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = catalogue()
        .entries
        .iter()
        .map(|entry| {
            let manifest = &entry.manifest;
            let names = manifest.variants.iter().map(|v| format!("`{}`", v.name));
            let names: Vec<String> = names.collect();
            format!("| `{}` | {} | {} |", manifest.id, manifest.summary, names.join(", "))
        })
        .collect();
    assert_eq!(rows, expected, "the table of README.md; this is how it should read");
}
