//! What README and CONTRIBUTING tell people to type works.

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
