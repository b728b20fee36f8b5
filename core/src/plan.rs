//! What a run is of: an incident, its lanes, their load.

use std::collections::BTreeMap;

use crate::catalogue::{Catalogue, Entry};
use crate::event::{Begin, Clock};
use crate::experiment::Experiment;
use crate::incident::Bugs;
use crate::incident::formula::Values;
use crate::service::params;

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
    /// Faults on purpose.
    pub experiment: Option<Experiment>,
}

impl Plan {
    /// What a virtual lane of this run is told first.
    pub fn begin(&self, lane: usize, in_play: Bugs) -> Begin {
        Begin {
            clock: Clock::Virtual,
            incident: self.entry.manifest.id.clone(),
            variant: self.variants.get(lane).cloned().unwrap_or_default(),
            rate_per_s: self.rate_per_s,
            seed: self.seed,
            instance: 0,
            in_play,
            without: Vec::new(),
            params: BTreeMap::new(),
            console: false,
            watched: false,
            heap_limit_bytes: None,
            steers: false,
            manifests: None,
        }
    }

    /// What formulas may use in this run: its rate and parameters, and the theory's `t` = 0.
    pub fn values(&self) -> Values {
        let mut values = self.entry.manifest.formula_values();
        values.extend(self.params.clone());
        values.insert("rate_per_s".to_owned(), self.rate_per_s);
        values
    }

    /// The value that a phase gives a parameter. What was asked for takes the place of the manifest's
    /// own value wherever a phase gives it; a parameter that no phase gives that value holds what was
    /// asked for throughout.
    pub fn of_phase(&self, name: &str, value: f64) -> Option<f64> {
        let Some(asked) = self.params.get(name) else { return Some(value) };
        let manifest = &self.entry.manifest;
        let own = manifest.params.get(name).map_or_else(|| params::start(name), |p| p.value);
        let given = manifest.phases.iter().filter_map(|phase| phase.params.get(name));
        let is_own = |value: f64| (value - own).abs() < f64::EPSILON;
        if !given.copied().any(is_own) {
            return None;
        }
        Some(if is_own(value) { *asked } else { value })
    }

    /// The parameters as they are once the release has gone out.
    pub fn params_at_release(&self) -> BTreeMap<String, f64> {
        let manifest = &self.entry.manifest;
        let mut values = self.params();
        for phase in manifest.phases.iter().filter(|phase| phase.at_s <= manifest.release_s()) {
            let given = phase.params.iter();
            values
                .extend(given.filter_map(|(name, value)| {
                    Some((name.clone(), self.of_phase(name, *value)?))
                }));
        }
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
