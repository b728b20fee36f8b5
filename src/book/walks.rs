//! The pages of the guided walks: one an incident, and a list of them. Each page takes along all that its walk needs
//! but the module, and works from a folder.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Duration;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::event::Clock;
use firedrill_core::incident::manifest::{Manifest, Symptom};
use firedrill_core::plan::Plan;
use firedrill_core::prose::capital;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::assets::{folder_of_pages, packed, put};
use super::module::Module;
use super::played::WhyRecorded;
use super::runs::Runs;
use super::{computed, head};

/// Writes the pages into a folder beside the chapters, whence mdBook copies them.
///
/// # Errors
///
/// When a page cannot be written, or a walk not be played.
pub fn write(
    source: &Path,
    catalogue: &Catalogue,
    runs: &Runs,
    module: Option<&Module>,
) -> anyhow::Result<()> {
    let folder = folder_of_pages(source, "walk")?;
    let walks: Vec<&CatalogueEntry> = catalogue
        .entries
        .iter()
        .map(AsRef::as_ref)
        .filter(|e| !e.manifest.walk.is_empty())
        .collect();
    put(&folder.join("index.html"), &list(&walks, module.is_some()).into_string())?;
    for entry in walks {
        let page = page(catalogue, entry, runs, module)?.into_string();
        put(&folder.join(format!("{}.html", entry.manifest.id)), &page)?;
    }
    Ok(())
}

/// The remark of a page where nothing can run.
pub(super) fn not_built() -> Markup {
    html! { p.fd-remark {
        "This book was built without the incidents for browsers, so its walks and shifts cannot run here. Install the "
        "target before the book is built: " code { "rustup target add wasm32-wasip1" } "."
    } }
}

/// The list of all walks, by symptom.
fn list(walks: &[&CatalogueEntry], is_built: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head("Guided walks", "../")) }
            body {
                header { p { a href="../index.html" { "the book" } } h1 { "Guided walks" } }
                main {
                    p {
                        "Each walk replays one outage beside a service that has no bug, stops the time at each step, "
                        "and asks what will happen. Nothing is installed and nothing leaves this browser. Time is "
                        "simulated; each page says whether its service runs there or was recorded."
                    }
                    @if !is_built { (not_built()) }
                    p { a href="../shift/index.html" { "An on-call shift" } ": an outage that you do not know, with a score." }
                    p { "The lab of each incident is a place to experiment, once you know its cause: switch the bug, change the load, restart, look back." }
                    @for symptom in Symptom::ALL {
                        @let own = walks.iter().filter(|entry| entry.manifest.symptom == symptom);
                        h2 { (capital(symptom.word())) }
                        ul.fd-walks { @for entry in own {
                            li {
                                a href=(format!("{}.html", entry.manifest.id)) { (capital(entry.manifest.seen_as())) }
                                " " span.fd-quiet { (entry.manifest.pages()) " pages" }
                                " " span.fd-good data-walk=(entry.manifest.id) {}
                                " " a.fd-quiet href=(format!("../lab/{}.html", entry.manifest.id)) { "lab" }
                            }
                        } }
                    }
                }
                script src="../firedrill/walk.js" {}
            }
        }
    }
}

/// The incident's own run in a page.
pub(super) fn plan_of(manifest: &Manifest) -> Plan {
    Plan { clock: Clock::Virtual, ..Plan::new(manifest) }
}

/// The texts of these source files that there are, by path within the pack.
pub(super) fn sources(
    catalogue: &Catalogue,
    files: impl IntoIterator<Item = String>,
) -> BTreeMap<String, &'static str> {
    let text = |file: String| {
        let text = catalogue.source(&file)?;
        Some((file.strip_prefix(catalogue.root()).unwrap_or(&file).to_owned(), text))
    };
    files.into_iter().filter_map(text).collect()
}

/// The factor on the heap of an incident's lanes in a page.
pub(super) fn heap_scale(
    runs: &Runs,
    module: &Module,
    manifest: &Manifest,
) -> anyhow::Result<Option<f64>> {
    let mut plan = plan_of(manifest);
    plan.set_duration(Duration::from_secs_f64(manifest.duration_s));
    computed::heap_ratio(runs, module, runs.make(&plan)?.as_ref())
}

/// Adds the version of a page's data, and writes it so that nothing in it ends the element that holds it.
pub(super) fn embedded(mut data: Value) -> String {
    let mut hasher = DefaultHasher::new();
    data.to_string().hash(&mut hasher);
    data["version"] = format!("{:016x}", hasher.finish()).into();
    data.to_string().replace("</", "<\\/")
}

/// The data of a walk for its page: plan, manifest and source.
pub fn data(catalogue: &Catalogue, entry: &CatalogueEntry) -> Value {
    let manifest = &entry.manifest;
    let files = manifest.variants.iter().map(|variant| entry.file(&variant.name));
    json!({
        "kind": "walk",
        "id": manifest.id,
        "command": format!("firedrill walk {}", manifest.id),
        "opens": { "plan": plan_of(manifest) },
        "taught": Catalogue::for_walk(entry),
        "sources": sources(catalogue, files),
    })
}

/// The remark of a page on its runs.
fn of_runs(recorded: Option<WhyRecorded>) -> &'static str {
    match recorded {
        None => "The service runs in this page, in simulated time; memory is the size of its heap.",
        Some(WhyRecorded::Panics) => {
            "The code of this incident panics, which a browser cannot catch: its runs were recorded when this page was \
             built, and are played here."
        }
        Some(WhyRecorded::Memory) => {
            "This walk is about memory, and a browser's pointers are half as wide: its runs were recorded when this \
             page was built, and are played here."
        }
    }
}

/// The page of one walk.
fn page(
    catalogue: &Catalogue,
    entry: &CatalogueEntry,
    runs: &Runs,
    module: Option<&Module>,
) -> anyhow::Result<Markup> {
    let manifest = &entry.manifest;
    let walk = computed::walk(runs, entry)?;
    let scale = match module.filter(|_| walk.recorded.is_none()) {
        Some(module) => heap_scale(runs, module, manifest)?,
        None => None,
    };
    let (why, recording) = match walk.recorded {
        Some((why, recording)) => (Some(why), Some(packed(&serde_json::to_vec(&recording)?)?)),
        None => (None, None),
    };
    let mut data = data(catalogue, entry);
    data["heap_scale"] = json!(scale);
    data["recording"] = json!(recording);
    let data = embedded(data);
    let chapter = format!("../incidents/{}.html", manifest.id);
    let lab = format!("../lab/{}.html", manifest.id);
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(manifest.seen_as(), "../")) }
            body.fd-walk {
                header {
                    p {
                        span.fd-leave { a href="index.html" { "all walks" } " · " a href=(chapter) { "the chapter" } " and " a href=(lab) { "the lab" } " (they have the answers) · " }
                        span #fd-progress {} " "
                        button type="button" #fd-again { "start again" }
                    }
                    h1 #fd-title { (manifest.seen_as()) }
                }
                main {
                    div #fd-page { p { (manifest.summary) "." } }
                    div #fd-lanes {}
                }
                footer {
                    p #fd-status role="status" {}
                    noscript { p.fd-remark { "The walk needs JavaScript. Its questions are in " a href=(chapter) { "the chapter" } "." } }
                    @if module.is_none() { (not_built()) }
                    p.fd-quiet {
                        (of_runs(why))
                        // In a class the id would give the cause away.
                        span.fd-leave { " The same walk in a terminal: " code { "firedrill walk " (manifest.id) } }
                    }
                }
                @if module.is_some() { script type="application/json" #fd-walk { (PreEscaped(data)) } }
                script src="../firedrill/walk.js" {}
            }
        }
    })
}
