//! Removes the names that give the cause away from texts of the service: paths, modules and ids of incidents.

use crate::catalogue::Catalogue;

/// Path in place of the files of incidents.
const FILE: &str = "service.rs";

/// Names that must not be shown during a shift.
#[derive(Debug, Clone, Default)]
pub struct Redaction(Vec<(String, &'static str)>);

impl Redaction {
    /// The names of all incidents of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut names = Vec::new();
        for entry in &catalogue.entries {
            let mut module = |module: &str| names.push((module.to_owned(), "service"));
            for variant in entry.incident.variants {
                module(&format!("{}::{}", entry.incident.module, variant.name.replace('-', "_")));
            }
            module(entry.incident.module);
            for variant in entry.incident.variants {
                names.push((entry.file(variant.name), FILE));
            }
            names.push((entry.incident.folder().to_owned(), ""));
            names.push((entry.manifest.id.clone(), "service"));
            names.push((entry.incident.name().to_owned(), "service"));
        }
        // The longest first, so that no part of a name is left.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self(names)
    }

    /// The text without these names.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, other) in self.0.iter().filter(|(name, _)| !name.is_empty()) {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), other);
            }
        }
        text
    }
}
