//! The outage of a shift, drawn from its seed: the incident, its load, the time of the release, and the harmless
//! changes beside it. All of it is hidden from the person on call.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, CatalogueEntry};
use crate::event::Clock;
use crate::incident::manifest::{Phase, Switch, Symptom};
use crate::incident::{Bugs, Manifest, Unknown};
use crate::plan::{Case, Plan};
use crate::random;
use crate::script::Control;
use crate::service::base_chain;

/// Time limit of a shift, in milliseconds since the run began.
pub const LIMIT_MS: u64 = 300_000;

/// The levels of difficulty: 1 the outage alone, 2 with harmless changes beside it, 3 with two faults at once.
pub const LEVELS: std::ops::RangeInclusive<u8> = 1..=3;

/// Quiet time between two repetitions of an incident's phases, in seconds.
const CALM_S: f64 = 14.0;

/// Time from the first release to the second one, in milliseconds.
const SECOND_AFTER_MS: u64 = 2_000;

/// One shift in so many has no fault.
const HEALTHY_IN: u32 = 8;

/// One faulty shift in so many is reported by a customer.
const CUSTOMER_IN: u32 = 4;

/// The outage of a shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The seed of the shift, and of its run.
    pub seed: u64,
    /// Level of difficulty, see [`LEVELS`].
    pub level: u8,
    /// The incident whose service and traffic it is.
    pub incident: String,
    /// True if the release carries the incident's fault; false if nothing is wrong.
    pub is_faulty: bool,
    /// The incident whose fault a second release carries.
    pub second: Option<String>,
    /// Requests a second.
    pub rate_per_s: f64,
    /// Time of the release, in milliseconds since the run began.
    pub release_ms: u64,
    /// Time of the false alarm where nothing is wrong, in milliseconds since the run began.
    pub false_alarm_ms: u64,
    /// The report of a person that is the page, where no alert is.
    pub report: Report,
    /// The changes to the service, in order of time.
    pub changes: Vec<RecentChange>,
}

/// Reports of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// An alert fires.
    None,
    /// A customer complains.
    Customer,
    /// Memory seems to grow.
    Capacity,
    /// Data seems to be where it must not be.
    Security,
}

/// A change to the service during the shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentChange {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Its kind.
    pub kind: ChangeKind,
}

/// Kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The release that may carry the fault.
    Release,
    /// A release that carries a second fault.
    SecondRelease,
    /// The host was maintained: the process was restarted.
    Maintenance,
    /// A release that changes nothing but a limit that is not in use.
    HarmlessRelease,
    /// A campaign brings more traffic.
    Campaign,
}

/// The parameter that [`ChangeKind::HarmlessRelease`] changes, its value before and after: it limits injected delays,
/// and nothing injects them.
const UNUSED: (&str, f64, f64) = ("chaos_most", 1000.0, 500.0);

/// The traffic after [`ChangeKind::Campaign`], as a factor.
const CAMPAIGN: f64 = 1.06;

impl ChangeKind {
    /// Returns true if it can be rolled back.
    pub fn is_reversible(self) -> bool {
        !matches!(self, Self::Maintenance | Self::Campaign)
    }

    /// Returns true if it is a release.
    pub fn is_release(self) -> bool {
        matches!(self, Self::Release | Self::SecondRelease | Self::HarmlessRelease)
    }

    /// Returns true if it may carry a fault.
    pub fn is_suspect(self) -> bool {
        matches!(self, Self::Release | Self::SecondRelease)
    }

    /// The entry in the list of changes. `number` counts the releases from 0.
    pub fn text(self, number: usize) -> String {
        match self {
            Self::Release | Self::SecondRelease | Self::HarmlessRelease => {
                format!("release 2.14.{number}")
            }
            Self::Maintenance => "maintenance: the process was moved to another host".to_owned(),
            Self::Campaign => "marketing: a campaign began".to_owned(),
        }
    }
}

impl Scenario {
    /// Draws the outage of a seed. With `of`, it is one of these incidents.
    ///
    /// # Errors
    ///
    /// Returns an error if one of the incidents is unknown.
    pub fn draw(
        catalogue: &Catalogue,
        seed: u64,
        level: u8,
        of: &[String],
    ) -> Result<Self, Unknown> {
        for id in of {
            catalogue.find(id)?;
        }
        let mut dice = random::stream(seed, "shift");
        // Two faults at once need incidents that do not change the world themselves.
        let fits = |id: &&str| {
            level < 3
                || catalogue
                    .find(id)
                    .is_ok_and(|entry| is_plain(entry, entry.manifest.load.rate_per_s * HALF))
        };
        let ids: Vec<&str> = match of {
            [] => catalogue.ids().filter(fits).collect(),
            of => {
                let all: Vec<&str> = of.iter().map(String::as_str).collect();
                let fitting: Vec<&str> = all.iter().copied().filter(fits).collect();
                if fitting.is_empty() { all } else { fitting }
            }
        };
        let incident = ids.choose(&mut dice).copied().unwrap_or_default().to_owned();
        let is_faulty = dice.random_range(0..HEALTHY_IN) != 0;
        Self::detailed(catalogue, (seed, level), (&incident, is_faulty), of)
    }

    /// The shift of this seed and level with a known incident, faulty or not.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn new(
        catalogue: &Catalogue,
        (seed, level): (u64, u8),
        incident: &str,
        is_faulty: bool,
    ) -> Result<Self, Unknown> {
        Self::detailed(catalogue, (seed, level), (incident, is_faulty), &[])
    }

    /// The same; with `of`, a second fault is of one of these incidents.
    fn detailed(
        catalogue: &Catalogue,
        (seed, level): (u64, u8),
        (incident, is_faulty): (&str, bool),
        of: &[String],
    ) -> Result<Self, Unknown> {
        let entry = catalogue.find(incident)?;
        let manifest = &entry.manifest;
        let mut dice = random::stream(seed, "shift details");
        let own = manifest.load.rate_per_s;
        let rate_per_s = (own * dice.random_range(0.96..1.04)).round().max(1.0);
        let release_ms = dice.random_range(80..200) * 100;
        let false_alarm_ms = release_ms + dice.random_range(50..150) * 100;
        let reports = false_reports(catalogue, of);
        let report = if !is_faulty {
            reports[dice.random_range(0..reports.len())]
        } else if dice.random_range(0..CUSTOMER_IN) == 0 {
            Report::Customer
        } else {
            Report::None
        };
        let mut changes = vec![RecentChange { at_ms: release_ms, kind: ChangeKind::Release }];
        let level = level.clamp(*LEVELS.start(), *LEVELS.end());
        let mut harmless = vec![ChangeKind::Maintenance, ChangeKind::HarmlessRelease];
        // Phases that set the rate would end the campaign.
        if manifest.phases.iter().all(|phase| phase.rate_per_s.is_none()) {
            harmless.push(ChangeKind::Campaign);
        }
        for _ in 1..level.min(3) {
            let kind = harmless.swap_remove(dice.random_range(0..harmless.len()));
            let at_ms = release_ms - 4_000 + dice.random_range(0..78) * 100;
            changes.push(RecentChange { at_ms, kind });
        }
        let wants_second = level == 3 && is_faulty;
        let second = wants_second.then(|| second_fault(catalogue, entry, of, &mut dice)).flatten();
        if second.is_some() {
            let at_ms = release_ms + SECOND_AFTER_MS;
            changes.push(RecentChange { at_ms, kind: ChangeKind::SecondRelease });
        }
        changes.sort_by_key(|change| change.at_ms);
        let incident = incident.to_owned();
        Ok(Self {
            seed,
            level,
            incident,
            is_faulty,
            second,
            rate_per_s,
            release_ms,
            false_alarm_ms,
            report,
            changes,
        })
    }

    /// The run of the shift: one lane, on this clock.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn case(&self, catalogue: &Catalogue, clock: Clock) -> Result<Case, Unknown> {
        let variant = if self.is_faulty { "broken" } else { "fixed" };
        Ok(Case {
            plan: Plan { clock, ..self.plan(&[variant]) },
            ..self.run(catalogue, &[variant], self.seed)?
        })
    }

    /// A run in simulated time of the same script with these variants, one a lane, and this seed.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn run(
        &self,
        catalogue: &Catalogue,
        variants: &[&str],
        seed: u64,
    ) -> Result<Case, Unknown> {
        let entry = catalogue.find(&self.incident)?;
        let manifest = Manifest { phases: self.phases(&entry.manifest), ..entry.manifest.clone() };
        let entry = Arc::new(entry.with_manifest(manifest));
        let plan = Plan { seed, ..self.plan(variants) };
        Ok(Case { catalogue: catalogue.clone(), entry, plan })
    }

    fn plan(&self, variants: &[&str]) -> Plan {
        Plan {
            incident: self.incident.clone(),
            variants: variants.iter().map(|name| (*name).to_owned()).collect(),
            rate_per_s: self.rate_per_s,
            seed: self.seed,
            params: std::collections::BTreeMap::new(),
            experiment: None,
            clock: Clock::Virtual,
            duration_ms: None,
        }
    }

    /// The incident's phases, moved to the time of the release. Those after the release repeat until the end of the
    /// shift: an outage must not end before anybody has looked.
    fn phases(&self, manifest: &Manifest) -> Vec<Phase> {
        let (release_s, own) = (manifest.release_s(), &manifest.phases);
        let at_s = self.release_ms as f64 / 1000.0;
        let mut phases: Vec<Phase> =
            own.iter().filter(|phase| phase.at_s < release_s).cloned().collect();
        let release = own.iter().find(|phase| phase.bugs == Some(Switch::On));
        phases.extend(release.cloned().map(|phase| Phase { at_s, ..phase }));
        let later: Vec<&Phase> = own.iter().filter(|phase| phase.at_s > release_s).collect();
        let Some(last) = later.last() else { return phases };
        let period_s = self.period_s(manifest).max(last.at_s - release_s);
        let mut from_s = at_s;
        while from_s < LIMIT_MS as f64 / 1000.0 * 2.0 {
            let again = later
                .iter()
                .map(|phase| Phase { at_s: from_s + phase.at_s - release_s, ..(*phase).clone() });
            phases.extend(again);
            from_s += period_s;
        }
        phases
    }

    /// Time from one repetition of the incident's phases to the next, in seconds.
    pub fn period_s(&self, manifest: &Manifest) -> f64 {
        let last_s = manifest.phases.last().map_or(0.0, |phase| phase.at_s);
        last_s - manifest.release_s() + CALM_S
    }

    /// The commands that make the changes beside the release, for a lane, with their times.
    pub fn controls(&self, lane: usize) -> Vec<(u64, Control)> {
        let control = |change: &RecentChange| {
            let control = match change.kind {
                ChangeKind::Release => return None,
                ChangeKind::SecondRelease => {
                    let incident = self.second.clone()?;
                    Control::SetBug { lane, incident, variant: Some("broken".to_owned()) }
                }
                ChangeKind::Maintenance => Control::Restart { lane, console: false },
                ChangeKind::HarmlessRelease => {
                    Control::SetParam { name: UNUSED.0.to_owned(), value: UNUSED.2 }
                }
                ChangeKind::Campaign => Control::SetRate((self.rate_per_s * CAMPAIGN).round()),
            };
            Some((change.at_ms, control))
        };
        self.changes.iter().filter_map(control).collect()
    }

    /// The command that rolls a change back, for a lane; none if it cannot be rolled back.
    pub fn roll_back(&self, kind: ChangeKind, lane: usize) -> Option<Control> {
        let incident = match kind {
            ChangeKind::Release => self.incident.clone(),
            ChangeKind::SecondRelease => self.second.clone()?,
            ChangeKind::HarmlessRelease => {
                return Some(Control::SetParam { name: UNUSED.0.to_owned(), value: UNUSED.1 });
            }
            ChangeKind::Maintenance | ChangeKind::Campaign => return None,
        };
        Some(Control::SetBug { lane, incident, variant: None })
    }

    /// The causes of the outage: ids of incidents.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        let own = self.is_faulty.then_some(self.incident.as_str());
        own.into_iter().chain(self.second.as_deref())
    }
}

/// The reports that a false alarm may be: those that a real outage of these incidents could be, too.
fn false_reports(catalogue: &Catalogue, of: &[String]) -> Vec<Report> {
    let is_possible = |symptom: Symptom| {
        let mut entries = catalogue.entries.iter();
        entries.any(|entry| {
            entry.manifest.symptom == symptom && (of.is_empty() || of.contains(&entry.manifest.id))
        })
    };
    let silent = [(Symptom::Leak, Report::Capacity), (Symptom::Security, Report::Security)];
    let silent = silent.into_iter().filter(|(symptom, _)| is_possible(*symptom));
    [Report::Customer].into_iter().chain(silent.map(|(_, report)| report)).collect()
}

/// Returns true if an incident can share its service with another one: its fault shows at this load, in requests a
/// second, and no phases
/// after the release change load or database, so that the service is healthy once both are fixed.
fn is_plain(entry: &CatalogueEntry, rate_per_s: f64) -> bool {
    let manifest = &entry.manifest;
    let steers = entry.incident.variants.iter().any(|variant| variant.steer.is_some());
    let has_phases = manifest.phases.iter().any(|phase| phase.at_s > manifest.release_s());
    let shares = manifest.instances == 1 && !manifest.tls && !steers;
    shares && !has_phases && shows_at(manifest, rate_per_s)
}

/// Returns true if the fault of an incident shows at this load of its requests, in requests a second.
fn shows_at(manifest: &Manifest, rate_per_s: f64) -> bool {
    let mut values = manifest.formula_values();
    values.insert("rate_per_s".to_owned(), rate_per_s);
    let overload = manifest.overload.as_ref().map(|overload| overload.eval(&values));
    overload.is_none_or(|overload| overload.is_ok_and(|overload| overload > 0.0))
}

/// The share of the requests that each of two incidents has.
const HALF: f64 = 0.5;

/// A second incident for a shift of level 3: its layers fit into the same service.
fn second_fault(
    catalogue: &Catalogue,
    first: &CatalogueEntry,
    of: &[String],
    dice: &mut impl rand::Rng,
) -> Option<String> {
    let rate_per_s = first.manifest.load.rate_per_s * HALF;
    if !is_plain(first, rate_per_s) {
        return None;
    }
    let fits = |entry: &&Arc<CatalogueEntry>| {
        let broken = |entry: &CatalogueEntry| (entry.manifest.id.clone(), "broken".to_owned());
        let both = Bugs::from([broken(first), broken(entry)]);
        entry.manifest.id != first.manifest.id
            && (of.is_empty() || of.contains(&entry.manifest.id))
            && is_plain(entry, rate_per_s)
            && catalogue.chain(base_chain(), &both).is_ok()
    };
    let fitting: Vec<_> = catalogue.entries.iter().filter(fits).collect();
    fitting.choose(dice).map(|entry| entry.manifest.id.clone())
}
