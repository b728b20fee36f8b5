//! What a run is of: an incident, its lanes, their load.

use std::collections::BTreeMap;

use crate::catalogue::{Catalogue, Entry};
use crate::incident::formula::Values;

/// What a run is of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// The incident.
    pub entry: &'static Entry,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Arrivals a second, to each lane.
    pub rate_per_s: f64,
    /// Seed of the arrivals and of the servers.
    pub seed: u64,
    /// Parameters that differ from the manifest's.
    pub params: BTreeMap<String, f64>,
}

impl Plan {
    /// What formulas may use in this run: its rate and parameters, and the theory's `t` = 0.
    pub fn values(&self) -> Values {
        let mut values = self.entry.manifest.formula_values();
        values.extend(self.params.clone());
        values.insert("rate_per_s".to_owned(), self.rate_per_s);
        values
    }

    /// The manifest's parameters with this run's values.
    pub fn params(&self) -> BTreeMap<String, f64> {
        let manifest = self.entry.manifest.params.iter();
        let mut params: BTreeMap<String, f64> =
            manifest.map(|(name, param)| (name.clone(), param.value)).collect();
        params.extend(self.params.clone());
        params
    }
}
