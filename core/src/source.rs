//! The source of this package, with the feature `source`: an exercise's package is built with a copy of it.

use std::borrow::Cow;

#[derive(rust_embed::Embed)]
#[folder = "."]
#[include = "Cargo.toml"]
#[include = "src/*"]
struct Folder;

/// Its files: their paths in the package, and what is in them.
pub fn files() -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, [u8]>)> {
    Folder::iter().filter_map(|path| Some((path.clone(), Folder::get(&path)?.data)))
}
