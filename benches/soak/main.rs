//! Soak tests that take too long for the suite: ten minutes of a run whose lane crashes again and again, and a
//! thousand wrong command lines, damaged recordings and kills. `cargo bench --bench soak -- all`; or one of
//! `minutes N`, `commands N`, `recordings N`, `kills N`, `terminals N`, `floods SECONDS`. One line of result each;
//! status 1 if one fails.
//!
//! * [`lasts`]: whether parent, children, descriptors and threads grow
//! * [`hostile`]: command lines, recordings
//! * [`kills`]: parents killed at any moment; [`terminals`]: the same of programs that build, or lend the terminal
//! * [`floods`]: code that says more than anybody can read; [`packages`]: the learner's packages for both

#![allow(clippy::disallowed_methods, reason = "what is watched are processes, by the wall's clock")]

mod floods;
mod hostile;
mod kills;
mod lasts;
mod packages;
mod terminals;

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

const FIREDRILL: &str = env!("CARGO_BIN_EXE_firedrill");

/// The seed of all that is drawn: the same hostile inputs each time.
const SEED: u64 = 1;

/// Result of one part: a line, and true if it is as expected.
struct Found {
    well: bool,
    says: String,
}

fn firedrill(arguments: &[&str]) -> Command {
    let mut command = Command::new(FIREDRILL);
    command.args(arguments);
    command
}

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<bool> {
    let parts: Vec<(&str, u64)> = match words {
        // `cargo bench` alone is for the figures.
        [] => {
            println!("soak: nothing asked for; say `cargo bench --bench soak -- all`");
            return Ok(true);
        }
        ["all"] => vec![
            ("commands", 1000),
            ("recordings", 1000),
            ("kills", 100),
            ("terminals", 200),
            ("floods", 30),
            ("minutes", 10),
        ],
        [part, times] => vec![(*part, times.parse().context("how often is a number")?)],
        _ => bail!(
            "expected `all`, or one of minutes, commands, recordings, kills, terminals, floods with a number"
        ),
    };
    let mut well = true;
    for (part, times) in parts {
        let found = match part {
            "minutes" => lasts::minutes(times)?,
            "commands" => hostile::commands(times)?,
            "recordings" => hostile::recordings(times)?,
            "kills" => kills::kills(times)?,
            "terminals" => terminals::terminals(times)?,
            "floods" => floods::floods(times)?,
            other => {
                bail!("{other} is none of minutes, commands, recordings, kills, terminals, floods")
            }
        };
        let mark = if found.well { "ok    " } else { "FAILED" };
        println!("{mark}  {part:<10} {}", found.says);
        well &= found.well;
    }
    Ok(well)
}
