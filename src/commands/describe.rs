//! `firedrill completions`, `firedrill man`: how to use the program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::Cli;

/// Prints a completion script.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn completions(shell: clap_complete::Shell) -> io::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "firedrill", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
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
