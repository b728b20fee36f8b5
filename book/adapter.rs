//! The preprocessor in the process that builds the book, in place of the command of the same name.

use firedrill::book::{Firedrill, RENDERER};
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::errors::Result;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use serde_json::{from_value, json};

/// The preprocessor, as mdBook calls it.
#[derive(Debug)]
pub struct Here(pub Firedrill);

impl Preprocessor for Here {
    fn name(&self) -> &'static str {
        "firedrill"
    }

    fn run(&self, context: &PreprocessorContext, book: Book) -> Result<Book> {
        Ok(from_value(self.0.run(json!([context, book]))?)?)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer == RENDERER)
    }
}
