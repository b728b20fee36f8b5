//! Loads that are not on the screen, and what happened under one of them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use firedrill_core::catalogue::{Catalogue, CatalogueEntry};
use firedrill_core::event::{Clock, EventKind, Sample};
use firedrill_core::figures::number;
use firedrill_core::incident::exercise::{Exercise, Range, YOURS};
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::measure::{KindFigure, Measure, selector, without_selector};
use firedrill_core::random::RandomStream;
use firedrill_core::timeline::{LaneLine, Timeline, level};
use firedrill_core::verdict::{Period, grows, value};

use crate::run::spec::Learner;
use crate::run::{Run, Spec};

/// Time limit for a tick of virtual time in a learner's code; a tick is milliseconds of work.
const PATIENCE: Duration = Duration::from_secs(8);

/// Seconds at the end of a trial in which growth is late.
const LATE_S: f64 = 5.0;

/// A load, with parameters and a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Arrivals a second.
    pub rate_per_s: f64,
    /// Parameters that differ from the manifest's.
    pub params: BTreeMap<String, f64>,
    /// Seed of arrivals and servers.
    pub seed: u64,
    /// Duration in seconds.
    pub lasts_s: f64,
    /// True for the lab's own values.
    pub of_lab: bool,
    /// Which of the exercise's other loads it is.
    pub also: Option<usize>,
}

/// A trial that did not get to its end.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub why: anyhow::Error,
    /// Output of the learner's program so far.
    pub said: LearnerOutput,
}

impl From<anyhow::Error> for Broken {
    fn from(why: anyhow::Error) -> Self {
        Self { why, said: LearnerOutput::default() }
    }
}

/// Lines that a learner's program wrote, panics among them, and how often.
#[derive(Debug, Clone, Default)]
pub struct LearnerOutput(Vec<(String, u64)>);

/// Different lines that are kept.
const MOST_LINES: usize = 6;

impl LearnerOutput {
    fn hear(&mut self, line: &str) {
        // What every program says that panics is no news.
        if line.trim().is_empty() || line.starts_with("note: run with `RUST_BACKTRACE") {
            return;
        }
        let known = self.0.iter_mut().find(|(known, _)| known == line);
        if let Some((_, times)) = known {
            *times += 1;
        } else if self.0.len() < MOST_LINES {
            self.0.push((line.to_owned(), 1));
        }
    }

    /// The lines, each with how often it came.
    pub fn lines(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(line, times)| (line.as_str(), *times))
    }
}

/// Result of a trial.
#[derive(Debug)]
pub struct Tried {
    /// Output of the learner's program.
    pub said: LearnerOutput,
    /// All lanes: the learner's, `broken` and `fixed`.
    pub timeline: Timeline,
    /// Values for formulas of the exercise.
    pub figures: Values,
}

/// Chance that nobody can foresee.
pub fn chance() -> u64 {
    RandomState::new().hash_one("trial")
}

/// The lab's own numbers, and `more` trials that are drawn.
pub fn draw(entry: &CatalogueEntry, exercise: &Exercise, more: usize, seed: u64) -> Vec<Trial> {
    let manifest = &entry.manifest;
    let mut trials = vec![Trial {
        rate_per_s: manifest.load.rate_per_s,
        params: BTreeMap::new(),
        seed: 1,
        lasts_s: exercise.lasts_s.from,
        of_lab: true,
        also: None,
    }];
    let dice = RandomStream::new(seed, "trials");
    let from = |range: &Range| {
        let drawn = range.from + (range.to - range.from) * dice.uniform();
        // Whole numbers between whole bounds.
        let scale = if range.from.fract() == 0.0 && range.to.fract() == 0.0 { 1.0 } else { 100.0 };
        (drawn * scale).round() / scale
    };
    trials.extend((0..more).map(|_| Trial {
        rate_per_s: from(&exercise.rate_per_s),
        params: exercise.params.iter().map(|(name, range)| (name.clone(), from(range))).collect(),
        seed: (dice.uniform() * 1e9) as u64,
        lasts_s: from(&exercise.lasts_s),
        of_lab: false,
        also: None,
    }));
    let kinds = exercise.also.iter().enumerate();
    trials.extend(kinds.map(|(at, also)| {
        let params = exercise.params.iter().chain(&also.params);
        Trial {
            rate_per_s: from(&exercise.rate_per_s),
            params: params.map(|(name, range)| (name.clone(), from(range))).collect(),
            seed: (dice.uniform() * 1e9) as u64,
            lasts_s: from(&exercise.lasts_s),
            of_lab: false,
            also: Some(at),
        }
    }));
    trials
}

impl Trial {
    /// Its numbers, for people.
    pub fn says(&self, entry: &CatalogueEntry) -> String {
        let mut says = format!("{} requests/s", number(self.rate_per_s));
        if let Some(exercise) = &entry.manifest.exercise {
            for name in exercise.params.keys() {
                let Some(param) = entry.manifest.params.get(name) else { continue };
                let value = number(self.params.get(name).copied().unwrap_or(param.value));
                says += format!(", {name} {value} {}", param.unit).trim_end();
            }
        }
        says + &format!(", {} s", number(self.lasts_s))
    }

    /// Runs it: the learner's program, or the exercise as it is given out; and ours beside it.
    ///
    /// # Errors
    ///
    /// When the learner's lane breaks the run: it prints what is no event, stands still, or ends.
    pub async fn run(
        &self,
        catalogue: &'static Catalogue,
        entry: &'static CatalogueEntry,
        yours: &Yours<'_>,
    ) -> Result<Tried, Broken> {
        let mut spec = Spec::of(catalogue, entry)?;
        spec.case.plan.variants = [yours.variant, "broken", "fixed"].map(str::to_owned).into();
        spec.venue.yours = yours.program.map(|program| Learner::of(program.to_owned()));
        if let Some(ours) = yours.ours {
            ours.clone_into(&mut spec.venue.program);
        }
        spec.case.plan.rate_per_s = self.rate_per_s;
        spec.case.plan.params.clone_from(&self.params);
        spec.case.plan.seed = self.seed;
        spec.case.plan.clock = Clock::Virtual;
        spec.case.plan.set_duration(Duration::from_secs_f64(self.lasts_s));
        spec.patience = Some(PATIENCE);
        let params = spec.case.params_at_release();
        let mut timeline = Timeline::new(&entry.manifest, &spec.case.plan.variants);
        let mut run = Run::start(spec)?;
        let mut said = LearnerOutput::default();
        while let Some(event) = run.events.recv().await {
            if let (EventKind::Log { line }, Some(0)) = (&event.what, event.lane) {
                said.hear(line);
            }
            timeline.push(&event);
        }
        if let Err(why) = run.ended().await {
            return Err(Broken { why, said });
        }
        // To be judged as a learner's, whatever it is called.
        if let Some(lane) = timeline.lanes.first_mut() {
            YOURS.clone_into(&mut lane.variant);
        }
        let figures = figures(entry, &timeline, params, self.rate_per_s);
        Ok(Tried { said, timeline, figures })
    }
}

/// Whose form is tried.
#[derive(Debug, Clone, Copy)]
pub struct Yours<'a> {
    /// [`YOURS`], or a variant of the incident that takes its place, for the gate.
    pub variant: &'a str,
    /// The learner's program; none: the same that serves our lanes.
    pub program: Option<&'a Path>,
    /// The program that serves our lanes; none: this one.
    pub ours: Option<&'a Path>,
}

/// Returns the values for formulas of an exercise: the trial's parameters; of the learner's lane from the release
/// to the end, every share and percentile by its name, the highest of every level, its growth per second in the
/// last five seconds (`tasks_late_per_s`), the last value of every gauge and the growth of every counter, `exits`
/// and `restarts`; `bites`, 1 if the bug showed in that lane and else 0; `bites_after_s`, `broken_after_s` and
/// `delay_s`: the time at which it showed there and in `broken`, in seconds after the release, and the difference
/// (0 if it did not); `removed`: instances that were removed.
fn figures(
    entry: &CatalogueEntry,
    timeline: &Timeline,
    params: BTreeMap<String, f64>,
    rate_per_s: f64,
) -> Values {
    let mut values = params;
    values.insert("rate_per_s".to_owned(), rate_per_s);
    let from_s = timeline.release_s.unwrap_or_default();
    let period = Period { from_s, to_s: timeline.end_s };
    let Some(lane) = timeline.lanes.first() else { return values };
    for name in Measure::built_in() {
        let measure = Measure::parse(name);
        values.extend(value(lane, &measure, period).map(|v| (name.to_owned(), v)));
        let late = Period { from_s: timeline.end_s - LATE_S, to_s: timeline.end_s };
        let growth = grows(lane, &measure, late).map(|v| (format!("{name}_late_per_s"), v));
        values.extend(growth.filter(|_| matches!(measure, Measure::Level(_))));
    }
    for kind in lane.kinds.keys() {
        let of_kind = KindFigure::ALL.map(|of| format!("{}{}", of.name(), selector("kind", kind)));
        for name in of_kind {
            values.extend(value(lane, &Measure::parse(&name), period).map(|v| (name, v)));
        }
    }
    values.insert("exits".to_owned(), lane.exits.len() as f64);
    values.insert("restarts".to_owned(), lane.restarts.len() as f64);
    values.extend(registered(lane, period));
    let late = Period { from_s: timeline.end_s - LATE_S, to_s: timeline.end_s };
    for name in lane.metrics.keys() {
        let growth = grows(lane, &Measure::Registered(name.clone()), late);
        values.extend(growth.map(|growth| (format!("{name}_late_per_s"), growth)));
    }
    let bite = |lane: &LaneLine| bitten_s(entry, lane, period);
    let broken = timeline.lanes.iter().find(|lane| lane.variant == "broken");
    let (bites_s, broken_s) = (bite(lane), broken.and_then(bite));
    let after = |at_s: Option<f64>| at_s.map_or(0.0, |at_s| at_s - from_s);
    let delay_s = bites_s.zip(broken_s).map_or(0.0, |(bites_s, broken_s)| bites_s - broken_s);
    values.insert("bites".to_owned(), f64::from(u8::from(bites_s.is_some())));
    values.insert("bites_after_s".to_owned(), after(bites_s));
    values.insert("broken_after_s".to_owned(), after(broken_s));
    values.insert("delay_s".to_owned(), delay_s.max(0.0));
    values.insert("removed".to_owned(), removed(lane, period) as f64);
    values
}

/// Returns the number of instances that were removed.
fn removed(lane: &LaneLine, period: Period) -> usize {
    let samples = lane.between(period.from_s, period.to_s);
    // A sample of one instance does not list it; neither does the last of a run.
    let listed = samples.map(|(_, sample)| sample.instances.len()).filter(|listed| *listed > 0);
    let counts: Vec<usize> = listed.collect();
    counts.windows(2).map(|pair| pair[0].saturating_sub(pair[1])).sum()
}

/// The last value of every gauge that the lane's code registers, and by how much every counter has grown,
/// over all its processes.
fn registered(lane: &LaneLine, period: Period) -> Values {
    let mut values = Values::new();
    let mut before: Option<&Values> = None;
    let samples = lane.between(period.from_s, period.to_s);
    for server in samples.filter_map(|(_, sample)| sample.server.as_ref()) {
        for (name, value) in &server.metrics {
            let metric = lane.metrics.get(without_selector(name));
            let counter = metric.is_some_and(|metric| metric.counter);
            let known = before.and_then(|before| before.get(name)).copied();
            let sum = values.entry(name.clone()).or_insert(0.0);
            match known.filter(|known| known <= value) {
                _ if !counter => *sum = *value,
                // In the first sample it has what it had before the release.
                None if before.is_none() => {}
                // A new process counts from 0.
                known => *sum += value - known.unwrap_or(0.0),
            }
        }
        before = Some(&server.metrics);
    }
    values
}

/// Returns the time at which the bug showed in a lane.
fn bitten_s(entry: &CatalogueEntry, lane: &LaneLine, period: Period) -> Option<f64> {
    let bite = &entry.manifest.bite;
    if bite.metric == Measure::Restarts {
        return lane.restarts.get(bite.above as usize).copied();
    }
    let mut samples = lane.between(period.from_s, period.to_s);
    let bitten =
        |sample: &&Sample| level(*sample, &bite.metric).is_some_and(|value| value > bite.above);
    samples.find(|(_, sample)| bitten(sample)).map(|(at_s, _)| at_s)
}
