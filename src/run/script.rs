//! What phases and commands change, the same on either clock.

use std::collections::{BTreeMap, BTreeSet};

use super::{Control, Spec};
use crate::catalogue::Catalogue;
use crate::event::What;
use crate::incident::Bugs;
use crate::incident::manifest::{Switch, rate_allowed};

/// The script of a run: where it stands, and what is in force.
#[derive(Debug)]
pub(super) struct Script {
    spec: Spec,
    catalogue: &'static Catalogue,
    /// The phase that holds.
    phase: usize,
    /// The bugs that are on, by lane.
    bugs: Vec<Bugs>,
    /// Incidents whose traffic and parameters are part of this run.
    world: BTreeSet<String>,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// Arrivals a second, in every lane.
    Rate(f64),
    /// A parameter, in every lane.
    Param(String, f64),
    /// The complete set of bugs of one lane.
    Bugs(usize, Bugs),
    /// The incidents whose traffic every lane gets.
    Mix(Vec<String>),
    /// One lane's process is restarted, with tokio-console's instruments or as it was.
    Restart(usize, bool),
    /// Nothing, but it is to be told.
    Nothing,
}

/// A change, and the event that tells of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) change: Change,
    /// The lane it concerns; none: all.
    pub(super) lane: Option<usize>,
    pub(super) tell: Option<What>,
}

impl Step {
    fn all(change: Change, what: What) -> Self {
        Self { change, lane: None, tell: Some(what) }
    }
}

impl Script {
    pub(super) fn new(spec: Spec) -> anyhow::Result<Self> {
        Ok(Self {
            catalogue: Catalogue::load().map_err(anyhow::Error::msg)?,
            phase: 0,
            bugs: vec![Bugs::new(); spec.variants.len()],
            world: BTreeSet::from([spec.entry.manifest.id.clone()]),
            spec,
        })
    }

    /// When the next phase begins, in milliseconds since the run began.
    pub(super) fn next_phase_ms(&self) -> Option<u64> {
        let next = self.spec.entry.manifest.phases.get(self.phase + 1)?;
        Some((next.at_s * 1000.0).round() as u64)
    }

    /// What holds from the beginning: rate, parameters, the first phase.
    pub(super) fn begin(&mut self) -> Vec<Step> {
        let rate_per_s = self.spec.rate_per_s;
        let mut steps = vec![Step::all(Change::Rate(rate_per_s), What::Rate { rate_per_s })];
        steps.extend(self.spec.params().into_iter().map(|(name, value)| param(&name, value)));
        steps.extend(self.begin_phase(0));
        steps
    }

    /// The next phase begins.
    pub(super) fn next_phase(&mut self) -> Vec<Step> {
        self.begin_phase(self.phase + 1)
    }

    fn begin_phase(&mut self, index: usize) -> Vec<Step> {
        self.phase = index;
        let entry = self.spec.entry;
        let Some(phase) = entry.manifest.phases.get(index) else {
            return Vec::new();
        };
        let says = phase.says.clone();
        let mut steps = vec![Step::all(Change::Nothing, What::Phase { index, says })];
        if let Some(rate_per_s) = phase.rate_per_s {
            steps.extend(rate(rate_per_s));
        }
        // What was asked for on the command line holds throughout.
        let open = phase.params.iter().filter(|(name, _)| !self.spec.params.contains_key(*name));
        steps.extend(open.map(|(name, value)| param(name, *value)));
        if let Some(switch) = phase.bugs {
            for lane in 0..self.bugs.len() {
                let variant = self.spec.variants[lane].clone();
                // A lane of the fixed form has no release, and keeps what was switched by hand.
                if variant != "fixed" {
                    let variant = Some(variant).filter(|_| switch == Switch::On);
                    steps.extend(self.set_bug(lane, &entry.manifest.id, variant));
                }
            }
        }
        steps
    }

    /// What a command changes.
    pub(super) fn obey(&mut self, control: Control) -> Vec<Step> {
        match control {
            Control::SetBug { lane, incident, variant } => self.set_bug(lane, &incident, variant),
            Control::SetRate(rate_per_s) => rate(rate_per_s).into_iter().collect(),
            Control::Restart { lane, console } if lane < self.bugs.len() => {
                let change = Change::Restart(lane, console);
                vec![Step { change, lane: Some(lane), tell: None }]
            }
            Control::Restart { .. } | Control::SetSpeed(_) | Control::Stop => Vec::new(),
        }
    }

    fn set_bug(&mut self, lane: usize, incident: &str, variant: Option<String>) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(bugs) = self.bugs.get_mut(lane) else {
            return steps;
        };
        let before = bugs.clone();
        match &variant {
            Some(variant) => bugs.insert(incident.to_owned(), variant.clone()),
            None => bugs.remove(incident),
        };
        if *bugs == before {
            return steps;
        }
        let change = Change::Bugs(lane, bugs.clone());
        if variant.is_some() && self.world.insert(incident.to_owned()) {
            steps.extend(self.join_world(incident));
        }
        let what = What::Bug { incident: incident.to_owned(), variant };
        steps.push(Step { change, lane: Some(lane), tell: Some(what) });
        steps
    }

    /// A bug of another incident meets that incident's traffic and parameters, in every lane:
    /// the world is the same for all, the code is not.
    fn join_world(&self, incident: &str) -> Vec<Step> {
        let Ok(entry) = self.catalogue.find(incident) else {
            return Vec::new();
        };
        let params: &BTreeMap<_, _> = &entry.manifest.params;
        let mut steps: Vec<Step> =
            params.iter().map(|(name, known)| param(name, known.value)).collect();
        let line = format!("every lane now also gets the traffic and settings of {incident}");
        let mix = Change::Mix(self.world.iter().cloned().collect());
        steps.push(Step::all(mix, What::Log { line }));
        steps
    }
}

fn rate(rate_per_s: f64) -> Option<Step> {
    rate_allowed(rate_per_s).then(|| Step::all(Change::Rate(rate_per_s), What::Rate { rate_per_s }))
}

fn param(name: &str, value: f64) -> Step {
    let what = What::Param { name: name.to_owned(), value };
    Step::all(Change::Param(name.to_owned(), value), what)
}
