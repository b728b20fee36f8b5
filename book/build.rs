//! Builds the book: `cargo run --release --example book`. The pages are in `target/book` afterwards.
//!
//! mdBook itself does the same, where `mdbook` and `firedrill` are installed: `mdbook build book`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Parser;
use firedrill::book::Firedrill;
use firedrill::cli::Cli;
use firedrill::notice::note;
use firedrill::run::spec::this_program;
use mdbook_driver::MDBook;

mod adapter;

fn main() -> anyhow::Result<ExitCode> {
    // The lanes of its runs are children of this very program.
    if std::env::args().nth(1).is_some_and(|verb| verb == "child") {
        return firedrill::commands::dispatch(Cli::parse());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    lane(root, &target)?;
    let mut book = MDBook::load(root.join("book"))?;
    book.config.build.build_dir = target.join("book");
    book.config.set("preprocessor.firedrill.lane", target.join("lane.wasm"))?;
    book.with_preprocessor(adapter::Here(Firedrill {
        catalogue: firedrill::pack::catalogue()?,
        program: this_program()?,
        cache: Some(target.join("book-cache")),
    }));
    book.build()?;
    note(&format!("{}", target.join("book/index.html").display()));
    Ok(ExitCode::SUCCESS)
}

/// Builds the lane for browsers, where its target is installed.
fn lane(root: &Path, target: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--profile", "page", "-p", "firedrill-page"])
        .args(["--target", "wasm32-wasip1"])
        .status()
        .context("cargo")?;
    if !status.success() {
        note("the lane for browsers was not built: rustup target add wasm32-wasip1");
        return Ok(());
    }
    let built = target.join("wasm32-wasip1/page/firedrill_page.wasm");
    let smaller = target.join("lane.wasm");
    let changed = |path: &Path| path.metadata().and_then(|of| of.modified()).ok();
    if changed(&smaller) > changed(&built) {
        return Ok(());
    }
    let Ok(optimize) = which::which("wasm-opt") else {
        note("wasm-opt is not installed: the lane for browsers is a sixth larger than it could be");
        std::fs::copy(&built, &smaller)?;
        return Ok(());
    };
    let features = [
        "bulk-memory",
        "sign-ext",
        "mutable-globals",
        "nontrapping-float-to-int",
        "reference-types",
        "multivalue",
    ];
    let status = Command::new(optimize)
        .arg("-Oz")
        .args(features.map(|feature| format!("--enable-{feature}")))
        .arg(&built)
        .arg("-o")
        .arg(&smaller)
        .status()?;
    ensure!(status.success(), "wasm-opt ended with {status}");
    Ok(())
}
