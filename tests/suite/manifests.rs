//! Every manifest is in order, and a broken one is refused with file, line and field.

use std::collections::BTreeSet;

use firedrill_core::incident::Manifest;
use firedrill_core::incident::params;

use crate::common::catalogue;

const GOOD: &str = include_str!("../data/pool-leak.toml");

#[test]
fn ids_follow_their_folders_and_names_are_unique() {
    let mut known = BTreeSet::new();
    for entry in &catalogue().entries {
        assert_eq!(entry.manifest.id, entry.incident.name().replace('_', "-"));
        for name in entry.manifest.params.keys() {
            // The service's own may be named by any.
            let own = params::find(name).is_none();
            assert!(!own || known.insert(name), "parameter {name} belongs to two incidents");
        }
        let variants = entry.manifest.variants.iter().map(|v| &v.name);
        for variant in variants {
            let checks = entry.manifest.expectations.iter().filter(|e| &e.variant == variant);
            assert!(checks.count() > 0, "{}={variant} is held to nothing", entry.manifest.id);
        }
    }
}

#[test]
fn each_bug_bites_within_ten_seconds_of_its_release() {
    for entry in &catalogue().entries {
        assert!(entry.manifest.release_s() <= 5.0);
        let values = entry.manifest.formula_values();
        for expectation in &entry.manifest.expectations {
            if let Some(end) = &expectation.window.to_s {
                assert!(end.eval(&values).expect("has a value") <= 10.0, "{}", entry.manifest.id);
            }
        }
    }
}

/// Replaces `from` by `to` in a good manifest, and returns what is said of it.
fn said(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let broken = GOOD.replacen(from, to, 1);
    let error = Manifest::parse("incident.toml", &broken).expect_err("it is broken");
    let line = broken.lines().nth(error.line - 1).unwrap_or_default();
    format!("{error} | {line}")
}

#[test]
fn a_broken_manifest_is_refused_with_line_and_field() {
    for (from, to, file_and_line, about, line) in [
        (
            "symptom = \"down\"",
            "symptom = \"bad\"",
            "incident.toml:",
            "unknown variant `bad`",
            "symptom",
        ),
        (
            "rate_per_s = 200",
            "rate_per_s = 0",
            ":",
            "field `rate_per_s`: expected 1 to 5000",
            "rate_per_s",
        ),
        (
            "weight = 1\n",
            "weight = -1\n",
            ":",
            "field `weight`: expected at least 0",
            "weight = -1",
        ),
        (
            "value = 5\n",
            "value = 500\n",
            ":",
            "field `value`: `store_error_percent` = 500 is out of range: 0 to 100 %",
            "value = 500",
        ),
        ("id = \"pool-leak\"", "id = \"Pool Leak\"", ":", "lower-case words", "id ="),
        ("path = \"/orders\"", "path = \"orders\"", ":", "expected to begin with `/`", "path ="),
        ("bugs = \"on\"", "bogs = \"on\"", ":", "unknown field `bogs`", "bogs"),
        ("below = 5\n", "", ":", "expected one of below, above", "[[expect]]"),
        (
            "slope_per_s = \"rate_per_s\"",
            "slope_per_s = \"speed\"",
            ":",
            "unknown value `speed`",
            "slope_per_s =",
        ),
        ("slope_per_s = \"rate_per_s\"", "slope_per_s = \"1 +\"", ":", "formula `1 +`", "slope"),
        (
            "variant = \"broken\"\nmetric",
            "variant = \"brkn\"\nmetric",
            ":",
            "unknown variant `brkn`",
            "variant = \"brkn\"",
        ),
        ("at_s = 3\n", "at_s = 300\n", ":", "field `at_s`", "at_s = 300"),
        ("id = ", "id ", ":", "", "id "),
    ] {
        let said = said(from, to);
        assert!(said.contains(file_and_line) && said.contains(about), "{to}: {said}");
        let (_, shown) = said.rsplit_once('|').expect("the line stands at the end");
        assert!(shown.contains(line), "{to}: {said}");
    }
}

#[test]
fn a_nasty_manifest_is_refused_with_a_line() {
    for (name, expected) in [
        ("empty.toml", "missing field"),
        ("no-toml.toml", "no-toml.toml:1: "),
        ("nan.toml", "field `duration_s`: expected 0 to 3600 seconds, found NaN"),
        ("endless.toml", "field `rate_per_s`: expected 1 to 5000"),
        ("no-weight.toml", "expected a weight above 0 in at least one [[load.request]]"),
        (
            "late-phase.toml",
            "field `at_s`: expected later than the phase before and within the run",
        ),
        ("long-formula.toml", "longer than 400 characters"),
        ("deep-formula.toml", "not a finite number"),
        ("deep.toml", "max recursion depth"),
        ("huge-body.toml", "body_bytes"),
        ("no-switch-off.toml", "missing field `switch_off`"),
        ("late-switch-off.toml", "field `after_s`: expected 0.5 to 600 seconds"),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nasty").join(name);
        let text = std::fs::read_to_string(path).expect("it is in the tree");
        let error = Manifest::parse(name, &text).expect_err(name);
        assert!(error.line >= 1);
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}
