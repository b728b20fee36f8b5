//! The commands in README and CONTRIBUTING work.

use std::fs;
use std::path::Path;

use clap::Parser;
use firedrill::cli::{Cli, Verb};

use crate::common::firedrill;

/// The commands of this program in the shell blocks of a document, without comments and redirections.
fn commands(document: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).expect("it is in the tree");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| {
        let line = line.split(['#', '>']).next().unwrap_or_default().trim();
        line.strip_prefix("firedrill").or(line.strip_prefix("cargo run --release -- "))
    });
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn every_command_is_one_that_the_program_understands() {
    let mut all = commands("README.md");
    all.extend(commands("CONTRIBUTING.md"));
    assert!(all.len() > 15, "{all:?}");
    for command in all {
        let words = [&["firedrill".to_owned()], &command[..]].concat();
        let parsed = Cli::try_parse_from(&words).unwrap_or_else(|e| panic!("{words:?}: {e}"));
        assert!(parsed.verb.is_some(), "{words:?}");
    }
}

#[test]
fn those_that_end_by_themselves_do_what_they_say() {
    let folder = tempfile::tempdir().expect("writable");
    let mut run = 0;
    for command in commands("README.md") {
        let words = [&["firedrill".to_owned()], &command[..]].concat();
        let verb = Cli::try_parse_from(&words).expect("tested above").verb;
        // Live runs, on the virtual clock, so that nobody waits for them.
        let clock: &[&str] = match verb {
            Some(Verb::Run(_)) if !command.iter().any(|word| word == "--clock") => {
                &["--clock", "virtual"]
            }
            Some(Verb::Run(_) | Verb::Report { .. } | Verb::List { .. }) => &[],
            _ => continue,
        };
        let words: Vec<&str> =
            command.iter().map(String::as_str).chain(clock.iter().copied()).collect();
        let output = firedrill(&words).current_dir(folder.path()).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
        run += 1;
    }
    assert!(run >= 6, "{run} commands");
}

/// The book's chapters include files by name, and parts of them by anchor.
#[test]
fn the_book_includes_only_what_exists() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src");
    let mut seen = 0;
    for entry in fs::read_dir(&book).expect("it is in the tree") {
        let chapter = entry.expect("readable").path();
        if chapter.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = fs::read_to_string(&chapter).expect("a chapter");
        for include in text.split("{{#include ").skip(1).filter_map(|rest| rest.split_once("}}")) {
            let (path, anchor) = include.0.split_once(':').unwrap_or((include.0, ""));
            let included = fs::read_to_string(book.join(path))
                .unwrap_or_else(|error| panic!("{}: {path}: {error}", chapter.display()));
            let marked = anchor.is_empty() || included.contains(&format!("ANCHOR: {anchor}"));
            assert!(marked, "{}: {path} has no anchor {anchor}", chapter.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen} includes");
}
