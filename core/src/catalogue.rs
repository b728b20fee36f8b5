//! The incidents of a pack, with their manifests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::incident::chain::Clash;
use crate::incident::exercise::YOURS;
use crate::incident::formula::Values;
use crate::incident::manifest::{self, Manifest, ManifestError, SourceNames};
use crate::incident::metrics::Owners;
use crate::incident::params;
use crate::incident::request::{Prepared, RequestError, prepare};
use crate::incident::{Bugs, Chain, Incident, Pack, Unknown, Variant};
use crate::service;

/// An incident and its parsed manifest.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// The static part.
    pub incident: &'static Incident,
    /// The manifest.
    pub manifest: Manifest,
    /// Its text; empty where a page or a child was handed the manifest.
    text: Cow<'static, str>,
}

impl CatalogueEntry {
    /// The variant of this name.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        let yours = self.incident.exercise.as_ref().map(|start| &start.form);
        let mut all = self.incident.variants.iter().chain(yours);
        all.find(|variant| variant.name == name)
    }

    /// The variant of this name.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn known_variant(&self, name: &str) -> Result<&'static Variant, Unknown> {
        self.variant(name).ok_or_else(|| {
            Unknown::new("variant", name, self.incident.variants.iter().map(|v| v.name))
        })
    }

    /// The parameter of this name: the manifest's own, or one of the service.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none; it suggests the nearest.
    pub fn param(&self, name: &str) -> Result<manifest::Param, Unknown> {
        let known = &self.manifest.params;
        let of_service = || params::find(name).map(manifest::Param::of_service);
        known.get(name).cloned().or_else(of_service).ok_or_else(|| {
            let service = params::ALL.iter().map(|param| param.name);
            Unknown::new("parameter", name, known.keys().map(String::as_str).chain(service))
        })
    }

    /// The source file of a variant, as compiler and wait sites name it.
    pub fn file(&self, variant: &str) -> String {
        let name = if variant == YOURS { "exercise" } else { variant };
        format!("{}{}.rs", self.incident.folder(), name.replace('-', "_"))
    }

    /// The same incident with another manifest, such as one with other phases.
    #[must_use]
    pub fn with_manifest(&self, manifest: Manifest) -> Self {
        Self { incident: self.incident, manifest, text: self.text.clone() }
    }

    /// The fixed variant, by contract the last.
    ///
    /// # Panics
    ///
    /// When the incident has no variant, which the catalogue refuses to load.
    pub fn fixed(&self) -> &'static Variant {
        self.incident.variants.last().expect("the catalogue refuses an incident without variants")
    }
}

/// The manifests that a page of the book was handed.
#[derive(Debug, Deserialize)]
pub struct Manifests(BTreeMap<String, OfPage<Manifest>>);

/// Data about an incident for a page.
#[derive(Debug, Serialize, Deserialize)]
struct OfPage<M> {
    manifest: M,
    constants: Values,
}

impl Manifests {
    /// These, with others in the place of those of the same incidents.
    #[must_use]
    pub fn with(mut self, Self(others): Self) -> Self {
        self.0.extend(others);
        self
    }
}

/// A manifest without these parts.
fn without(
    text: &str,
    parts: &[&str],
) -> Result<serde_json::Map<String, serde_json::Value>, toml::de::Error> {
    let mut manifest: serde_json::Map<String, serde_json::Value> = toml::from_str(text)?;
    for part in parts {
        manifest.remove(*part);
    }
    Ok(manifest)
}

/// A manifest without what is taught.
fn untaught(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, toml::de::Error> {
    without(text, &["step", "question", "debrief", "exercise"])
}

/// The source texts of an incident.
fn texts(pack: &Pack, incident: &Incident) -> impl Iterator<Item = &'static str> {
    let folder = incident.folder().strip_prefix(pack.root()).unwrap_or_default();
    let files = (pack.files)().into_iter().filter(move |file| file.starts_with(folder));
    files.filter_map(|file| (pack.source)(&file))
}

/// The numbers that an incident's source has as constants: `const RETRIES: u32 = 3;`. Those of other incidents' code
/// that it is made of are known too; of two with one name its own counts.
fn constants(pack: &Pack, incident: &Incident) -> Values {
    let parts = incident.exercise.iter().flat_map(|exercise| exercise.files);
    let of_parts = parts.filter_map(|file| (pack.source)(file));
    let lines = of_parts.chain(texts(pack, incident)).flat_map(str::lines);
    let constant = |line: &str| {
        let (name, after) = line.split_once("const ")?.1.split_once(':')?;
        let value = after.split_once('=')?.1.trim().strip_suffix(';')?.replace('_', "");
        Some((name.to_owned(), value.parse().ok()?))
    };
    lines.filter_map(constant).collect()
}

/// The metrics that an incident's code and the service register, as their source names them.
fn metrics(pack: &Pack, incident: &Incident) -> BTreeSet<String> {
    let texts = texts(pack, incident);
    let mut names: BTreeSet<String> = SERVICE_METRICS.iter().map(|n| (*n).to_owned()).collect();
    names.extend(incident.shares.iter().map(|name| (*name).to_owned()));
    for text in texts {
        for form in ["gauge!(", "counter!(", "histogram!("] {
            for after in text.split(form).skip(1) {
                let literal = after.trim_start().strip_prefix('"').and_then(|t| t.split_once('"'));
                let Some((name, _)) = literal else { continue };
                if form == "histogram!(" {
                    names.extend([format!("{name}_count"), format!("{name}_sum")]);
                } else {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    names
}

/// Metrics registered by the service itself.
const SERVICE_METRICS: [&str; 8] = [
    "httpRequestCount",
    "httpErrorRate",
    "http_requests_in_flight",
    "httpRequestDuration_count",
    "httpRequestDuration_sum",
    "store_commands",
    "store_busy",
    "store_waiting",
];

/// Why there is no chain of these incidents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChain {
    /// One of them is not known.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// Two of them claim one place.
    #[error(transparent)]
    Clash(#[from] Clash),
}

/// All incidents of a pack. A clone shares them.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pack: &'static Pack,
    /// In the order in which they are taught.
    pub entries: Vec<Arc<CatalogueEntry>>,
}

impl Catalogue {
    /// The incidents of a pack. `manifest` may give the text of a manifest, by its path, in place
    /// of the one that was compiled in.
    ///
    /// # Errors
    ///
    /// When a manifest is broken; the message names file, line and field.
    pub fn read(
        pack: &'static Pack,
        manifest: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ManifestError> {
        let entries = pack.incidents.iter().map(|incident| {
            let file = format!("{}incident.toml", incident.folder());
            let text = manifest(&file).map_or(Cow::Borrowed(incident.manifest_toml), Cow::Owned);
            let metrics = Some(metrics(pack, incident));
            let source = SourceNames { metrics, constants: constants(pack, incident) };
            let manifest = Manifest::parse_knowing(&file, &text, source)?;
            manifest.check_variants(incident.variants.iter().map(|v| v.name))?;
            Ok(Arc::new(CatalogueEntry { incident, manifest, text }))
        });
        Ok(Self { pack, entries: entries.collect::<Result<_, _>>()? })
    }

    /// The same of manifests that a page was handed, as [`Catalogue::for_pages`] writes them.
    pub fn of_page(pack: &'static Pack, Manifests(mut all): Manifests) -> Self {
        let entry = |incident: &&'static Incident| {
            let OfPage { mut manifest, constants } = all.remove(incident.name())?;
            manifest.constants = constants;
            Some(Arc::new(CatalogueEntry { incident, manifest, text: Cow::Borrowed("") }))
        };
        Self { pack, entries: pack.incidents.iter().filter_map(entry).collect() }
    }

    /// The manifests as a page of the book takes them along, without what is taught, by folder.
    ///
    /// # Errors
    ///
    /// When a manifest is no TOML.
    pub fn for_pages(
        pack: &'static Pack,
        manifest: impl Fn(&str) -> Option<String>,
    ) -> Result<serde_json::Value, toml::de::Error> {
        let mut all = BTreeMap::new();
        for incident in pack.incidents {
            let file = format!("{}incident.toml", incident.folder());
            let text = manifest(&file).map_or(Cow::Borrowed(incident.manifest_toml), Cow::Owned);
            let constants = constants(pack, incident);
            all.insert(
                incident.name().to_owned(),
                OfPage { manifest: untaught(&text)?, constants },
            );
        }
        Ok(serde_json::to_value(all).unwrap_or_default())
    }

    /// The same without what is taught, for a lane's process: it has no use for it, and its memory is measured.
    ///
    /// # Panics
    ///
    /// When the catalogue has been cloned before.
    #[must_use]
    pub fn untaught(mut self) -> Self {
        for entry in &mut self.entries {
            let entry = Arc::get_mut(entry).expect("nobody else has it yet");
            (entry.manifest.walk, entry.manifest.questions) = (Vec::new(), Vec::new());
            entry.manifest.debrief = None;
        }
        self
    }

    /// One incident's manifest, as a child takes it along that is another program.
    pub fn for_child(entry: &CatalogueEntry) -> serde_json::Value {
        // What was read as a manifest is TOML.
        let manifest = untaught(&entry.text).unwrap_or_default();
        let of_page = OfPage { manifest, constants: entry.manifest.constants.clone() };
        serde_json::to_value(BTreeMap::from([(entry.manifest.id.replace('-', "_"), of_page)]))
            .unwrap_or_default()
    }

    /// One incident's manifest with its walk, as the page of that walk takes it along.
    pub fn for_walk(entry: &CatalogueEntry) -> serde_json::Value {
        // What was read as a manifest is TOML.
        let manifest = without(&entry.text, &["exercise"]).unwrap_or_default();
        let of_page = OfPage { manifest, constants: entry.manifest.constants.clone() };
        serde_json::to_value(BTreeMap::from([(entry.incident.name(), of_page)])).unwrap_or_default()
    }

    /// All manifests with their debriefs, as the page of an on-call shift takes them along.
    pub fn for_shift(&self) -> serde_json::Value {
        let of_page = |entry: &Arc<CatalogueEntry>| {
            let manifest = without(&entry.text, &["step", "question", "exercise"]);
            let constants = entry.manifest.constants.clone();
            let of_page = OfPage { manifest: manifest.unwrap_or_default(), constants };
            (entry.incident.name(), of_page)
        };
        let all: BTreeMap<&str, _> = self.entries.iter().map(of_page).collect();
        serde_json::to_value(all).unwrap_or_default()
    }

    /// The modules of its incidents, for the registry of metrics.
    pub fn owners(&self) -> Owners {
        let owner =
            |entry: &Arc<CatalogueEntry>| (entry.incident.module, entry.manifest.id.clone());
        self.entries.iter().map(owner).collect()
    }

    /// The incident of this id.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn find(&self, id: &str) -> Result<&Arc<CatalogueEntry>, Unknown> {
        self.entries
            .iter()
            .find(|entry| entry.manifest.id == id)
            .ok_or_else(|| Unknown::new("incident", id, self.ids()))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.manifest.id.as_str())
    }

    /// The base with the layers of the incidents in play (id to variant, the fixed one included),
    /// and no others.
    ///
    /// # Errors
    ///
    /// When an incident or a variant is not known, or two incidents claim one place.
    pub fn chain(&self, base: Chain, in_play: &Bugs) -> Result<Chain, NoChain> {
        let mut chain = base;
        for id in in_play.keys() {
            self.find(id)?;
        }
        // In the catalogue's order, so that the same set always makes the same chain.
        for entry in &self.entries {
            if let Some(variant) = in_play.get(&entry.manifest.id) {
                chain.install(&entry.manifest.id, entry.known_variant(variant)?.install)?;
            }
        }
        Ok(chain)
    }

    /// Returns true if clients use TLS in a run with the traffic of these incidents: one of them requires it.
    pub fn speaks_tls(&self, incidents: &[String]) -> bool {
        incidents.iter().filter_map(|id| self.find(id).ok()).any(|entry| entry.manifest.tls)
    }

    /// The traffic of these incidents together, in equal shares: requests with their weights, at the manifests'
    /// values and these other ones of the parameters.
    ///
    /// # Errors
    ///
    /// When HTTP does not allow one of the requests, which a validated manifest excludes.
    pub fn mix(
        &self,
        incidents: &[String],
        params: &Values,
    ) -> Result<Vec<(f64, Arc<Prepared>)>, RequestError> {
        let known: Vec<&Arc<CatalogueEntry>> =
            incidents.iter().filter_map(|id| self.find(id).ok()).collect();
        let share = 1.0 / known.len().max(1) as f64;
        let mut mix = Vec::new();
        for entry in known {
            let mut values = entry.manifest.formula_values();
            values.extend(params.iter().map(|(name, value)| (name.clone(), *value)));
            mix.extend(prepare(&entry.manifest.load, &values, share)?);
        }
        Ok(mix)
    }

    /// Returns true if the traffic of one of these incidents depends on a parameter.
    pub fn mix_depends_on(&self, incidents: &[String], param: &str) -> bool {
        let mut known = incidents.iter().filter_map(|id| self.find(id).ok());
        known.any(|entry| entry.manifest.load.depends_on(param))
    }

    /// The text of a source file of an incident or of the service, by its path, as compiler and wait sites
    /// name it.
    pub fn source(&self, file: &str) -> Option<&'static str> {
        let of_pack = file.strip_prefix(self.pack.root()).and_then(self.pack.source);
        of_pack.or_else(|| service::source(file))
    }

    /// The path from the workspace to the pack's root: empty, or with a `/` at its end.
    pub fn root(&self) -> &'static str {
        self.pack.root()
    }

    /// The source files of all incidents: path and text.
    pub fn sources(&self) -> impl Iterator<Item = (String, &'static str)> {
        let pack = self.pack;
        let file = |path: Cow<'static, str>| {
            let text = (pack.source)(&path)?;
            Some((format!("{}{path}", pack.root()), text))
        };
        (pack.files)().into_iter().filter_map(file)
    }

    /// The parameter of this name, of the service or of an incident.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn param(&self, name: &str) -> Result<manifest::Param, Unknown> {
        let own = params::find(name).map(manifest::Param::of_service);
        let declared = || self.entries.iter().find_map(|e| e.manifest.params.get(name).cloned());
        own.or_else(declared).ok_or_else(|| {
            let declared = self.entries.iter().flat_map(|e| e.manifest.params.keys());
            let own = params::ALL.iter().map(|param| param.name);
            Unknown::new("parameter", name, own.chain(declared.map(String::as_str)))
        })
    }
}
