//! The gate refuses: each file under `tests/bad` makes a good incident bad, and says what `check` must
//! say of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::common::{catalogue, firedrill};

/// An invalid incident.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bad {
    /// The good one.
    incident: String,
    /// The id that is checked, where that is another.
    check: Option<String>,
    /// Texts of its manifest, each with what stands in its place.
    replace: Vec<[String; 2]>,
    /// Expected message.
    says: String,
}

#[test]
fn the_gate_refuses_each_bad_incident_for_its_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut refused = 0;
    for file in fs::read_dir(folder).expect("it is in the tree") {
        let path = file.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let bad: Bad = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let entry = catalogue().find(&bad.incident).expect("the incident is known");
        let mut manifest = entry.incident.manifest_toml.to_owned();
        for [from, to] in &bad.replace {
            assert!(manifest.contains(from), "{}: {from}", path.display());
            manifest = manifest.replacen(from, to, 1);
        }
        // Started where this manifest lies, the program reads it in place of its own.
        let tree = tempfile::tempdir().expect("writable");
        let at = tree.path().join(entry.incident.folder());
        fs::create_dir_all(&at).expect("writable");
        fs::write(at.join("incident.toml"), manifest).expect("writable");
        let id = bad.check.as_ref().unwrap_or(&bad.incident);
        let output = firedrill(&["check", id, "--seeds", "1", "--skip-live"])
            .current_dir(tree.path())
            .output()
            .expect("it starts");
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&bad.says), "{}: {said}", path.display());
        assert_ne!(output.status.code(), Some(0), "{}", path.display());
        refused += 1;
    }
    assert!(refused >= 10);
}

#[test]
fn source_without_marks_is_refused() {
    let catalogue = crate::pack::catalogue();
    let entry = catalogue.find("pool-leak").expect("known");
    let found = firedrill::commands::check::rules::contract(catalogue, entry);
    let said = found.wrong.join("\n");
    assert!(said.contains("no line of a broken variant is marked"), "{said}");
    assert!(said.contains("no line of fixed.rs is marked"), "{said}");
}
