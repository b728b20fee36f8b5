//! Programs that the terminal is handed to: tokio-console, the editor, an exercise.

use std::path::{Path, PathBuf};

use firedrill_core::catalogue::Catalogue;

use super::message::Command;
use crate::exercise::package::Package;
use crate::run::spec::this_program;

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

/// Returns the command for an exercise whose package is in the current folder.
fn laid_out(catalogue: &'static Catalogue, id: &str) -> anyhow::Result<Vec<String>> {
    let package = Package::new(catalogue, catalogue.find(id)?, PathBuf::from(id))?;
    package.lay_out()?;
    Ok(vec![this_program()?.display().to_string(), "try".to_owned(), id.to_owned()])
}

/// Editors that take the line as `+N` before the file.
const PLUS_LINE: [&str; 9] =
    ["vi", "vim", "nvim", "view", "nano", "emacs", "emacsclient", "micro", "kak"];

/// Returns the editor command for a file and a line.
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
