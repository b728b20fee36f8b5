//! `firedrill mdbook`: the book's preprocessor, as mdBook calls it.

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use etcetera::BaseStrategy;
use firedrill_core::catalogue::Catalogue;
use mdbook_preprocessor::{MDBOOK_VERSION, Preprocessor, parse_input};

use super::{OUTPUT, status};
use crate::book::Firedrill;
use crate::cli::note;
use crate::run::spec::this_program;

/// Resolves what the chapters ask for: a book on standard input, the same on standard output.
///
/// # Errors
///
/// When the input is no book of mdBook's, or something in it cannot be resolved; the message names chapter and line.
pub fn preprocess(
    catalogue: &'static Catalogue,
    asked: Option<(String, String)>,
) -> anyhow::Result<ExitCode> {
    let firedrill = Firedrill {
        catalogue,
        program: this_program()?,
        cache: etcetera::choose_base_strategy()
            .ok()
            .map(|places| places.cache_dir().join("firedrill/book")),
    };
    if let Some((_, renderer)) = asked {
        return Ok(status(firedrill.supports_renderer(&renderer)?));
    }
    let input = io::stdin().lock();
    let (context, book) = parse_input(input)
        .context("standard input is no book: this command is called by mdBook, not by hand")?;
    if context.mdbook_version != MDBOOK_VERSION {
        note(&format!(
            "firedrill: made for mdBook {MDBOOK_VERSION}, this is {}",
            context.mdbook_version
        ));
    }
    let book = firedrill.run(&context, book)?;
    serde_json::to_writer(io::stdout(), &book).context(OUTPUT)?;
    Ok(ExitCode::SUCCESS)
}
