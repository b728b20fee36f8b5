//! The book's preprocessor, for anybody's mdBook: what a chapter says of a run is computed while the book is
//! built, and a statement that no longer holds fails the build, with its chapter and line.
//!
//! * [`directive`]: what a chapter may ask for; `render`: what stands in its place
//! * [`runs`]: the runs that it is about, on the virtual clock, kept by content
//! * `played`, `quiz`: the questions of a walk, with the figures of a walk that was played, as forms
//! * [`module`], `steps`: what a page needs to run the incident's own code, or runs that stand in for that
//! * `assets`: script and style of the pages

mod assets;
pub mod directive;
pub mod module;
mod played;
mod quiz;
mod render;
pub mod runs;
mod steps;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use firedrill_core::catalogue::Catalogue;
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::errors::{Error, Result};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use module::Module;
use runs::Runs;

/// Resolves what chapters ask for.
#[derive(Debug)]
pub struct Firedrill {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// This program, whose children run the lanes.
    pub program: PathBuf,
    /// Where what was computed is kept for the next build, in a folder for each book; none: it is not.
    pub cache: Option<PathBuf>,
}

impl Preprocessor for Firedrill {
    fn name(&self) -> &'static str {
        "firedrill"
    }

    fn run(&self, ctx: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let module = match ctx.config.get::<PathBuf>("preprocessor.firedrill.lane")? {
            Some(path) => Module::read(&ctx.root.join(path))?,
            None => None,
        };
        if module.is_none() {
            crate::notice::note(
                "firedrill: the lane for browsers is not built: charts that run show runs made beforehand",
            );
        }
        // What one book does not use any more another may.
        let mut hasher = DefaultHasher::new();
        ctx.root.hash(&mut hasher);
        let name = format!("{:016x}", hasher.finish());
        let cache = self.cache.as_ref().map(|folder| folder.join(name));
        let runs = Runs::new(self.catalogue, &self.program, cache.as_deref())?;
        let mut faults = Vec::new();
        let mut used = false;
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item {
                match self.chapter(chapter, &runs, module.as_ref()) {
                    Ok(by_chapter) => used |= by_chapter,
                    Err(mut of_chapter) => faults.append(&mut of_chapter),
                }
            }
        });
        if !faults.is_empty() {
            return Err(Error::msg(faults.join("\n")));
        }
        runs.forget_what_was_not_used();
        if used {
            assets::write(&ctx.root.join(&ctx.config.book.src), module.as_ref())?;
        }
        Ok(book)
    }
}

impl Firedrill {
    /// Resolves what a chapter asks for; tells whether it needs script and style. Faults name chapter and line.
    fn chapter(
        &self,
        chapter: &mut Chapter,
        runs: &Runs,
        module: Option<&Module>,
    ) -> std::result::Result<bool, Vec<String>> {
        let pieces = directive::pieces(&chapter.content);
        let mut page = render::Page::new(self.catalogue, runs, module, &chapter.name, &pieces);
        let mut text = String::with_capacity(chapter.content.len());
        let mut faults = Vec::new();
        for piece in pieces {
            match piece {
                directive::Piece::Text(plain) => text.push_str(plain),
                directive::Piece::Asks { line, asks } => match page.resolve(asks) {
                    Ok(html) => text.push_str(&html),
                    Err(why) => {
                        let name = &chapter.name;
                        faults.push(format!("chapter `{name}`, line {line}: `{asks}`: {why}"));
                    }
                },
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if page.is_used() {
            let depth =
                chapter.path.as_ref().map_or(0, |path| path.components().count().saturating_sub(1));
            text.push_str(&assets::links(depth));
        }
        chapter.content = text;
        Ok(page.is_used())
    }
}
