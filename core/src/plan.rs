//! A run as data, and the same with the incident that it is of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, CatalogueEntry};
use crate::event::{ChildStart, Clock};
use crate::experiment::Experiment;
use crate::incident::formula::Values;
use crate::incident::params;
use crate::incident::{Bugs, Manifest, Unknown};

/// A run as data: incident, lanes, load, parameters, clock. Where it runs is the front end's matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The incident's id.
    pub incident: String,
    /// One variant a lane.
    pub variants: Vec<String>,
    /// Arrivals a second, to each lane.
    pub rate_per_s: f64,
    /// Seed of the arrivals and of the servers.
    pub seed: u64,
    /// Parameters that differ from the manifest's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, f64>,
    /// Injected faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// The clock.
    pub clock: Clock,
    /// Milliseconds after which the run ends by itself; none: it goes on until it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl Plan {
    /// The incident's own run: broken against fixed, at its own rate, on the live clock, without an end.
    pub fn new(manifest: &Manifest) -> Self {
        Self {
            incident: manifest.id.clone(),
            variants: vec!["broken".to_owned(), "fixed".to_owned()],
            rate_per_s: manifest.load.rate_per_s,
            seed: 1,
            params: BTreeMap::new(),
            experiment: None,
            clock: Clock::Live,
            duration_ms: None,
        }
    }

    /// The time after which the run ends by itself.
    pub fn duration(&self) -> Option<Duration> {
        self.duration_ms.map(Duration::from_millis)
    }

    /// Lets the run end by itself after this time.
    pub fn set_duration(&mut self, duration: Duration) {
        self.duration_ms = Some(duration.as_millis() as u64);
    }
}

/// A plan, and the incident that it is of.
#[derive(Debug, Clone)]
pub struct Case {
    /// All incidents.
    pub catalogue: Catalogue,
    /// The incident.
    pub entry: Arc<CatalogueEntry>,
    /// The run.
    pub plan: Plan,
}

impl Case {
    /// Finds the incident of a plan.
    ///
    /// # Errors
    ///
    /// When it is unknown.
    pub fn new(catalogue: &Catalogue, plan: Plan) -> Result<Self, Unknown> {
        let entry = Arc::clone(catalogue.find(&plan.incident)?);
        Ok(Self { catalogue: catalogue.clone(), entry, plan })
    }

    /// The manifest of the incident.
    pub fn manifest(&self) -> &Manifest {
        &self.entry.manifest
    }

    /// The first message to a virtual lane of this run.
    pub fn begin(&self, lane: usize, in_play: Bugs) -> ChildStart {
        ChildStart {
            clock: Clock::Virtual,
            incident: self.plan.incident.clone(),
            variant: self.plan.variants.get(lane).cloned().unwrap_or_default(),
            rate_per_s: self.plan.rate_per_s,
            seed: self.plan.seed,
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

    /// Values for formulas about this run: its rate and parameters, and the theory's `t` = 0.
    pub fn values(&self) -> Values {
        let mut values = self.manifest().formula_values();
        values.extend(self.plan.params.clone());
        values.extend(self.manifest().load.shares(&values));
        values.insert("rate_per_s".to_owned(), self.plan.rate_per_s);
        values
    }

    /// The value that a phase gives a parameter. A value of the plan replaces the manifest's own value wherever
    /// a phase sets that; a parameter that no phase sets to its own value keeps the plan's throughout.
    pub fn of_phase(&self, name: &str, value: f64) -> Option<f64> {
        let Some(asked) = self.plan.params.get(name) else { return Some(value) };
        let manifest = self.manifest();
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
        self.params_at(self.manifest().release_s())
    }

    /// The parameters as the phases set them, up to this second of the run.
    pub fn params_at(&self, at_s: f64) -> BTreeMap<String, f64> {
        let mut values = self.params();
        for phase in self.manifest().phases.iter().filter(|phase| phase.at_s <= at_s) {
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
        let manifest = self.manifest().params.iter();
        let mut params: BTreeMap<String, f64> =
            manifest.map(|(name, param)| (name.clone(), param.value)).collect();
        params.extend(self.plan.params.clone());
        params
    }
}
