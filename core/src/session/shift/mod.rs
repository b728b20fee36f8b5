//! An on-call shift: one service, a release that may carry a fault, a page, and a person who looks, acts, and names the
//! cause. The cause is hidden until the end.
//!
//! * [`scenario`]: the outage, drawn from a seed; `pager`: the page; [`seconds`]: the measurements
//! * [`task`]: looks and actions, with their costs in time; `act`: the commands of actions; `refuse`: inputs that cannot
//!   have an effect; [`fact`]: the results of looks; `gather`: how they are made
//! * [`redact`]: removes names that give the cause away; [`diagnosis`]: naming the cause
//! * [`desk`]: everything that may be shown; `session`: a session with a shift
//! * [`mod@reference`]: the runs that a shift is compared with; [`score`]: the parts of the score; [`post_mortem`]: the
//!   draft of a post-mortem; [`state`]: a shift on a board
//!
//! Time passes only with events of the run. In simulated time the run is held while nobody acts or waits.

mod act;
pub mod comparison;
pub mod debrief;
pub mod desk;
pub mod diagnosis;
pub mod fact;
mod gather;
pub mod menu;
mod pager;
pub mod post_mortem;
pub mod redact;
pub mod reference;
mod refuse;
pub mod scenario;
pub mod score;
pub mod seconds;
mod session;
pub mod state;
pub mod task;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Effect;
use super::run_state::RunState;
use super::track::RunId;
use crate::catalogue::Catalogue;
use crate::event::{Clock, Event, EventKind};
use crate::incident::manifest::{MAX_RATE_PER_S, Manifest};
use crate::plan::Case;
use crate::prose;
use crate::script::{Control, Pacing};
use diagnosis::{Naming, ShiftHint, hints};
use fact::{Fact, FactKind};
use redact::Redaction;
use scenario::{LIMIT_MS, Scenario};
use seconds::Seconds;
use task::{Look, Task};

/// Virtual time passes in steps of this length, in milliseconds: a page is noticed at their ends.
const STEP_MS: u64 = 500;

/// The load while the service is watched after the shift, as a factor: a fault that is only hidden shows again.
pub const BURST: f64 = 1.2;

/// Least time for which the service is watched after the shift, in milliseconds.
const WATCH_MS: u64 = 20_000;

/// Facts, and entries of the timeline, that are kept.
const MOST: usize = 500;

/// Lines of the log that are kept.
const LOG_LINES: usize = 40;

/// Seconds of metrics that are kept, for their values ten seconds ago.
const METRICS_KEPT: usize = 12;

/// An input of the person on call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ShiftInput {
    /// Takes the page: "I am on it". Any other input but waiting takes it too.
    Take,
    /// Begins a task.
    Begin(Task),
    /// Names the cause: an incident's id; none: nothing is wrong.
    Name(Option<String>),
    /// Names the line of the code of the cause that was named.
    Line(usize),
    /// Asks for a hint.
    Hint,
    /// Declares the outage over.
    Over,
}

/// Stage of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShiftStage {
    /// Nothing has been reported yet.
    Quiet,
    /// The page is there.
    Paged,
    /// The outage was declared over; the service is watched under more load.
    Watched,
    /// The run has ended.
    Ended,
}

/// An entry of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Text.
    pub text: String,
    /// True for an action on the service.
    pub acts: bool,
}

/// An on-call shift.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shift {
    /// The outage. Hidden until the end: front ends use [`Shift::desk`].
    pub scenario: Scenario,
    /// The measurements of the lane.
    pub seconds: Seconds,
    /// The timeline of the shift.
    pub timeline: Vec<TimelineEntry>,
    /// The namings of the cause, in order.
    pub namings: Vec<Naming>,
    /// Hints that were given.
    pub hints: usize,
    /// The number of the last one among all hints, from 1; 0: none was given.
    hinted: usize,
    /// Time of the page, in milliseconds since the run began.
    pub paged_ms: Option<u64>,
    /// Time at which the page was taken.
    pub taken_ms: Option<u64>,
    /// Time at which the outage was declared over, or the time limit.
    pub over_ms: Option<u64>,
    /// Actions on the service, each with the time of its effect.
    pub acted: Vec<(u64, Task)>,
    clock: Clock,
    stage: ShiftStage,
    now_ms: u64,
    /// Time of the hold that was asked for, in milliseconds.
    held_at_ms: Option<u64>,
    task: Option<(u64, Task)>,
    facts: Vec<Fact>,
    refused: Option<String>,
    /// Commands that wait for the next moment at which they may be sent.
    queue: Vec<Control>,
    /// Changes that are still to come, with their times; the virtual run makes them itself.
    to_come: Vec<(u64, Control)>,
    /// The load that the clients offer, in requests a second, and the share of it that is shed, in percent.
    offered_per_s: f64,
    shed_percent: f64,
    off: Vec<String>,
    log: VecDeque<String>,
    metrics: VecDeque<BTreeMap<String, f64>>,
    /// Time for which the service is watched after the shift, in milliseconds.
    watch_ms: u64,
    /// The load offered when the outage was declared over, in requests a second.
    offered_at_end_per_s: Option<f64>,
    #[serde(skip)]
    redaction: Redaction,
}

impl Shift {
    /// A shift before its run.
    fn new(scenario: Scenario, case: &Case) -> Self {
        let clock = case.plan.clock;
        let to_come = if clock == Clock::Live { scenario.controls(0) } else { Vec::new() };
        // The phases of the case's own manifest repeat.
        let watch_ms = manifests(&scenario, &case.catalogue)
            .next()
            .map_or(WATCH_MS, |manifest| watch_ms(&scenario, manifest));
        Self {
            seconds: Seconds::new(0, manifests(&scenario, &case.catalogue)),
            timeline: Vec::new(),
            namings: Vec::new(),
            hints: 0,
            hinted: 0,
            paged_ms: None,
            taken_ms: None,
            over_ms: None,
            acted: Vec::new(),
            clock,
            stage: ShiftStage::Quiet,
            now_ms: 0,
            held_at_ms: None,
            task: None,
            facts: Vec::new(),
            refused: None,
            queue: Vec::new(),
            to_come,
            offered_per_s: scenario.rate_per_s,
            shed_percent: 0.0,
            off: Vec::new(),
            log: VecDeque::new(),
            metrics: VecDeque::new(),
            watch_ms,
            offered_at_end_per_s: None,
            redaction: Redaction::new(&case.catalogue),
            scenario,
        }
    }

    /// The pacing of its run.
    fn pacing(&self) -> Pacing {
        match self.clock {
            Clock::Live => Pacing::default(),
            Clock::Virtual => Pacing {
                hold_ms: Some(STEP_MS),
                controls: self.scenario.controls(0),
                ..Pacing::default()
            },
        }
    }

    /// The stage.
    pub fn stage(&self) -> ShiftStage {
        self.stage
    }

    /// Milliseconds since the run began.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Why the last input had no effect; none if it had.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// The facts so far.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Returns true while an input has to wait: no page has come, a task is under way, or the service is watched. In
    /// simulated time nothing else lets time pass.
    pub fn is_busy(&self) -> bool {
        match self.stage {
            ShiftStage::Quiet | ShiftStage::Watched => true,
            ShiftStage::Paged => self.task.is_some(),
            ShiftStage::Ended => false,
        }
    }

    fn note(&mut self, text: String, acts: bool) {
        if self.timeline.len() < MOST {
            self.timeline.push(TimelineEntry { at_ms: self.now_ms, text, acts });
        }
    }

    fn learn(&mut self, kind: FactKind) {
        if self.facts.len() < MOST {
            self.facts.push(Fact { at_s: self.now_ms as f64 / 1000.0, kind });
        }
    }

    /// Takes in an input of the person on call.
    fn input(&mut self, input: ShiftInput, case: &Case, head: &RunState) -> Vec<Effect> {
        self.refused = self.refuses(&input, case, head);
        if self.refused.is_some() {
            return Vec::new();
        }
        let waits = matches!(input, ShiftInput::Begin(Task::Wait { .. }));
        if self.paged_ms.is_some() && self.taken_ms.is_none() && !waits {
            self.taken_ms = Some(self.now_ms);
            self.note("page taken".to_owned(), false);
        }
        match input {
            ShiftInput::Take => {}
            ShiftInput::Begin(task) => {
                let task = self.resolved(task);
                let due_ms = self.now_ms + u64::from(task.cost_s()) * 1000;
                self.task = Some((due_ms, task));
            }
            ShiftInput::Name(cause) => self.name(cause, case),
            ShiftInput::Line(line) => self.name_line(line),
            ShiftInput::Hint => {
                let Some((number, text)) = self.next_hint(case) else { return Vec::new() };
                self.hints += 1;
                self.hinted = number;
                self.note(format!("hint {}", self.hints), false);
                self.learn(FactKind::Hint { text });
            }
            ShiftInput::Over => {
                self.note("declared over".to_owned(), false);
                return self.end_of_outage();
            }
        }
        self.go_on()
    }

    /// The next hint that tells something new, and its number, from 1.
    fn next_hint(&self, case: &Case) -> Option<(usize, String)> {
        let has_taken = |look: &Look| self.facts.iter().any(|fact| fact.kind.look() == Some(*look));
        let is_new =
            |hint: &ShiftHint| hint.advises.is_empty() || !hint.advises.iter().all(has_taken);
        let hints = hints(&self.scenario, case).into_iter().enumerate().skip(self.hinted);
        let mut new = hints.filter(|(_, hint)| is_new(hint));
        new.next().map(|(index, hint)| (index + 1, hint.text))
    }

    /// The changes that have been made so far, in order.
    fn known_changes(&self) -> impl Iterator<Item = &scenario::RecentChange> {
        self.scenario.changes.iter().take_while(|change| change.at_ms <= self.now_ms)
    }

    /// The number of the newest release that has not been rolled back, from 1; 0 if there is none.
    fn newest_release(&self) -> usize {
        let changes: Vec<_> = self.known_changes().collect();
        let newest = (1..=changes.len())
            .rev()
            .find(|number| changes[number - 1].kind.is_release() && !self.is_rolled_back(*number));
        newest.unwrap_or(0)
    }

    /// Takes in an event of the run.
    fn observe(&mut self, event: &Event, case: &Case, head: &RunState) -> Vec<Effect> {
        self.now_ms = self.now_ms.max(event.at_ms);
        self.keep_log(event);
        match &event.what {
            EventKind::Rate { rate_per_s } => self.offer(*rate_per_s),
            EventKind::Sample(_) if self.seconds.take(event) => self.keep_metrics(head),
            EventKind::Sample(_) | EventKind::Held => {}
            _ => return Vec::new(),
        }
        let is_held = matches!(event.what, EventKind::Held);
        if is_held {
            self.held_at_ms = None;
        }
        // In simulated time a command takes effect at an exact moment only while the run is held.
        if is_held || self.clock == Clock::Live { self.proceed(case, head) } else { Vec::new() }
    }

    /// Does what is due.
    fn proceed(&mut self, case: &Case, head: &RunState) -> Vec<Effect> {
        if self.stage == ShiftStage::Ended {
            return Vec::new();
        }
        let due = self.to_come.iter().take_while(|(at_ms, _)| *at_ms <= self.now_ms).count();
        let due: Vec<Control> = self.to_come.drain(..due).map(|(_, control)| control).collect();
        self.queue.extend(due);
        if self.stage == ShiftStage::Quiet
            && let Some(text) = pager::page(&self.scenario, case.manifest(), &self.seconds)
        {
            self.paged_ms = Some(self.now_ms);
            self.stage = ShiftStage::Paged;
            self.note(format!("page: {text}"), false);
            self.learn(FactKind::Page { text });
        }
        if let Some((_, task)) = self.task.take_if(|(due_ms, _)| *due_ms <= self.now_ms) {
            self.complete(task, case, head);
        }
        if self.stage != ShiftStage::Watched && self.now_ms >= LIMIT_MS {
            self.note("the time limit of the shift".to_owned(), false);
            return self.end_of_outage();
        }
        let watched_ms = self.over_ms.map(|over_ms| over_ms + self.watch_ms);
        if watched_ms.is_some_and(|ends_ms| self.now_ms >= ends_ms) {
            self.stage = ShiftStage::Ended;
            return vec![Effect::End(RunId::Main)];
        }
        self.go_on()
    }

    /// The end of a task.
    fn complete(&mut self, task: Task, case: &Case, head: &RunState) {
        if let Task::Look { what } = task {
            self.note(Task::Look { what }.text(), false);
            let fact = self.look(what, case, head);
            self.learn(fact);
            return;
        }
        if !task.acts() {
            return;
        }
        self.act(&task);
        let text = self.text(&task);
        self.note(text.clone(), true);
        self.learn(FactKind::Done { text });
        self.acted.push((self.now_ms, task));
    }

    /// The outage is over: the service is watched under more load.
    fn end_of_outage(&mut self) -> Vec<Effect> {
        self.over_ms = Some(self.now_ms);
        self.stage = ShiftStage::Watched;
        self.task = None;
        // Nothing is held back any more.
        self.shed_percent = 0.0;
        self.offered_at_end_per_s = Some(self.offered_per_s);
        let burst = (self.offered_per_s * BURST).min(MAX_RATE_PER_S);
        self.queue.push(Control::SetRate(burst));
        self.go_on()
    }

    /// Sends the commands that wait, and lets time pass where it has to.
    fn go_on(&mut self) -> Vec<Effect> {
        if self.clock == Clock::Virtual && self.held_at_ms.is_some() {
            return Vec::new();
        }
        let control = |control| Effect::Control(RunId::Main, control);
        let mut effects: Vec<Effect> = self.queue.drain(..).map(control).collect();
        if self.clock == Clock::Virtual && self.is_busy() {
            let due_ms = self.task.as_ref().map_or(u64::MAX, |(due_ms, _)| *due_ms);
            let to_ms = due_ms.min(self.now_ms + STEP_MS);
            self.held_at_ms = Some(to_ms);
            effects.push(control(Control::HoldAt(to_ms)));
        }
        effects
    }

    fn keep_metrics(&mut self, head: &RunState) {
        let server = head.lanes.first().and_then(|lane| lane.server.as_ref());
        let Some(server) = server else { return };
        if self.metrics.len() == METRICS_KEPT {
            self.metrics.pop_front();
        }
        self.metrics.push_back(server.metrics.clone());
    }

    /// Keeps the lines of the log that the service and its supervisor write.
    fn keep_log(&mut self, event: &Event) {
        let line = match &event.what {
            EventKind::Log { line } if event.lane.is_some() => line.clone(),
            EventKind::Exit { .. } | EventKind::Restart { .. } | EventKind::Scale { .. } => {
                let Some(line) = prose::line(&event.what) else { return };
                line
            }
            _ => return,
        };
        let at = crate::figures::clock(event.at_ms as f64 / 1000.0);
        let line = format!("{at}  {}", self.redaction.text(&line));
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// Restores what is not written with it.
    fn restored(mut self, catalogue: &Catalogue) -> Self {
        self.redaction = Redaction::new(catalogue);
        self
    }
}

/// The manifests of the incidents that a scenario is about.
fn manifests<'a>(
    scenario: &'a Scenario,
    catalogue: &'a Catalogue,
) -> impl Iterator<Item = &'a Manifest> {
    let ids = [Some(&scenario.incident), scenario.second.as_ref()];
    ids.into_iter().flatten().filter_map(|id| catalogue.find(id).ok()).map(|entry| &entry.manifest)
}

/// The time for which a service is watched after the shift: all phases of its incident come once more.
fn watch_ms(scenario: &Scenario, manifest: &Manifest) -> u64 {
    let has_phases = manifest.phases.iter().any(|phase| phase.at_s > manifest.release_s());
    let period_ms = if has_phases { scenario.period_s(manifest) * 1000.0 } else { 0.0 };
    WATCH_MS.max(period_ms as u64)
}
