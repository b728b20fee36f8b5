//! The book's preprocessor, for anybody's mdBook: what a chapter says of a run is computed while the book is
//! built, and a statement that no longer holds fails the build, with its chapter and line.
//!
//! * [`directive`]: what a chapter may ask for; `render`: what stands in its place
//! * [`runs`]: the runs that it is about, on the virtual clock, kept by content
//! * `played`, `quiz`: the questions of a walk, with the figures of a walk that was played, as forms
//! * [`module`], `steps`: what a page needs to run the incident's own code, or runs that stand in for that
//! * `computed`: results that are kept for the next build; `walks`, `shifts`, `labs`: the pages of
//!   walks, shifts and labs
//! * `assets`: script and style of the pages

mod assets;
mod computed;
pub mod directive;
pub mod labs;
pub mod module;
pub mod played;
mod quiz;
mod render;
pub mod runs;
pub mod shifts;
mod steps;
pub mod walks;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use firedrill_core::catalogue::Catalogue;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use module::Module;
use runs::Runs;

/// The renderer that scripts and forms are for; others get chapters as they are written.
pub const RENDERER: &str = "html";

/// The content of the head of a page beside the chapters; `root` leads from it to the root of the book.
pub fn head(title: &str, root: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        title { (title) " · firedrill" }
        link rel="icon" href="data:,";
        link rel="stylesheet" href={ (root) "firedrill/firedrill.css" };
        link rel="stylesheet" href={ (root) "firedrill/walk.css" };
    }
}

/// Resolves what chapters ask for.
#[derive(Debug)]
pub struct Firedrill {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// This program, whose children run the lanes.
    pub program: PathBuf,
    /// Cache folder for computed results, one per book; none: no cache.
    pub cache: Option<PathBuf>,
}

/// Part of mdBook's request besides the book. Versions of mdBook differ in the rest, which is ignored.
#[derive(Debug, Deserialize)]
struct Request {
    root: PathBuf,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    mdbook_version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    book: BookConfig,
    preprocessor: Preprocessors,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct BookConfig {
    src: PathBuf,
}

impl Default for BookConfig {
    fn default() -> Self {
        Self { src: PathBuf::from("src") }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Preprocessors {
    firedrill: Own,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Own {
    lane: Option<PathBuf>,
    walks: bool,
}

/// Part of a chapter.
#[derive(Debug, Deserialize)]
struct Chapter {
    name: String,
    content: String,
    path: Option<PathBuf>,
}

/// Names of the list of a book's parts: mdBook 0.5's and 0.4's.
const PARTS: [&str; 2] = ["items", "sections"];

impl Firedrill {
    /// Resolves a book as mdBook hands it to a preprocessor: context and book in, the same book out.
    ///
    /// # Errors
    ///
    /// When it is not an mdBook request, or something in it cannot be resolved; the message names chapter and line.
    pub fn run(&self, input: Value) -> anyhow::Result<Value> {
        let Ok([told, mut book]) = serde_json::from_value::<[Value; 2]>(input) else {
            bail!("expected a list of mdBook's context and its book");
        };
        let told = Request::deserialize(told).context("it has no context of mdBook's")?;
        let parts = PARTS.into_iter().find(|name| book[name].is_array());
        let parts = parts.map(|name| &mut book[name]).with_context(|| {
            format!(
                "mdBook {} lists its chapters neither as {}",
                told.mdbook_version,
                PARTS.join(" nor as ")
            )
        })?;
        let module = match &told.config.preprocessor.firedrill.lane {
            Some(path) => Module::read(&told.root.join(path))?,
            None => None,
        };
        if module.is_none() {
            crate::notice::note(
                "firedrill: the lane for browsers is not built: charts that run show runs made beforehand",
            );
        }
        // What one book does not use any more another may.
        let mut hasher = DefaultHasher::new();
        told.root.hash(&mut hasher);
        let name = format!("{:016x}", hasher.finish());
        let cache = self.cache.as_ref().map(|folder| folder.join(name));
        // One that cannot be written is none.
        let cache = cache.filter(|folder| std::fs::create_dir_all(folder).is_ok());
        if cache.is_none() {
            crate::notice::note(
                "firedrill: no cache folder: the next build computes all figures again",
            );
        }
        let runs = Runs::new(self.catalogue, &self.program, cache.as_deref())?;
        // Made first: that it cannot be written is known before minutes of computing.
        let writes = assets::folder(&told.root.join(&told.config.book.src))?;
        let mut reader = Reader {
            firedrill: self,
            runs: &runs,
            module: module.as_ref(),
            faults: Vec::new(),
            used: false,
        };
        reader.parts(parts)?;
        if !reader.faults.is_empty() {
            return Err(anyhow!(reader.faults.join("\n")));
        }
        let used = reader.used;
        let wants_walks = told.config.preprocessor.firedrill.walks;
        if used || wants_walks {
            assets::write(&writes, module.as_ref())?;
        }
        if wants_walks {
            let source = told.root.join(&told.config.book.src);
            walks::write(&source, self.catalogue, &runs, module.as_ref())?;
            shifts::write(&source, self.catalogue, &runs, module.as_ref())?;
            labs::write(&source, self.catalogue, &runs, module.as_ref())?;
        }
        runs.forget_what_was_not_used();
        Ok(book)
    }
}

/// Goes through the parts of a book.
struct Reader<'a> {
    firedrill: &'a Firedrill,
    runs: &'a Runs,
    module: Option<&'a Module>,
    faults: Vec<String>,
    used: bool,
}

impl Reader<'_> {
    fn parts(&mut self, parts: &mut Value) -> anyhow::Result<()> {
        let chapters = parts.as_array_mut().into_iter().flatten();
        for chapter in chapters.filter_map(|part| part.get_mut("Chapter")) {
            let read = Chapter::deserialize(&*chapter).context("a chapter of another mdBook")?;
            match self.firedrill.chapter(&read, self.runs, self.module) {
                Ok(Some(text)) => {
                    chapter["content"] = text.into();
                    self.used = true;
                }
                Ok(None) => {}
                Err(mut of_chapter) => self.faults.append(&mut of_chapter),
            }
            if let Some(inner) = chapter.get_mut("sub_items") {
                self.parts(inner)?;
            }
        }
        Ok(())
    }
}

impl Firedrill {
    /// A chapter with what it asks for, and what that needs; none where it asks for nothing. Faults name chapter and
    /// line.
    fn chapter(
        &self,
        chapter: &Chapter,
        runs: &Runs,
        module: Option<&Module>,
    ) -> Result<Option<String>, Vec<String>> {
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
            let folders = |path: &Path| path.components().count().saturating_sub(1);
            text.push_str(&assets::links(chapter.path.as_deref().map_or(0, folders)));
        }
        Ok((text != chapter.content).then_some(text))
    }
}
