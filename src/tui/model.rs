//! Everything that is on screen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::code::CodeView;
use super::keys::Action;
use super::lane::LaneModel;
use super::past::Lines;
use super::track::{RunId, Source, Track};
use super::walk::Walk;
use crate::remembered::Remembered;
use crate::run::{Control, Spec};
use firedrill_core::catalogue::{Catalogue, Entry};
use firedrill_core::event::{Clock, Event, What};
use firedrill_core::incident::claim::Claim;
use firedrill_core::incident::formula::{Formula, Values};
use firedrill_core::incident::manifest::Switch;
use firedrill_core::incident::measure::Measure;
use firedrill_core::incident::show::{Sentence, growth_of};
use firedrill_core::incident::theory::Course;
use firedrill_core::load::tally::Percentiles;
use firedrill_core::load::tally::TRUSTED_LAG_MS;
use firedrill_core::prose;
use firedrill_core::record::Faults;

/// Lines that the event log keeps.
const LOG_LINES: usize = 500;

/// Phases that are marked in the charts.
const MOST_PHASES: usize = 1000;

/// Lines among which a repetition is looked for.
const REPEATS_WITHIN: usize = 12;

/// Ticks over which the driver's lag is watched: two seconds.
const LAG_TICKS: usize = 20;

/// The whole screen.
#[derive(Debug)]
pub struct Model {
    /// All incidents.
    pub catalogue: &'static Catalogue,
    /// What is shown.
    pub screen: Screen,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Whether there is something new to draw.
    pub dirty: bool,
    /// What is remembered of whoever uses it.
    pub remembered: Remembered,
    /// Whether that has changed and is not written yet.
    pub unsaved: bool,
    /// A word on a key that did nothing, or on what could not be remembered.
    pub note: Option<String>,
}

/// What is shown.
#[derive(Debug)]
pub enum Screen {
    /// The list of incidents.
    Catalogue(CatalogueModel),
    /// One incident, running.
    Lab(Box<Lab>),
}

/// What lies over the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys, scrolled by lines.
    Help {
        /// Lines down from the first.
        down: usize,
    },
    /// The bugs of the selected lane, with the cursor.
    Bugs {
        /// The bug under the cursor.
        cursor: usize,
    },
    /// Faults on purpose, with the cursor.
    Chaos {
        /// The fault under the cursor.
        cursor: usize,
    },
    /// The code of the selected lane.
    Code(CodeView),
    /// The metrics of the selected lane.
    Metrics,
    /// The words of a walk's page that the glossary explains.
    Words,
    /// The chains of all lanes, with the cursor on a slot.
    Chain {
        /// The slot under the cursor.
        cursor: usize,
    },
    /// The event log, scrolled back by lines.
    Log {
        /// Lines back from the newest.
        back: usize,
    },
    /// A time to go to is being typed.
    GoTo {
        /// What has been typed.
        typed: String,
    },
    /// Whether a walk that was left shall be taken up where its run of this page begins, from 0.
    TakeUp {
        /// The page.
        page: usize,
    },
    /// Something went wrong.
    Message(String),
    /// Whether this is really wanted, which ends a run.
    Sure(Action),
}

/// The list of incidents.
#[derive(Debug, Default)]
pub struct CatalogueModel {
    /// The one under the cursor, among those that match.
    pub cursor: usize,
    /// What is searched for.
    pub search: String,
    /// Whether keys go into the search.
    pub searching: bool,
    /// Whether causes and forms are told.
    pub answers: bool,
}

impl CatalogueModel {
    /// The incidents that match the search, in order.
    pub fn matches(&self, catalogue: &'static Catalogue) -> Vec<&'static Entry> {
        let wanted = self.search.to_lowercase();
        let matches = |entry: &&Entry| {
            let manifest = &entry.manifest;
            [manifest.id.as_str(), &manifest.title, manifest.seen_as(), &manifest.summary]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        catalogue.entries.iter().filter(matches).collect()
    }
}

/// One incident: its run, and what is shown of it.
#[derive(Debug)]
pub struct Lab {
    /// What runs, or was recorded.
    pub spec: Spec,
    /// The run that the lab was opened for, or a recording.
    pub main: Track,
    /// A time-lapse beside it, shown in its place.
    pub lapse: Option<Track>,
    /// The commands that the run has got, with their times: a time-lapse gets them too.
    pub controls: Vec<(u64, Control)>,
    /// The lane that keys act on.
    pub selected: usize,
    /// Seconds that the charts span.
    pub span_s: f64,
    /// Whether the charts show each instance by itself, where there are several.
    pub by_instance: bool,
    /// The lane that tokio-console shall open on, once it is ready for it.
    pub console_wanted: Option<usize>,
    /// What fills the screen while it is presented: the selected lane, or a chart of it; none: it is not.
    pub presents: Option<Option<usize>>,
    /// The guided walk that it is opened for.
    pub walk: Option<Walk>,
    /// The run that is recorded, and the file.
    pub recording: Option<(RunId, PathBuf)>,
}

/// What a run measured, as the screen needs it.
#[derive(Debug, Clone)]
pub struct LabData {
    /// The lanes.
    pub lanes: Vec<LaneModel>,
    /// Seconds since the run began.
    pub now_s: f64,
    /// The phase that holds.
    pub phase: Option<usize>,
    /// When each phase began, in seconds.
    pub phases_s: Vec<f64>,
    /// Rate and parameters as they were.
    pub course: Course,
    /// What the manifest says that metrics of the fixed form stay below, as things are now.
    pub limits: BTreeMap<String, Limit>,
    /// When the release went out, in seconds; none: not yet.
    pub released_s: Option<f64>,
    /// The incident.
    pub entry: &'static Entry,
    /// What happened, oldest first.
    pub log: VecDeque<LogEntry>,
    /// Events that were lost.
    pub dropped: u64,
    lag: VecDeque<Vec<(u64, u32)>>,
    lag_p99_ms: Option<f64>,
}

/// A line of the event log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Seconds since the run began.
    pub at_s: f64,
    /// The lane it happened in.
    pub lane: Option<usize>,
    /// What happened.
    pub line: Arc<str>,
    /// How often, where it came again and again.
    pub times: u32,
}

impl Model {
    /// The catalogue, first entry selected.
    pub fn new(catalogue: &'static Catalogue, size: (u16, u16)) -> Self {
        let screen = Screen::Catalogue(CatalogueModel::default());
        Self {
            catalogue,
            screen,
            overlay: None,
            size,
            dirty: true,
            remembered: Remembered::default(),
            unsaved: false,
            note: None,
        }
    }
}

impl Lab {
    /// A lab whose run is about to begin.
    pub fn new(spec: Spec) -> Self {
        let source = match spec.clock {
            Clock::Live => Source::Live,
            Clock::Virtual => Source::TimeLapse(spec.time_lapse.speed),
        };
        let main = Track::new(source, LabData::new(&spec));
        Self::of(spec, main)
    }

    /// A recording, playing from its beginning.
    pub fn recorded(spec: Spec, lines: Lines, faults: &Faults) -> Self {
        let mut beginning = LabData::new(&spec);
        for line in faults.lines() {
            beginning.log(0.0, None, format!("⚠ {line}"));
        }
        let main = Track::recording(beginning, lines, faults.all);
        Self::of(spec, main)
    }

    fn of(spec: Spec, main: Track) -> Self {
        Self {
            spec,
            main,
            lapse: None,
            controls: Vec::new(),
            selected: 0,
            span_s: 60.0,
            by_instance: false,
            console_wanted: None,
            presents: None,
            walk: None,
            recording: None,
        }
    }

    /// The run that is looked at.
    pub fn track(&self) -> &Track {
        self.lapse.as_ref().unwrap_or(&self.main)
    }

    /// The run that is looked at.
    pub fn track_mut(&mut self) -> &mut Track {
        self.lapse.as_mut().unwrap_or(&mut self.main)
    }

    /// How the run that is looked at stands now, whatever of it is shown.
    pub fn head_mut(&mut self) -> &mut LabData {
        &mut self.track_mut().head
    }

    /// What the views draw.
    pub fn shown(&self) -> &LabData {
        let shot = self.walk.as_ref().and_then(Walk::shot);
        shot.map_or_else(|| self.track().shown(), |shot| &shot.data)
    }

    /// The lane that keys act on.
    pub fn lane(&self) -> &LaneModel {
        &self.shown().lanes[self.selected]
    }

    /// What a lane is called: its variant, unless a walk has not told of that yet.
    pub fn name(&self, lane: usize) -> &str {
        let named = self.walk.as_ref().and_then(|walk| walk.name(lane));
        named.or(self.spec.variants.get(lane)).map_or("", String::as_str)
    }

    /// Lanes of the run.
    pub fn lanes(&self) -> usize {
        self.main.head.lanes.len()
    }

    /// Adds a line to the log of the run that is looked at.
    pub fn note(&mut self, lane: Option<usize>, line: String) {
        let head = self.head_mut();
        let now_s = head.now_s;
        head.log_repeating(now_s, lane, line);
    }

    /// When each phase began, the first one apart, with its name.
    pub fn marks(&self) -> Vec<(f64, &str)> {
        let phases = self.spec.entry.manifest.phases.iter().skip(1);
        let words = phases.map(|phase| match (&phase.name, phase.bugs) {
            (Some(name), _) => name.as_str(),
            (None, Some(Switch::On)) => "release",
            (None, _) => "",
        });
        let began = self.shown().phases_s.iter().skip(1).copied();
        began.zip(words.chain(std::iter::repeat(""))).collect()
    }

    /// The stretch of time that the charts show.
    pub fn window_s(&self) -> (f64, f64) {
        let now_s = self.shown().now_s;
        // A run that has just begun has the whole width.
        let grown = [15.0, 30.0].into_iter().find(|span_s| now_s <= *span_s);
        let span_s = grown.map_or(self.span_s, |span_s| self.span_s.min(span_s));
        let end_s = now_s.max(span_s);
        (end_s - span_s, end_s)
    }
}

impl LabData {
    /// A run that has not begun.
    pub fn new(spec: &Spec) -> Self {
        let charts = spec.entry.manifest.charts.iter();
        let levels: Arc<[Measure]> =
            charts.flat_map(|chart| chart.levels().into_iter().cloned()).collect();
        let names = spec.entry.manifest.sentences.iter().flat_map(Sentence::names);
        let growing: BTreeSet<String> = names.filter_map(growth_of).map(str::to_owned).collect();
        let growing: Arc<[String]> = growing.into_iter().collect();
        let lane =
            |variant: &String| LaneModel::new(variant, Arc::clone(&levels), Arc::clone(&growing));
        Self {
            lanes: spec.variants.iter().map(lane).collect(),
            now_s: 0.0,
            phase: None,
            phases_s: Vec::new(),
            limits: limits(spec.entry, &spec.plan().values()),
            released_s: None,
            course: Course::new(spec.plan().values()),
            entry: spec.entry,
            log: VecDeque::new(),
            dropped: 0,
            lag: VecDeque::new(),
            lag_p99_ms: None,
        }
    }

    /// Takes in an event of the run.
    pub fn take(&mut self, event: &Event) {
        let at_s = event.at_ms as f64 / 1000.0;
        self.now_s = self.now_s.max(at_s);
        let line = match event.lane {
            Some(lane) => self.lanes.get_mut(lane).and_then(|lane| {
                let line = lane.take(at_s, &event.what);
                if let What::Sample(_) = event.what {
                    let manifest = &self.entry.manifest;
                    lane.speak(&manifest.sentences, &manifest.id, self.course.now());
                }
                line
            }),
            None => self.take_general(at_s, &event.what),
        };
        let Some(line) = line else { return };
        match event.what {
            What::Log { .. } => self.log_repeating(at_s, event.lane, line),
            _ => self.log(at_s, event.lane, line),
        }
    }

    /// Adds a line to the log, unless it came a moment ago: then it is counted there.
    fn log_repeating(&mut self, at_s: f64, lane: Option<usize>, line: String) {
        let mut newest = self.log.iter_mut().rev().take(REPEATS_WITHIN);
        match newest.find(|entry| entry.lane == lane && *entry.line == *line) {
            Some(entry) => entry.times += 1,
            None => self.log(at_s, lane, line),
        }
    }

    /// Adds a line to the log.
    pub fn log(&mut self, at_s: f64, lane: Option<usize>, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(LogEntry { at_s, lane, line: line.into(), times: 1 });
    }

    fn take_general(&mut self, at_s: f64, what: &What) -> Option<String> {
        match what {
            What::Phase { index, .. } => {
                self.phase = Some(*index);
                let phase = self.entry.manifest.phases.get(*index);
                if phase.is_some_and(|phase| phase.bugs == Some(Switch::On)) {
                    self.released_s = Some(at_s);
                }
                if self.phases_s.len() < MOST_PHASES {
                    self.phases_s.push(at_s);
                }
                prose::line(what)
            }
            What::Rate { rate_per_s } => {
                self.course.set(at_s, "rate_per_s", *rate_per_s);
                self.limits = limits(self.entry, self.course.now());
                prose::line(what).filter(|_| at_s > 0.0)
            }
            What::Param { name, value } => {
                self.course.set(at_s, name, *value);
                self.limits = limits(self.entry, self.course.now());
                None
            }
            What::Log { line } => Some(line.clone()),
            What::Driver { lag_us } => {
                self.watch_lag(lag_us);
                None
            }
            What::Dropped { events } => {
                self.dropped = self.dropped.saturating_add(*events);
                prose::line(what)
            }
            _ => None,
        }
    }

    fn watch_lag(&mut self, lag_us: &[(u64, u32)]) {
        if self.lag.len() == LAG_TICKS {
            self.lag.pop_front();
        }
        self.lag.push_back(lag_us.to_vec());
        let mut percentiles = Percentiles::default();
        self.lag.iter().for_each(|tick| percentiles.add(tick));
        self.lag_p99_ms = percentiles.at_ms(99.0);
    }

    /// How late the driver started the requests of the last seconds, when that is too late for
    /// the figures to be trusted.
    pub fn untrusted_lag_ms(&self) -> Option<f64> {
        self.lag_p99_ms.filter(|ms| *ms > TRUSTED_LAG_MS)
    }

    /// The load now, in requests a second to each lane.
    pub fn rate_per_s(&self) -> f64 {
        self.course.now().get("rate_per_s").copied().unwrap_or_default()
    }
}

/// What a metric of the fixed form stays below, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The limit.
    pub below: f64,
    /// From when to when, in seconds since the release.
    pub window_s: (f64, f64),
}

impl LabData {
    /// What the manifest says that this metric of the fixed form stays below at this moment.
    pub fn limit(&self, metric: &str) -> Option<f64> {
        let limit = self.limits.get(metric)?;
        let (from_s, to_s) = limit.window_s;
        let since_s = self.now_s - self.released_s?;
        (from_s..=to_s).contains(&since_s).then_some(limit.below)
    }
}

/// What the manifest says that metrics of the fixed form stay below: the first such claim about each.
fn limits(entry: &Entry, values: &Values) -> BTreeMap<String, Limit> {
    let mut limits = BTreeMap::new();
    for expect in entry.manifest.expectations.iter().filter(|e| e.variant == "fixed") {
        if let Claim::Below(formula) | Claim::StaysBelow(formula) = &expect.claim
            && let Ok(below) = formula.eval(values)
        {
            let at = |at: &Option<Formula>, else_s| match at {
                Some(formula) => formula.eval(values).unwrap_or(else_s),
                None => else_s,
            };
            let window_s = (at(&expect.window.from_s, 0.0), at(&expect.window.to_s, f64::MAX));
            let limit = Limit { below, window_s };
            limits.entry(expect.metric.name().to_owned()).or_insert(limit);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_in_the_window_of_its_claim() {
        let catalogue = crate::pack::catalogue().expect("the manifests are in order");
        let entry = catalogue.find("pool-leak").expect("it is there");
        let mut data = LabData::new(&Spec::new(catalogue, entry).expect("a path"));
        let limit = Limit { below: 5.0, window_s: (1.0, 3.0) };
        data.limits = BTreeMap::from([("pool_lost".to_owned(), limit)]);
        let at = |data: &mut LabData, now_s| {
            data.now_s = now_s;
            data.limit("pool_lost")
        };
        assert_eq!(at(&mut data, 7.0), None, "there has been no release");
        data.released_s = Some(5.0);
        assert_eq!(at(&mut data, 5.5), None);
        assert_eq!(at(&mut data, 7.0), Some(5.0));
        assert_eq!(at(&mut data, 8.5), None);
    }
}
