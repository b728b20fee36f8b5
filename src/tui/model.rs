//! Everything that is on screen.

use std::collections::VecDeque;

use super::lane::LaneModel;
use crate::catalogue::{Catalogue, Entry};
use crate::event::{Event, What};
use crate::figures::number;
use crate::incident::formula::Values;
use crate::load::driver::TRUSTED_LAG_MS;
use crate::load::tally::Percentiles;
use crate::run::Spec;

/// Lines that the event log keeps.
const LOG_LINES: usize = 500;

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
    /// The keys.
    Help,
    /// The bugs of the selected lane, with the cursor.
    Bugs {
        /// The bug under the cursor.
        cursor: usize,
    },
    /// The code of the selected lane, scrolled by lines.
    Code {
        /// Lines down from where the tasks wait.
        shift: isize,
    },
    /// The metrics of the selected lane.
    Metrics,
    /// The event log, scrolled back by lines.
    Log {
        /// Lines back from the newest.
        back: usize,
    },
    /// Something went wrong.
    Message(String),
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
}

impl CatalogueModel {
    /// The incidents that match the search, in order.
    pub fn matches(&self, catalogue: &'static Catalogue) -> Vec<&'static Entry> {
        let wanted = self.search.to_lowercase();
        let matches = |entry: &&Entry| {
            let manifest = &entry.manifest;
            [&manifest.id, &manifest.title, &manifest.summary]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        catalogue.entries.iter().filter(matches).collect()
    }
}

/// One incident, running.
#[derive(Debug)]
pub struct Lab {
    /// What runs.
    pub spec: Spec,
    /// What it measured.
    pub live: LabData,
    /// What is shown instead, while the screen is frozen.
    pub frozen: Option<LabData>,
    /// The lane that keys act on.
    pub selected: usize,
    /// Seconds that the charts span.
    pub span_s: f64,
    /// The lane that tokio-console shall open on, once it is ready for it.
    pub console_wanted: Option<usize>,
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
    /// Rate and parameters.
    pub values: Values,
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
    pub line: String,
    /// How often, where it came again and again.
    pub times: u32,
}

impl Model {
    /// The catalogue, first entry selected.
    pub fn new(catalogue: &'static Catalogue, size: (u16, u16)) -> Self {
        let screen = Screen::Catalogue(CatalogueModel::default());
        Self { catalogue, screen, overlay: None, size, dirty: true }
    }
}

impl Lab {
    /// A lab whose run is about to begin.
    pub fn new(spec: Spec) -> Self {
        let live = LabData {
            lanes: spec.variants.iter().map(|variant| LaneModel::new(variant)).collect(),
            now_s: 0.0,
            phase: None,
            phases_s: Vec::new(),
            values: spec.values(),
            log: VecDeque::new(),
            dropped: 0,
            lag: VecDeque::new(),
            lag_p99_ms: None,
        };
        Self { spec, live, frozen: None, selected: 0, span_s: 60.0, console_wanted: None }
    }

    /// What the views draw.
    pub fn shown(&self) -> &LabData {
        self.frozen.as_ref().unwrap_or(&self.live)
    }

    /// The lane that keys act on.
    pub fn lane(&self) -> &LaneModel {
        &self.shown().lanes[self.selected]
    }

    /// The stretch of time that the charts show.
    pub fn window_s(&self) -> (f64, f64) {
        let end_s = self.shown().now_s.max(self.span_s);
        (end_s - self.span_s, end_s)
    }
}

impl LabData {
    /// Takes in an event of the run.
    pub fn take(&mut self, event: &Event) {
        let at_s = event.at_ms as f64 / 1000.0;
        self.now_s = self.now_s.max(at_s);
        let line = match event.lane {
            Some(lane) => self.lanes.get_mut(lane).and_then(|lane| lane.take(at_s, &event.what)),
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
        match newest.find(|entry| entry.lane == lane && entry.line == line) {
            Some(entry) => entry.times += 1,
            None => self.log(at_s, lane, line),
        }
    }

    /// Adds a line to the log.
    pub fn log(&mut self, at_s: f64, lane: Option<usize>, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(LogEntry { at_s, lane, line, times: 1 });
    }

    fn take_general(&mut self, at_s: f64, what: &What) -> Option<String> {
        match what {
            What::Phase { index, says } => {
                self.phase = Some(*index);
                self.phases_s.push(at_s);
                Some(says.clone())
            }
            What::Rate { rate_per_s } => {
                self.values.insert("rate_per_s".to_owned(), *rate_per_s);
                (at_s > 0.0).then(|| format!("load: {} req/s to each lane", number(*rate_per_s)))
            }
            What::Param { name, value } => {
                self.values.insert(name.clone(), *value);
                None
            }
            What::Log { line } => Some(line.clone()),
            What::Driver { lag_us } => {
                self.watch_lag(lag_us);
                None
            }
            What::Dropped { events } => {
                self.dropped += events;
                Some(format!("{events} events were lost: this terminal is too slow"))
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
        self.values.get("rate_per_s").copied().unwrap_or_default()
    }
}
