//! `firedrill progress`: which incidents were walked, predicted and fixed, and with which help.

use std::io::{self, Write};
use std::process::ExitCode;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use serde::Serialize;

use crate::cli::ProgressOptions;
use crate::notice::note;
use crate::user_state::{Exercised, Help, UserState};
use firedrill_core::session::progress::WalkProgress;

/// Progress with an incident.
#[derive(Debug, Serialize)]
struct Of<'a> {
    id: &'a str,
    /// Pages of its walk.
    pages: usize,
    walk: Option<&'a WalkProgress>,
    exercise: Option<&'a Exercised>,
}

/// Prints it, or forgets it.
///
/// # Errors
///
/// When it cannot be written, or nobody reads.
pub fn progress(catalogue: &Catalogue, options: &ProgressOptions) -> anyhow::Result<ExitCode> {
    if options.what.is_some() {
        let aside = UserState::forget()?;
        let mut out = io::stdout().lock();
        match aside {
            Some(aside) => {
                writeln!(out, "progress reset; the old file is kept as {}", aside.display())?;
            }
            None => writeln!(out, "there was no progress to reset")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (remembered, said) = UserState::read();
    if let Some(said) = said {
        note(&said);
    }
    let all: Vec<Of> = catalogue.entries.iter().map(|entry| of(entry, &remembered)).collect();
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let wide = all.iter().map(|of| of.id.len()).max().unwrap_or_default();
    writeln!(out, "{:<wide$}  {:<12}  {:<18}  fixed", "", "walk", "answers")?;
    for of in &all {
        let exercise = of.exercise.map_or("–".to_owned(), fixed);
        let (walk, predicted) = (walked(of), predicted(of.walk));
        writeln!(out, "{:<wide$}  {walk:<12}  {predicted:<18}  {exercise}", of.id)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of<'a>(entry: &'a CatalogueEntry, remembered: &'a UserState) -> Of<'a> {
    let id = entry.manifest.id.as_str();
    let (walk, exercise) = (remembered.walks.get(id), remembered.exercises.get(id));
    Of { id, pages: entry.manifest.pages(), walk, exercise }
}

fn walked(of: &Of) -> String {
    match of.walk {
        None => "–".to_owned(),
        Some(walk) if walk.finished => "✔".to_owned(),
        Some(walk) => format!("page {} of {}", walk.pages.min(of.pages), of.pages),
    }
}

/// Describes the answers of a walk and its hints.
fn predicted(walk: Option<&WalkProgress>) -> String {
    match walk {
        None | Some(WalkProgress { answered: 0, .. }) => "–".to_owned(),
        Some(WalkProgress { right, answered, hints: 0, .. }) => format!("{right} of {answered}"),
        Some(WalkProgress { right, answered, hints, .. }) => {
            format!("{right} of {answered}, {}", counted(*hints as u32, "hint"))
        }
    }
}

/// Describes the state of an exercise.
fn fixed(exercise: &Exercised) -> String {
    let verdicts = counted(exercise.verdicts, "verdict");
    let halves: Vec<&str> = exercise
        .partial_fixes
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "broken")
        .collect();
    let halves = match halves.as_slice() {
        [] => String::new(),
        halves => format!(", by way of {}", halves.join(" and ")),
    };
    match exercise.fixed {
        Some(Help { hints: 0, solution: false }) => format!("✔ by yourself, {verdicts}{halves}"),
        Some(Help { solution: true, .. }) => format!("✔ with our solution, {verdicts}{halves}"),
        Some(Help { hints, .. }) => {
            format!("✔ with {}, {verdicts}{halves}", counted(hints, "hint"))
        }
        None => format!("not yet, {verdicts}{halves}"),
    }
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
