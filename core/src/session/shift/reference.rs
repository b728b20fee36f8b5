//! The runs that a shift is compared with, in simulated time: the same outage if nobody acts, without the fault, and
//! with an expert on call; and the service as it was left, under other seeds.

use serde::Serialize;

use super::act::control;
use super::seconds::{Second, Seconds};
use super::task::{Look, Task};
use super::{BURST, Shift, manifests};
use crate::catalogue::Catalogue;
use crate::event::Event;
use crate::incident::Unknown;
use crate::incident::manifest::{MAX_INSTANCES, MAX_RATE_PER_S};
use crate::plan::Case;
use crate::script::{Control, Pacing};

/// Looks of an expert before the first action. The charts are on the screen.
const EXPERT_LOOKS: [Look; 2] = [Look::Kinds, Look::Changes];

/// Milliseconds after which an expert takes the page.
const EXPERT_TAKES_MS: u64 = 2_000;

/// Seeds beside that of the shift under which the service is tried as it was left.
pub const OTHER_SEEDS: [u64; 2] = [1_000_003, 2_000_003];

/// Seconds after the release from which a service that is tried under another seed is judged: a second release has been
/// rolled back by then.
const JUDGED_AFTER_S: u32 = 4;

/// Numbers of instances that an expert tries.
const SCALES: [usize; 3] = [3, 5, MAX_INSTANCES];

/// A run in simulated time.
#[derive(Debug)]
pub struct Reference {
    /// The run.
    pub case: Case,
    /// Its commands.
    pub pacing: Pacing,
    /// Time for which it lasts, in milliseconds.
    pub until_ms: u64,
}

/// The seconds of each lane of a run.
pub fn seconds_of<'a>(
    shift: &Shift,
    catalogue: &Catalogue,
    lanes: usize,
    events: impl IntoIterator<Item = &'a Event>,
) -> Vec<Vec<Second>> {
    let of = |lane| Seconds::new(lane, manifests(&shift.scenario, catalogue));
    let mut all: Vec<Seconds> = (0..lanes).map(of).collect();
    for event in events {
        for seconds in &mut all {
            seconds.take(event);
        }
    }
    all.into_iter().map(|seconds| seconds.all).collect()
}

/// The shortest path of an expert who knows the cause, as far as the actions allow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExpertPath {
    /// The tasks with the times of their ends, in milliseconds since the run began.
    pub steps: Vec<(u64, Task)>,
}

impl ExpertPath {
    /// The actions on the service.
    pub fn actions(&self) -> impl Iterator<Item = &Task> {
        self.steps.iter().map(|(_, task)| task).filter(|task| task.acts())
    }
}

impl Shift {
    /// The time up to which the shift and its references last, in milliseconds; none before its end.
    fn until_ms(&self) -> Option<u64> {
        self.over_ms.map(|over_ms| over_ms + self.watch_ms)
    }

    /// The command that raises the load at the end.
    fn burst(&self) -> Option<(u64, Control)> {
        let burst = (self.offered_at_end_per_s? * BURST).min(MAX_RATE_PER_S);
        Some((self.over_ms?, Control::SetRate(burst)))
    }

    fn reference(&self, case: Case, mut controls: Vec<(u64, Control)>) -> Option<Reference> {
        controls.extend(self.burst());
        controls.sort_by_key(|(at_ms, _)| *at_ms);
        let until_ms = self.until_ms()?;
        Some(Reference { case, pacing: Pacing { controls, ..Pacing::default() }, until_ms })
    }

    /// The outage if nobody acts (lane 0), and the service without the fault (lane 1).
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn untouched(&self, catalogue: &Catalogue) -> Result<Option<Reference>, Unknown> {
        let variant = if self.scenario.is_faulty { "broken" } else { "fixed" };
        let case = self.scenario.run(catalogue, &[variant, "fixed"], self.scenario.seed)?;
        Ok(self.reference(case, self.scenario.controls(0)))
    }

    /// The paths of an expert that are tried, the shortest first.
    pub fn expert_paths(&self, catalogue: &Catalogue) -> Vec<ExpertPath> {
        let Some(paged_ms) = self.paged_ms else { return Vec::new() };
        let releases = self.changes();
        let is_suspect = |number: usize| {
            self.scenario.changes.get(number - 1).is_some_and(|change| change.kind.is_suspect())
        };
        let back: Vec<Task> = releases
            .iter()
            .filter(|row| is_suspect(row.change))
            .map(|row| Task::RollBack { change: Some(row.change) })
            .collect();
        let several = manifests(&self.scenario, catalogue).any(|manifest| manifest.instances > 1);
        let scales = SCALES
            .iter()
            .filter(|_| several)
            .map(|instances| vec![Task::Scale { instances: *instances }]);
        let with = |tail: Vec<Task>| back.iter().cloned().chain(tail).collect::<Vec<Task>>();
        let mut ways = vec![with(Vec::new()), with(vec![Task::Restart])];
        ways.extend(scales.clone().map(with));
        ways.extend(scales);
        let path = |way: Vec<Task>| {
            let looks = EXPERT_LOOKS.map(|what| Task::Look { what });
            let mut at_ms = paged_ms + EXPERT_TAKES_MS;
            let step = |task: Task| {
                at_ms += u64::from(task.cost_s()) * 1000;
                (at_ms, task)
            };
            ExpertPath { steps: looks.into_iter().chain(way).map(step).collect() }
        };
        ways.into_iter().map(path).collect()
    }

    /// The outage with an expert on call who takes this path.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn with_expert(
        &self,
        catalogue: &Catalogue,
        path: &ExpertPath,
    ) -> Result<Option<Reference>, Unknown> {
        let case = self.scenario.run(catalogue, &["broken"], self.scenario.seed)?;
        let mut controls = self.scenario.controls(0);
        let mut off = Vec::new();
        for (at_ms, task) in &path.steps {
            controls.extend(control(task, &self.scenario, &mut off).map(|c| (*at_ms, c)));
        }
        Ok(self.reference(case, controls))
    }

    /// The service as it was left, from another seed.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn as_left(&self, catalogue: &Catalogue, seed: u64) -> Result<Reference, Unknown> {
        let variant = if self.scenario.is_faulty { "broken" } else { "fixed" };
        let seed = self.scenario.seed.wrapping_add(seed);
        let case = self.scenario.run(catalogue, &[variant], seed)?;
        let release_ms = self.scenario.release_ms;
        let mut controls = self.scenario.controls(0);
        controls.push((0, self.burst_of_all()));
        // In the moment of the release, right after it; a rollback right after its own release.
        let at_ms = release_ms;
        let mut off = Vec::new();
        // A restart is not a state, and load that is shed is let through again.
        let state = self.acted.iter().filter(|(_, task)| *task != Task::Restart);
        for (_, task) in state {
            let at_ms = match task {
                Task::RollBack { change: Some(number) } => {
                    self.scenario.changes.get(number - 1).map_or(at_ms, |change| change.at_ms)
                }
                _ => at_ms,
            };
            controls.extend(control(task, &self.scenario, &mut off).map(|c| (at_ms, c)));
        }
        controls.sort_by_key(|(at_ms, _)| *at_ms);
        let pacing = Pacing { controls, ..Pacing::default() };
        Ok(Reference { case, pacing, until_ms: at_ms + self.watch_ms })
    }

    /// The service without the fault (lane 1), from the same seed as [`Shift::as_left`]: nobody acts on it.
    ///
    /// # Errors
    ///
    /// Returns an error if the incident is unknown.
    pub fn healthy(&self, catalogue: &Catalogue, seed: u64) -> Result<Reference, Unknown> {
        let variant = if self.scenario.is_faulty { "broken" } else { "fixed" };
        let seed = self.scenario.seed.wrapping_add(seed);
        let case = self.scenario.run(catalogue, &[variant, "fixed"], seed)?;
        let mut controls = self.scenario.controls(0);
        controls.push((0, self.burst_of_all()));
        controls.sort_by_key(|(at_ms, _)| *at_ms);
        let pacing = Pacing { controls, ..Pacing::default() };
        Ok(Reference { case, pacing, until_ms: self.scenario.release_ms + self.watch_ms })
    }

    /// The command that raises the load from the beginning on.
    fn burst_of_all(&self) -> Control {
        Control::SetRate((self.scenario.rate_per_s * BURST).min(MAX_RATE_PER_S))
    }

    /// Time from which the service of [`Shift::as_left`] is judged, in seconds.
    pub fn judged_from_s(&self) -> u32 {
        (self.scenario.release_ms / 1000) as u32 + JUDGED_AFTER_S
    }
}
