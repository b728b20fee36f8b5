//! Programs that the terminal is handed to: tokio-console, the editor, an exercise.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use firedrill_core::catalogue::Catalogue;
use tokio::process::Command as Process;
use tokio::time::timeout;

use super::message::Command;
use crate::exercise::package::Package;
use crate::run::spec::this_program;

/// How long leaving may wait for a program to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// Starts a program, attended: it ends with this one, however that ends.
///
/// # Errors
///
/// When it cannot be started.
pub fn attended(program: &[String]) -> io::Result<tokio::process::Child> {
    Process::new(this_program()?).arg("attend").args(program).spawn()
}

/// The program that a command hands the terminal to, with its arguments; none: it hands it to nobody.
pub fn program_for(
    catalogue: &'static Catalogue,
    command: &Command,
) -> Option<Result<Vec<String>, String>> {
    match command {
        Command::Console(port) => {
            Some(Ok(vec!["tokio-console".into(), format!("http://127.0.0.1:{port}")]))
        }
        Command::Edit(path, line) => Some(editor(path, *line)),
        Command::Exercise(id) => {
            Some(laid_out(catalogue, id).map_err(|error| format!("{error:#}")))
        }
        _ => None,
    }
}

/// What to start to sit at an exercise, whose package is laid out in the folder that the program was started in.
fn laid_out(catalogue: &'static Catalogue, id: &str) -> anyhow::Result<Vec<String>> {
    let package = Package::new(catalogue, catalogue.find(id)?, PathBuf::from(id))?;
    package.lay_out()?;
    Ok(vec![this_program()?.display().to_string(), "try".to_owned(), id.to_owned()])
}

/// Editors that take the line as `+N` before the file.
const PLUS_LINE: [&str; 9] =
    ["vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "kak"];

/// What to start to edit a file at a line.
fn editor(path: &Path, line: usize) -> Result<Vec<String>, String> {
    let set = ["VISUAL", "EDITOR"].iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(value).filter(|value| !value.trim().is_empty())
    });
    let Some(set) = set else {
        return Err("$EDITOR is not set: `export EDITOR=vim`, for example, before firedrill \
                    is started."
            .to_owned());
    };
    let mut program =
        shell_words::split(&set).map_err(|error| format!("$EDITOR is `{set}`: {error}"))?;
    let name = Path::new(&program[0]).file_name().unwrap_or_default().to_string_lossy();
    if PLUS_LINE.contains(&name.as_ref()) {
        program.push(format!("+{line}"));
    }
    program.push(path.display().to_string());
    Ok(program)
}

/// Ends what is attended, and waits for it.
pub async fn dismiss(console: &mut tokio::process::Child) {
    #[cfg(unix)]
    if let Some(pid) = console.id().and_then(|pid| i32::try_from(pid).ok()) {
        use nix::sys::signal::{Signal, kill};
        // It has ended by itself, if not.
        kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    if timeout(FAREWELL, console.wait()).await.is_err() {
        console.start_kill().ok();
    }
}
