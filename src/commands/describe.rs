//! `firedrill completions`, `firedrill man`: how to use the program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;
use firedrill_core::catalogue::Catalogue;

use crate::cli::Cli;

/// Prints a completion script.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn completions(
    catalogue: &'static Catalogue,
    shell: clap_complete::Shell,
) -> io::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut offered(catalogue), "firedrill", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// The commands that people type, and the incidents by name.
fn offered(catalogue: &'static Catalogue) -> clap::Command {
    let all = Cli::command();
    let known: Vec<&'static str> = catalogue.ids().collect();
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| {
        command.clone().mut_args(|argument| match argument.get_id().as_str() {
            "incident" | "incidents" => {
                argument.value_parser(PossibleValuesParser::new(known.clone()))
            }
            _ => argument,
        })
    });
    clap::Command::new("firedrill").args(all.get_arguments().cloned()).subcommands(commands)
}

/// Prints the whole manual in one page: the program, then each command.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn manual() -> io::Result<ExitCode> {
    let mut page = Vec::new();
    let mut program = Cli::command();
    program.build();
    let whole = clap_mangen::Man::new(program.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_description_section(&mut page)?;
    for command in program.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set())
    {
        writeln!(page, ".SH \"FIREDRILL {}\"", command.get_name().to_uppercase())?;
        let part = clap_mangen::Man::new(command.clone());
        part.render_synopsis_section(&mut page)?;
        part.render_description_section(&mut page)?;
        part.render_options_section(&mut page)?;
    }
    whole.render_version_section(&mut page)?;
    io::stdout().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_offers_incidents_and_no_command_of_our_own() {
        let catalogue = crate::pack::catalogue().expect("manifests are in order");
        let mut script = Vec::new();
        let shell = clap_complete::Shell::Bash;
        clap_complete::generate(shell, &mut offered(catalogue), "firedrill", &mut script);
        let script = String::from_utf8(script).expect("text");
        assert!(script.contains("pool-leak"));
        assert!(!script.contains("supervise") && !script.contains("firedrill__child"), "{script}");
    }
}
