//! The page of on-call shifts. It takes along all that a shift needs but the module, and works from a folder.

use std::path::Path;

use firedrill_core::catalogue::Catalogue;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::assets::{folder_of_pages, put};
use super::module::Module;
use super::runs::Runs;
use super::walks::{embedded, not_built, sources};
use super::{computed, head};

/// The file beside the page with the ids of the incidents that its shifts may be about, as JSON.
pub const INCIDENTS: &str = "incidents.json";

/// Writes the page into a folder beside the chapters, whence mdBook copies it.
///
/// # Errors
///
/// Returns an error if the page cannot be written, or a walk not be played.
pub fn write(
    source: &Path,
    catalogue: &Catalogue,
    runs: &Runs,
    module: Option<&Module>,
) -> anyhow::Result<()> {
    let folder = folder_of_pages(source, "shift")?;
    let mut of = Vec::new();
    for entry in &catalogue.entries {
        // What a browser cannot run in a walk it cannot run in a shift.
        if computed::walk(runs, entry)?.recorded.is_none() {
            of.push(entry.manifest.id.clone());
        }
    }
    // The list is for classes, too: all in a class draw from the same one.
    put(&folder.join(INCIDENTS), &serde_json::to_string(&of)?)?;
    put(&folder.join("index.html"), &page(catalogue, of, module.is_some()).into_string())
}

/// The data of the page: manifests, debriefs, and the source of each fault, which the reader is asked for.
pub fn data(catalogue: &Catalogue, of: Vec<String>) -> Value {
    let files = catalogue.entries.iter().map(|entry| entry.file("broken"));
    json!({
        "kind": "shift",
        "id": "on-call",
        "command": "firedrill drill",
        "opens": { "of": of },
        "taught": catalogue.for_shift(),
        "sources": sources(catalogue, files),
    })
}

fn page(catalogue: &Catalogue, of: Vec<String>, is_built: bool) -> Markup {
    let left_out = catalogue.entries.len() - of.len();
    let data = embedded(data(catalogue, of));
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head("On call", "../")) }
            body.fd-walk.fd-shift {
                header {
                    p {
                        span.fd-leave { a href="../walk/index.html" { "all walks" } " · " a href="../drill.html" { "the chapter on shifts" } " · " }
                        span #fd-progress {} " "
                        button type="button" #fd-again data-asks="Leave this shift? It has not ended." { "another shift" }
                    }
                    h1 #fd-title { "On call" }
                }
                main { div #fd-page { p { "An outage that you do not know, with a score." } } div #fd-lanes {} }
                footer {
                    p #fd-status role="status" {}
                    noscript { p.fd-remark { "A shift needs JavaScript. In a terminal: " code { "firedrill drill" } "." } }
                    @if !is_built { (not_built()) }
                    p.fd-quiet {
                        "The service runs in this page, in simulated time; memory is the size of its heap. " (left_out)
                        " incidents are left out, since they panic, which a browser cannot catch, or are about memory, and a browser's "
                        "pointers are half as wide. " code { "firedrill drill" } " has them, too."
                    }
                }
                @if is_built { script type="application/json" #fd-walk { (PreEscaped(data)) } }
                script src="../firedrill/walk.js" {}
            }
        }
    }
}
