//! Effects of phases and commands, the same on both clocks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{EventKind, ParentSays};
use crate::experiment::Experiment;
use crate::incident::Bugs;
use crate::incident::manifest::{Switch, rate_allowed};
use crate::plan::Case;
use crate::service::base_chain;

/// The script of a run: where it stands, and what is in force.
#[derive(Debug)]
pub struct Script {
    case: Case,
    /// The phase that holds.
    phase: usize,
    /// True after the release.
    released: bool,
    /// The bugs that are on, by lane.
    bugs: Vec<Bugs>,
    /// The slots that are off, by lane.
    without: Vec<Vec<String>>,
    /// Incidents whose traffic, parameters and layers are part of this run.
    world: BTreeSet<String>,
    /// Phases of incidents that have joined, in order of time.
    joined: Vec<(u64, Vec<ScriptStep>)>,
}

/// A command to a running run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Control {
    /// Switch a bug in one lane to a variant, or off.
    SetBug {
        /// The lane.
        lane: usize,
        /// The incident.
        incident: String,
        /// The variant; none: the fixed variant.
        variant: Option<String>,
    },
    /// Switch these slots of a lane's chain off, and all others on.
    SetWithout {
        /// The lane.
        lane: usize,
        /// The slots, by name.
        slots: Vec<String>,
    },
    /// Let so many instances of a lane serve.
    Scale {
        /// The lane.
        lane: usize,
        /// Number of instances, 1 to 8.
        instances: usize,
    },
    /// A new rate.
    SetRate(f64),
    /// A new value of a parameter, in every lane.
    SetParam {
        /// The parameter.
        name: String,
        /// Its value.
        value: f64,
    },
    /// New values of several parameters, in every lane.
    SetParams(Vec<(String, f64)>),
    /// Restart a lane's process.
    Restart {
        /// The lane.
        lane: usize,
        /// True to restart it instrumented for tokio-console.
        console: bool,
    },
    /// Sets the speed of virtual time; for a virtual run only.
    SetSpeed(Speed),
    /// Virtual time passes up to this moment, in milliseconds since the run began, and is held there.
    HoldAt(u64),
    /// Repeat the phases that follow the release, in every lane, from now on.
    RepeatPhases,
    /// End the run.
    Stop,
}

/// Speed of virtual time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub enum Speed {
    /// This many virtual seconds a second.
    Times(f64),
    /// As fast as it goes.
    #[default]
    Max,
}

/// Pacing of a virtual run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pacing {
    /// Speed of virtual time.
    pub speed: Speed,
    /// Up to this time, in milliseconds, it passes as fast as it can.
    pub from_ms: u64,
    /// The time at which it is held, in milliseconds; none: nowhere.
    pub hold_ms: Option<u64>,
    /// Commands that the run gets at these times, in milliseconds, in order.
    pub controls: Vec<(u64, Control)>,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Arrivals a second, in every lane.
    Rate(f64),
    /// A parameter, in every lane.
    Param(String, f64),
    /// The incidents in play in one lane, with their variants.
    InPlay(usize, Bugs),
    /// The slots that are off in one lane.
    Without(usize, Vec<String>),
    /// The number of instances of one lane.
    Scale(usize, usize),
    /// The incidents whose traffic every lane gets.
    Mix(Vec<String>),
    /// One lane's process is restarted, with tokio-console's instruments or as it was.
    Restart(usize, bool),
    /// Nothing, but it is to be told.
    Nothing,
}

impl Change {
    /// Returns the command for a virtual lane; none if it does not concern the lane.
    pub fn says(&self, lane: usize) -> Option<ParentSays> {
        let mine = |of: &usize| *of == lane;
        Some(match self {
            Self::Rate(rate_per_s) => ParentSays::SetRate { rate_per_s: *rate_per_s },
            Self::Param(name, value) => ParentSays::SetParam { name: name.clone(), value: *value },
            Self::Mix(incidents) => ParentSays::SetMix { incidents: incidents.clone() },
            Self::InPlay(of, bugs) if mine(of) => ParentSays::SetBugs { bugs: bugs.clone() },
            Self::Without(of, slots) if mine(of) => ParentSays::SetWithout { slots: slots.clone() },
            Self::Scale(of, instances) if mine(of) => ParentSays::Scale { instances: *instances },
            Self::Restart(of, _) if mine(of) => ParentSays::Restart,
            _ => return None,
        })
    }
}

/// A change, and the event that tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptStep {
    /// The change.
    pub change: Change,
    /// The lane it concerns; none: all.
    pub lane: Option<usize>,
    /// The event to publish.
    pub tell: Option<EventKind>,
}

impl ScriptStep {
    fn all(change: Change, what: EventKind) -> Self {
        Self { change, lane: None, tell: Some(what) }
    }
}

impl Script {
    /// The script of this run, before its beginning.
    pub fn new(case: Case) -> Self {
        let lanes = case.plan.variants.len();
        Self {
            phase: 0,
            released: false,
            bugs: vec![Bugs::new(); lanes],
            without: vec![Vec::new(); lanes],
            world: BTreeSet::from([case.plan.incident.clone()]),
            joined: case.plan.experiment.iter().flat_map(around).collect(),
            case,
        }
    }

    /// Returns the start of the next phase, in milliseconds since the start of the run.
    pub fn next_phase_ms(&self) -> Option<u64> {
        let own = self.case.entry.manifest.phases.get(self.phase + 1).map(|p| ms(p.at_s));
        own.into_iter().chain(self.joined.first().map(|(at_ms, _)| *at_ms)).min()
    }

    /// The incidents in play in a lane, with their variants: the bugs that are on, and the fixed
    /// layers of the others. One whose release is steered is in play from the release on.
    pub fn in_play(&self, lane: usize) -> Bugs {
        let own = &self.case.entry.manifest.id;
        let mut in_play = Bugs::new();
        for id in &self.world {
            match self.bugs[lane].get(id) {
                Some(variant) => in_play.insert(id.clone(), variant.clone()),
                None if id == own && self.is_steered(lane) => None,
                None => in_play.insert(id.clone(), "fixed".to_owned()),
            };
        }
        in_play
    }

    /// Returns true if code of the variant steers the release of a lane.
    fn is_steered(&self, lane: usize) -> bool {
        let variant = self.case.entry.variant(&self.case.plan.variants[lane]);
        variant.is_some_and(|variant| variant.steer.is_some())
    }

    /// Returns the initial state: rate, parameters, the first phase.
    pub fn begin(&mut self) -> Vec<ScriptStep> {
        let rate_per_s = self.case.plan.rate_per_s;
        let mut steps =
            vec![ScriptStep::all(Change::Rate(rate_per_s), EventKind::Rate { rate_per_s })];
        steps.extend(self.case.params().into_iter().map(|(name, value)| param(&name, value)));
        steps.extend(self.begin_phase(0));
        steps
    }

    /// The next phase begins.
    pub fn next_phase(&mut self) -> Vec<ScriptStep> {
        let own = self.case.entry.manifest.phases.get(self.phase + 1).map(|p| ms(p.at_s));
        match (self.joined.first(), own) {
            (Some((at_ms, _)), own) if own.is_none_or(|own_ms| *at_ms < own_ms) => {
                self.joined.remove(0).1
            }
            _ => self.begin_phase(self.phase + 1),
        }
    }

    fn begin_phase(&mut self, index: usize) -> Vec<ScriptStep> {
        self.phase = index;
        let entry = std::sync::Arc::clone(&self.case.entry);
        let Some(phase) = entry.manifest.phases.get(index) else {
            return Vec::new();
        };
        let says = phase.says.clone();
        let mut steps = vec![ScriptStep::all(Change::Nothing, EventKind::Phase { index, says })];
        if let Some(rate_per_s) = phase.rate_per_s {
            steps.extend(rate(rate_per_s));
        }
        for (name, value) in &phase.params {
            if let Some(value) = self.case.of_phase(name, *value) {
                steps.push(param(name, value));
            }
        }
        if let Some(switch) = phase.bugs {
            self.released = switch == Switch::On;
            for lane in 0..self.bugs.len() {
                let variant = self.case.plan.variants[lane].clone();
                // A lane of the fixed variant has no release, unless its code steers one, and keeps
                // what was switched by hand.
                if variant != "fixed" || self.is_steered(lane) {
                    let variant = Some(variant).filter(|_| switch == Switch::On);
                    steps.extend(self.set_bug(lane, &entry.manifest.id, variant, 0));
                }
            }
        }
        steps
    }

    /// Returns the effects of a command, `now_ms` after the start of the run.
    pub fn obey(&mut self, control: Control, now_ms: u64) -> Vec<ScriptStep> {
        let lanes = self.bugs.len();
        match control {
            Control::SetBug { lane, incident, variant } => {
                self.set_bug(lane, &incident, variant, now_ms)
            }
            Control::SetRate(rate_per_s) => rate(rate_per_s).into_iter().collect(),
            Control::SetParam { name, value } => vec![param(&name, value)],
            Control::RepeatPhases => self.repeat_phases(now_ms),
            Control::SetParams(values) => {
                values.iter().map(|(name, value)| param(name, *value)).collect()
            }
            Control::SetWithout { lane, slots } if lane < lanes => {
                self.without[lane].clone_from(&slots);
                let what = EventKind::Slots { without: slots.clone() };
                let change = Change::Without(lane, slots);
                vec![ScriptStep { change, lane: Some(lane), tell: Some(what) }]
            }
            Control::Scale { lane, instances } if lane < lanes => {
                let change = Change::Scale(lane, instances);
                vec![ScriptStep { change, lane: Some(lane), tell: None }]
            }
            Control::Restart { lane, console } if lane < lanes => {
                let change = Change::Restart(lane, console);
                vec![ScriptStep { change, lane: Some(lane), tell: None }]
            }
            _ => Vec::new(),
        }
    }

    /// Schedules the phases that follow the release again. The first starts now.
    fn repeat_phases(&mut self, now_ms: u64) -> Vec<ScriptStep> {
        let manifest = &self.case.entry.manifest;
        let release_s = manifest.release_s();
        let later = || manifest.phases.iter().filter(|phase| phase.at_s > release_s);
        let log = |line: String| ScriptStep::all(Change::Nothing, EventKind::Log { line });
        let Some(first) = later().next() else {
            return vec![log("this incident has no phases after its release".to_owned())];
        };
        let from_s = first.at_s;
        let again =
            later().map(|phase| {
                let mut steps = vec![log(format!("again: {}", phase.says))];
                steps.extend(phase.rate_per_s.and_then(rate));
                let params = phase.params.iter();
                steps.extend(params.filter_map(|(name, value)| {
                    Some(param(name, self.case.of_phase(name, *value)?))
                }));
                (now_ms + ms(phase.at_s - from_s), steps)
            });
        let again: Vec<_> = again.collect();
        self.joined.extend(again);
        self.joined.sort_by_key(|(at_ms, _)| *at_ms);
        Vec::new()
    }

    fn set_bug(
        &mut self,
        lane: usize,
        incident: &str,
        variant: Option<String>,
        now_ms: u64,
    ) -> Vec<ScriptStep> {
        let mut steps = Vec::new();
        let Some(bugs) = self.bugs.get(lane) else {
            return steps;
        };
        if bugs.get(incident) == variant.as_ref() {
            return steps;
        }
        let before = bugs.clone();
        match &variant {
            Some(variant) => self.bugs[lane].insert(incident.to_owned(), variant.clone()),
            None => self.bugs[lane].remove(incident),
        };
        let joins = variant.is_some() && self.world.insert(incident.to_owned());
        // A joining incident fills slots in every lane.
        let clash = (0..self.bugs.len())
            .find_map(|lane| self.case.catalogue.chain(base_chain(), &self.in_play(lane)).err());
        if let Some(clash) = clash {
            self.bugs[lane] = before;
            if joins {
                self.world.remove(incident);
            }
            let what = EventKind::Log { line: clash.to_string() };
            return vec![ScriptStep {
                change: Change::Nothing,
                lane: Some(lane),
                tell: Some(what),
            }];
        }
        if joins {
            steps.extend(self.join_world(incident, lane, now_ms));
        }
        // A steered release of the fixed variant is no bug.
        let is_bug = variant.as_deref() != Some("fixed");
        let what = is_bug.then(|| EventKind::Bug { incident: incident.to_owned(), variant });
        let change = Change::InPlay(lane, self.in_play(lane));
        steps.push(ScriptStep { change, lane: Some(lane), tell: what });
        steps
    }

    /// A bug of another incident meets that incident's traffic, parameters and phases, in every lane,
    /// and its fixed layers in the others: the world is the same for all, the code is not.
    fn join_world(&mut self, incident: &str, lane: usize, now_ms: u64) -> Vec<ScriptStep> {
        let Ok(entry) = self.case.catalogue.find(incident).cloned() else {
            return Vec::new();
        };
        let manifest = &entry.manifest;
        let release_s = manifest.release_s();
        let mut values: BTreeMap<&String, f64> =
            manifest.params.iter().map(|(name, known)| (name, known.value)).collect();
        for phase in &manifest.phases {
            let steps = || phase.params.iter().map(|(name, value)| param(name, *value)).collect();
            if phase.at_s <= release_s {
                values.extend(phase.params.iter().map(|(name, value)| (name, *value)));
            } else if !phase.params.is_empty() {
                // Phases of what joins count from the switch.
                self.joined.push((now_ms + ms(phase.at_s - release_s), steps()));
            }
        }
        self.joined.sort_by_key(|(at_ms, _)| *at_ms);
        let mut steps: Vec<ScriptStep> =
            values.into_iter().map(|(name, value)| param(name, value)).collect();
        let others = (0..self.bugs.len()).filter(|other| *other != lane);
        steps.extend(others.map(|other| {
            let change = Change::InPlay(other, self.in_play(other));
            ScriptStep { change, lane: Some(other), tell: None }
        }));
        let line = format!("every lane now also gets the traffic and settings of {incident}");
        let mix = Change::Mix(self.world.iter().cloned().collect());
        steps.push(ScriptStep::all(mix, EventKind::Log { line }));
        steps
    }
}

/// Returns the effects of an experiment, with their times.
fn around(experiment: &Experiment) -> [(u64, Vec<ScriptStep>); 2] {
    let steps = |params: &BTreeMap<String, f64>, line: &str| {
        let log = ScriptStep::all(Change::Nothing, EventKind::Log { line: line.to_owned() });
        let params = params.iter().map(|(name, value)| param(name, *value));
        std::iter::once(log).chain(params).collect()
    };
    let faults = &experiment.faults;
    [
        (ms(experiment.from_s), steps(&faults.0, "the experiment begins: faults are injected")),
        (ms(experiment.to_s), steps(&faults.end(), "the experiment is over: no more faults")),
    ]
}

fn ms(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn rate(rate_per_s: f64) -> Option<ScriptStep> {
    rate_allowed(rate_per_s)
        .then(|| ScriptStep::all(Change::Rate(rate_per_s), EventKind::Rate { rate_per_s }))
}

fn param(name: &str, value: f64) -> ScriptStep {
    let what = EventKind::Param { name: name.to_owned(), value };
    ScriptStep::all(Change::Param(name.to_owned(), value), what)
}
