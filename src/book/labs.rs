//! The pages of the labs: one an incident. Each takes along all that its lab needs but the module, and works from a
//! folder.

use std::path::Path;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::assets::{folder_of_pages, put};
use super::module::Module;
use super::played::WhyRecorded;
use super::runs::Runs;
use super::walks::{embedded, heap_scale, not_built, plan_of, sources};
use super::{computed, head};

/// Writes the pages into a folder beside the chapters, whence mdBook copies them.
///
/// # Errors
///
/// Returns an error if a page cannot be written, or a walk not be played.
pub fn write(
    source: &Path,
    catalogue: &Catalogue,
    runs: &Runs,
    module: Option<&Module>,
) -> anyhow::Result<()> {
    let folder = folder_of_pages(source, "lab")?;
    for entry in &catalogue.entries {
        let panics =
            matches!(computed::walk(runs, entry)?.recorded, Some((WhyRecorded::Panics, _)));
        let runs_here = module.filter(|_| !panics);
        let scale = match runs_here {
            Some(module) => heap_scale(runs, module, &entry.manifest)?,
            None => None,
        };
        let mut data = data(catalogue, entry);
        data["heap_scale"] = json!(scale);
        let page = page(entry, runs_here.map(|_| data), panics);
        put(&folder.join(format!("{}.html", entry.manifest.id)), &page.into_string())?;
    }
    Ok(())
}

/// The data of a lab for its page: plan, manifest and source.
pub fn data(catalogue: &Catalogue, entry: &CatalogueEntry) -> Value {
    let manifest = &entry.manifest;
    let files = manifest.variants.iter().map(|variant| entry.file(&variant.name));
    let shared = format!("{}shared.rs", entry.incident.folder());
    json!({
        "kind": "lab",
        "id": format!("lab:{}", manifest.id),
        "command": format!("firedrill lab {}", manifest.id),
        "opens": { "plan": plan_of(manifest) },
        "taught": Catalogue::for_walk(entry),
        "sources": sources(catalogue, files.chain([shared])),
    })
}

/// The page of one lab; without data, its lanes cannot run there.
fn page(entry: &CatalogueEntry, data: Option<Value>, panics: bool) -> Markup {
    let manifest = &entry.manifest;
    let chapter = format!("../incidents/{}.html", manifest.id);
    let walk = format!("../walk/{}.html", manifest.id);
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(&manifest.title, "../")) }
            body.fd-walk.fd-lab {
                header {
                    p {
                        span.fd-leave { a href=(walk) { "the walk" } " · " a href=(chapter) { "the chapter" } " · " }
                        span #fd-progress {} " "
                        button type="button" #fd-again { "start again" }
                    }
                    h1 #fd-title { (manifest.title) }
                }
                main { div #fd-page { p { (manifest.summary) "." } } div #fd-lanes {} }
                footer {
                    p #fd-status role="status" {}
                    noscript { p.fd-remark { "A lab needs JavaScript. In a terminal: " code { "firedrill lab " (manifest.id) } "." } }
                    @if panics {
                        p.fd-remark {
                            "The code of this incident panics, which a browser cannot catch, so this lab cannot run here. In a terminal: "
                            code { "firedrill lab " (manifest.id) } "."
                        }
                    } @else if data.is_none() { (not_built()) }
                    p.fd-quiet { "The service runs in this page, in simulated time; memory is the size of its heap." }
                }
                @if let Some(data) = data { script type="application/json" #fd-walk { (PreEscaped(embedded(data))) } }
                script src="../firedrill/walk.js" {}
            }
        }
    }
}
