//! The incidents of this build, with their manifests.

use std::sync::{Arc, LazyLock};

use crate::incident::manifest::{self, Manifest, ManifestError};
use crate::incident::request::{Prepared, prepare};
use crate::incident::{Bugs, Chain, Incident, Unknown, Variant};

/// An incident and its parsed manifest.
#[derive(Debug)]
pub struct Entry {
    /// The static part.
    pub incident: &'static Incident,
    /// The manifest.
    pub manifest: Manifest,
}

impl Entry {
    /// The variant of this name.
    pub fn variant(&self, name: &str) -> Option<&'static Variant> {
        self.incident.variants.iter().find(|v| v.name == name)
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

    /// The source file of a variant: its path from the package's root.
    pub fn file(&self, variant: &str) -> String {
        format!("incidents/{}/{variant}.rs", self.incident.module)
    }

    /// The fixed form, by contract the last.
    ///
    /// # Panics
    ///
    /// When the incident has no variant, which the catalogue refuses to load.
    pub fn fixed(&self) -> &'static Variant {
        self.incident.variants.last().expect("the catalogue refuses an incident without variants")
    }
}

/// All incidents of this build.
#[derive(Debug)]
pub struct Catalogue {
    /// In the order in which they are taught.
    pub entries: Vec<Entry>,
}

impl Catalogue {
    /// The incidents compiled into this program.
    ///
    /// # Errors
    ///
    /// When a manifest is broken; the message names file, line and field.
    pub fn load() -> Result<&'static Self, &'static ManifestError> {
        static LOADED: LazyLock<Result<Catalogue, ManifestError>> = LazyLock::new(|| {
            let entries = crate::incidents::ALL.iter().map(|incident| {
                let file = format!("incidents/{}/incident.toml", incident.module);
                let manifest = Manifest::parse(&file, incident.manifest_toml)?;
                manifest.check_variants(incident.variants.iter().map(|v| v.name))?;
                Ok(Entry { incident, manifest })
            });
            Ok(Catalogue { entries: entries.collect::<Result<_, _>>()? })
        });
        LOADED.as_ref()
    }

    /// The incident of this id.
    ///
    /// # Errors
    ///
    /// When there is none; the error suggests the nearest.
    pub fn find(&self, id: &str) -> Result<&Entry, Unknown> {
        self.entries
            .iter()
            .find(|entry| entry.manifest.id == id)
            .ok_or_else(|| Unknown::new("incident", id, self.ids()))
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.manifest.id.as_str())
    }

    /// The healthy chain, with each of `bugs` (incident id to variant) patched in.
    ///
    /// # Errors
    ///
    /// When an incident or a variant is not known; the error suggests the nearest.
    pub fn chain(&self, base: Chain, bugs: &Bugs) -> Result<Chain, Unknown> {
        let mut chain = base;
        for entry in &self.entries {
            (entry.fixed().install)(&mut chain);
        }
        for id in bugs.keys() {
            self.find(id)?;
        }
        // In the catalogue's order, so that the same set always makes the same chain.
        for entry in &self.entries {
            if let Some(variant) = bugs.get(&entry.manifest.id) {
                (entry.known_variant(variant)?.install)(&mut chain);
            }
        }
        Ok(chain)
    }

    /// The traffic of these incidents together, in equal shares: requests with their weights.
    ///
    /// # Errors
    ///
    /// When HTTP does not allow one of the requests, which a validated manifest excludes.
    pub fn mix(&self, incidents: &[String]) -> Result<Vec<(f64, Arc<Prepared>)>, String> {
        let known: Vec<&Entry> = incidents.iter().filter_map(|id| self.find(id).ok()).collect();
        let share = 1.0 / known.len().max(1) as f64;
        let mut mix = Vec::new();
        for entry in known {
            mix.extend(prepare(&entry.manifest.load.requests, share)?);
        }
        Ok(mix)
    }

    /// The text of a source file of an incident, by its path from the package's root.
    pub fn source(&self, file: &str) -> Option<&'static str> {
        crate::incidents::source(file)
    }

    /// The incident whose parameters include `name`.
    ///
    /// # Errors
    ///
    /// When no incident has such a parameter; the error suggests the nearest.
    pub fn param(&self, name: &str) -> Result<&manifest::Param, Unknown> {
        self.entries.iter().find_map(|entry| entry.manifest.params.get(name)).ok_or_else(|| {
            let known = self.entries.iter().flat_map(|e| e.manifest.params.keys());
            Unknown::new("parameter", name, known.map(String::as_str))
        })
    }
}
