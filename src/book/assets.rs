//! Script and style of the book's pages. They load nothing from another host, and work from a folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::module::{HOST, Module};

/// The folder of these, beside the chapters' texts, where it can be written.
///
/// # Errors
///
/// When it cannot.
pub fn folder(source: &Path) -> anyhow::Result<PathBuf> {
    let folder = source.join("firedrill");
    let why = || {
        format!(
            "{}: scripts of the pages are written there, and mdBook copies them",
            folder.display()
        )
    };
    fs::create_dir_all(&folder).with_context(why)?;
    let script = folder.join("firedrill.js");
    fs::OpenOptions::new().append(true).create(true).open(&script).with_context(why)?;
    Ok(folder)
}

/// Writes what pages need beside the chapters' texts, whence mdBook copies it. What is there already in the
/// same form is left alone, so that file watchers do not react.
pub fn write(folder: &Path, module: Option<&Module>) -> anyhow::Result<()> {
    let module_js = include_str!("module.js");
    for (name, own) in
        [("firedrill.js", include_str!("page.js")), ("walk.js", include_str!("walk.js"))]
    {
        put(&folder.join(name), &format!("{HOST}\n{module_js}\n{own}"))?;
    }
    put(&folder.join("firedrill.css"), include_str!("page.css"))?;
    put(&folder.join("walk.css"), include_str!("walk.css"))?;
    let lane = folder.join("lane.js");
    match module {
        Some(module) => {
            let text = packed(&module.bytes)?;
            let manifests = crate::pack::for_pages()?;
            put(&lane, &format!("firedrillLane({}, {manifests});\n", serde_json::to_string(&text)?))
        }
        None if lane.exists() => fs::remove_file(&lane).context("lane.js of an earlier build"),
        None => Ok(()),
    }
}

/// Bytes as a page takes them along: compressed, as text.
pub fn packed(bytes: &[u8]) -> anyhow::Result<String> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(bytes)?;
    Ok(STANDARD.encode(gz.finish()?))
}

/// A folder for pages beside the chapters' texts, whence mdBook copies it.
pub fn folder_of_pages(source: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = source.join(name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// Writes a file, unless it says the same already.
pub fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Returns the links of a page at this folder depth. mdBook's page of all chapters is at the root.
pub fn links(depth: usize) -> String {
    let root = "../".repeat(depth);
    format!(
        "\n\n<script>if (!globalThis.firedrillLinked) {{ globalThis.firedrillLinked = true; \
         const at = typeof path_to_root === 'string' ? path_to_root : '{root}'; \
         document.head.append(Object.assign(document.createElement('link'), \
         {{ rel: 'stylesheet', href: at + 'firedrill/firedrill.css' }}), \
         Object.assign(document.createElement('script'), {{ src: at + 'firedrill/firedrill.js' }})); }}</script>\
         <noscript><link rel=\"stylesheet\" href=\"{root}firedrill/firedrill.css\"></noscript>\n"
    )
}
