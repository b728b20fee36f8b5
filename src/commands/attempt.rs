//! `firedrill try`: "fix it yourself".

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use firedrill_core::catalogue::Catalogue;

use super::{OUTPUT, runtime, status};
use crate::cli::{ExerciseAction, TryOptions};
use crate::exercise::package::Package;
use crate::exercise::session::{self, Ended};
use crate::notice::note;
use crate::user_state::UserState;

/// Lays the exercise out where it is not there yet, and sits with the learner; or does what was asked for.
///
/// # Errors
///
/// When there is no such exercise, its folder is somebody else's, there is no cargo, or nobody reads.
pub fn attempt(catalogue: &'static Catalogue, options: TryOptions) -> anyhow::Result<ExitCode> {
    let TryOptions { incident, what, folder, once } = options;
    let entry = catalogue.find(&incident)?;
    let folder = folder.unwrap_or_else(|| incident.clone().into());
    let package = Package::new(catalogue, entry, folder)?;
    match what {
        Some(ExerciseAction::Reset) => {
            let kept = package.reset()?;
            let mut out = io::stdout().lock();
            writeln!(out, "{} is in its original state.", package.folder.display())?;
            for path in kept {
                writeln!(out, "kept: {}", path.display())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(ExerciseAction::Solution) => {
            let known = |remembered: &mut UserState| {
                remembered.exercises.entry(incident.clone()).or_default().solution = true;
            };
            let said = UserState::change(known).unwrap_or_else(|error| Some(error.to_string()));
            if let Some(said) = said {
                note(&said);
            }
            write!(io::stdout(), "{}", package.solution()).context(OUTPUT)?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
            let sat = async {
                if once || !at_terminal {
                    session::once(catalogue, package).await
                } else {
                    session::sit(catalogue, package).await
                }
            };
            let runtime = runtime()?;
            let ended = runtime.block_on(sat);
            // A thread that waits for keys must not keep the program.
            runtime.shutdown_background();
            Ok(match ended? {
                Ended::Held => status(true),
                Ended::DidNotHold => status(false),
                Ended::Terminated(code) => ExitCode::from(code),
            })
        }
    }
}
