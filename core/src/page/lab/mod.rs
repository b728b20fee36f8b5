//! The lab in a page, in simulated time: the lanes of an incident, run in this process. A page sends what its reader
//! does and how much time has passed, and shows what comes back.
//!
//! * `act`: the changes that a reader may make; `link`: a run with its changes as a link
//! * `draw`: the lanes as HTML; `controls`: everything that can be changed as HTML

mod act;
mod controls;
mod draw;
mod link;

use serde::{Deserialize, Serialize};

use super::{Drawn, PageData};
use crate::event::TICK;
use crate::figures::clock;
use crate::lane::HeapMeter;
use crate::lane::local::LocalRun;
use crate::plan::{Case, Plan};
use crate::script::{Control, Pacing, Speed};
use crate::session::track::RunId;
use crate::session::travel::Travel;
use crate::session::{Effect, Input, Session};
use act::Act;
use link::{Linked, MOST_ACTS, Pairs, fragment};

/// The initial speed, in simulated seconds a second.
const TIMES: f64 = 5.0;

/// Length of a run, in milliseconds: it ends then.
pub const LASTS_MS: u64 = 600_000;

/// Milliseconds of the run that one call computes at most, so that the page stays responsive.
const MOST_RUN_MS: f64 = 10_000.0;

/// Wall time that one call lets pass at most, in milliseconds: a page that was hidden goes on where it was.
const MOST_MS: f64 = 250.0;

/// Time after which instances that were asked for are there, or will not come, in milliseconds.
const ASKED_MS: u64 = 2_000;

/// Wall time over which the speed is measured, in milliseconds.
const MEASURED_MS: f64 = 1000.0;

/// A request of a page.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub enum Asked {
    /// A change to the run, as `act` reads it.
    Act(String),
    /// A change to the run, with the number that was typed for it.
    Typed(String, f64),
    /// A move in time.
    Travel(Travel),
    /// Another run, as a link stands for it.
    Begin(Pairs),
    /// Wall time has passed, in milliseconds.
    Passed(f64),
    /// Nothing: only what is shown is asked for.
    Show,
}

/// A lab to open.
#[derive(Debug, Clone, Deserialize)]
pub struct LabToOpen {
    /// The incident's own run.
    pub plan: Plan,
    /// Names and values of the link that led to the page; none: the own run.
    #[serde(default)]
    pub link: Pairs,
    /// The lab as an earlier visit left it.
    #[serde(default)]
    pub kept: Option<Kept>,
}

/// The data that a page keeps of a lab, to go on with it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The link to the run as it is now, with its changes.
    pub run: Pairs,
    /// The same as the part of an address behind its `#`, for the address of the page.
    pub link: String,
    /// Number of runs that were begun: the way back leads to the one before.
    pub begun: u32,
    /// The time that it had come to, in milliseconds.
    pub at_ms: u64,
    /// True if it stands still there.
    pub stands: bool,
}

/// The lab in a page.
#[derive(Debug)]
pub struct LabPage {
    /// The incident's own run.
    own: Case,
    heap: HeapMeter,
    running: Running,
    /// Number of runs that were begun.
    begun: u32,
    /// Why the newest input or the link had no effect, or what else came of it.
    remark: Option<String>,
}

/// A run and its session.
#[derive(Debug)]
struct Running {
    session: Session,
    run: LocalRun,
    told: PageData,
    /// The changes, each with its time in milliseconds, in order: those of a link are still to come.
    acts: Vec<(u64, Act)>,
    /// Simulated seconds a second; 0 while the run stands.
    times: f64,
    /// Simulated milliseconds that are due.
    due_ms: f64,
    /// Up to this moment it passes as fast as it can.
    from: Moment,
    reached: Reached,
}

/// A moment of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    /// Its time, in milliseconds.
    at_ms: u64,
    /// True if the run, or its past, stands still there.
    stands: bool,
}

/// The speed that is reached.
#[derive(Debug, Default)]
struct Reached {
    wall_ms: f64,
    run_ms: f64,
    times: Option<f64>,
}

impl Reached {
    fn add(&mut self, wall_ms: f64, run_ms: f64) {
        self.wall_ms += wall_ms;
        self.run_ms += run_ms;
        if self.wall_ms >= MEASURED_MS {
            *self = Self { times: Some(self.run_ms / self.wall_ms), ..Self::default() };
        }
    }
}

impl LabPage {
    /// Opens a lab; `heap` measures the heap of this process. A link that stands for no run is refused on the page,
    /// beside the incident's own run.
    ///
    /// # Errors
    ///
    /// Returns an error if the run cannot start.
    pub fn open(own: Case, to_open: LabToOpen, heap: HeapMeter) -> anyhow::Result<Self> {
        let LabToOpen { link, kept, .. } = to_open;
        let kept_run = kept.as_ref().and_then(|kept| Linked::parse(&kept.run, &own).ok());
        let own_run = Linked { plan: own.plan.clone(), acts: Vec::new(), at_ms: None };
        let (linked, remark) = match Linked::parse(&link, &own) {
            Ok(_) if link.is_empty() => (kept_run.clone().unwrap_or(own_run), None),
            Ok(linked) => (linked, None),
            Err(error) => {
                let why =
                    format!("The link stands for no run ({error}). This is the incident's own run");
                (own_run, Some(why))
            }
        };
        // The run of an earlier visit goes on where it was; another one begins.
        let is_known = remark.is_none() && kept_run.as_ref() == Some(&linked);
        let (begun, from) = match kept.filter(|_| is_known) {
            Some(Kept { begun, at_ms, stands, .. }) => (begun, Moment { at_ms, stands }),
            None => (0, Moment::default()),
        };
        let running = Running::start(&own, linked, from, heap)?;
        Ok(Self { own, heap, running, begun, remark })
    }

    /// Does what the page asks, and returns what is shown then.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn obey(&mut self, asked: Asked) -> anyhow::Result<Drawn> {
        if !matches!(asked, Asked::Passed(_) | Asked::Show) {
            self.remark = None;
        }
        match asked {
            Asked::Act(text) => self.act(&text)?,
            Asked::Typed(change, value) => self.act(&format!("{change} {value}"))?,
            Asked::Travel(travel) => self.running.travel(travel)?,
            Asked::Begin(pairs) => match Linked::parse(&pairs, &self.own) {
                Ok(linked) => self.begin(linked, Moment::default())?,
                Err(error) => self.remark = Some(error.to_string()),
            },
            Asked::Passed(wall_ms) => self.running.pass(wall_ms)?,
            Asked::Show => {}
        }
        Ok(draw::drawn(self))
    }

    fn begin(&mut self, linked: Linked, from: Moment) -> anyhow::Result<()> {
        self.running = Running::start(&self.own, linked, from, self.heap)?;
        self.begun += 1;
        Ok(())
    }

    /// Makes a change at the moment that is shown. In the past, another run begins with it: what happened later is
    /// what happens then.
    fn act(&mut self, text: &str) -> anyhow::Result<()> {
        let running = &mut self.running;
        let act = match Act::parse(text, &running.session.case) {
            Ok(act) => act,
            Err(error) => {
                self.remark = Some(error.to_string());
                return Ok(());
            }
        };
        let Moment { at_ms, stands } = running.moment();
        if running.acts.len() >= MOST_ACTS {
            self.remark = Some(format!("a run has at most {MOST_ACTS} changes"));
        } else if at_ms >= LASTS_MS {
            self.remark = Some("the run is over: go back to change something".to_owned());
        } else if running.is_on_the_way() {
            // It is to happen there, and not where the run has come to.
            let mut linked = running.linked();
            insert(&mut linked.acts, at_ms, act);
            *running = Running::start(&self.own, linked, Moment { at_ms, stands }, self.heap)?;
        } else if at_ms < running.now_ms() {
            let mut linked = running.linked();
            linked.acts.retain(|(before_ms, _)| *before_ms <= at_ms);
            insert(&mut linked.acts, at_ms, act);
            self.begin(linked, Moment { at_ms, stands })?;
            let at = clock(at_ms as f64 / 1000.0);
            self.remark = Some(format!(
                "From {at} on this is another run. The browser's back button leads to the one before"
            ));
        } else {
            running.act(act)?;
        }
        Ok(())
    }

    fn kept(&self) -> Kept {
        let run = self.running.linked().pairs();
        let link = fragment(&run);
        let at_ms = self.running.now_ms().max(self.running.from.at_ms);
        Kept { run, link, begun: self.begun, at_ms, stands: self.running.moment().stands }
    }
}

/// Adds a change behind those of the same moment.
fn insert(acts: &mut Vec<(u64, Act)>, at_ms: u64, act: Act) {
    let at = acts.partition_point(|(before_ms, _)| *before_ms <= at_ms);
    acts.insert(at, (at_ms, act));
}

impl Running {
    fn start(own: &Case, linked: Linked, from: Moment, heap: HeapMeter) -> anyhow::Result<Self> {
        let Linked { plan, acts, at_ms } = linked;
        let from = at_ms.map_or(from, |at_ms| Moment { at_ms, stands: true });
        let from = Moment { at_ms: from.at_ms.min(LASTS_MS), ..from };
        let case = Case { plan, ..own.clone() };
        let incident = &case.plan.incident;
        let controls = acts.iter().map(|(at_ms, act)| (*at_ms, act.control(incident))).collect();
        let speed = Speed::Times(TIMES);
        let pacing = Pacing { speed, from_ms: from.at_ms, hold_ms: None, controls };
        let told = PageData::of(case.manifest(), &case.plan.variants);
        let run = LocalRun::start(case.clone(), &pacing, heap)?;
        let session = Session::new(case, &pacing);
        let reached = Reached::default();
        let mut running =
            Self { session, run, told, acts, times: TIMES, due_ms: 0.0, from, reached };
        // The state before its first moment: rate and parameters.
        running.advance(0)?;
        Ok(running)
    }

    /// The time that the run has come to, in milliseconds.
    fn now_ms(&self) -> u64 {
        self.session.main.history.ends_ms()
    }

    /// Returns true while it passes as fast as it can.
    fn is_on_the_way(&self) -> bool {
        self.session.main.playback.is_none() && self.now_ms() < self.from.at_ms
    }

    /// The moment that its reader is at: the one that is shown, or the one that it is on the way to.
    fn moment(&self) -> Moment {
        if self.is_on_the_way() {
            return self.from;
        }
        let playback = self.session.main.playback.as_ref();
        let stands = playback.is_some_and(|playback| !playback.playing);
        Moment { at_ms: self.session.main.shown_ms(), stands }
    }

    fn is_over(&self) -> bool {
        self.now_ms() >= LASTS_MS
    }

    /// Returns true while the run, or its past, passes.
    fn is_running(&self) -> bool {
        match &self.session.main.playback {
            Some(playback) => playback.playing,
            None => !self.is_over(),
        }
    }

    /// The middlewares of a lane that are off by the newest change.
    fn without(&self, lane: usize) -> Vec<String> {
        let newest = self.done().find_map(|act| match act {
            Act::Without(of, slots) if *of == lane => Some(slots.clone()),
            _ => None,
        });
        newest.unwrap_or_default()
    }

    /// The number of instances of a lane, those that were asked for a moment ago among them.
    fn instances(&self, lane: usize) -> usize {
        let now_ms = self.moment().at_ms;
        let asked = self.acts.iter().rev().find_map(|(at_ms, act)| match act {
            Act::Instances(of, instances) if *of == lane && *at_ms <= now_ms => {
                Some((*at_ms, *instances))
            }
            _ => None,
        });
        let shown = self.session.shown().lanes.get(lane);
        let shown = shown.map_or(1, |lane| lane.instances.len().max(1));
        match asked {
            // What the run has come to says nothing of the moment that it is on the way to.
            Some((at_ms, asked)) if self.is_on_the_way() || now_ms - at_ms < ASKED_MS => asked,
            _ => shown,
        }
    }

    /// The changes up to the moment of its reader, the newest first.
    fn done(&self) -> impl Iterator<Item = &Act> {
        let now_ms = self.moment().at_ms;
        let done = self.acts.iter().rev().filter(move |(at_ms, _)| *at_ms <= now_ms);
        done.map(|(_, act)| act)
    }

    /// The run with its changes, as a link has them.
    fn linked(&self) -> Linked {
        Linked { plan: self.session.case.plan.clone(), acts: self.acts.clone(), at_ms: None }
    }

    /// Makes a change now. A run that stands still goes on standing.
    fn act(&mut self, act: Act) -> anyhow::Result<()> {
        let stands = self.moment().stands;
        self.apply(Input::Travel(Travel::Now))?;
        self.apply(Input::Control(act.control(&self.session.case.plan.incident)))?;
        let now_ms = self.now_ms();
        insert(&mut self.acts, now_ms, act);
        if stands { self.travel(Travel::PlayPause) } else { Ok(()) }
    }

    fn travel(&mut self, travel: Travel) -> anyhow::Result<()> {
        // The effects of the newest changes belong to this moment.
        if self.session.main.playback.is_none() {
            self.advance(0)?;
        }
        self.apply(Input::Travel(travel))
    }

    fn apply(&mut self, input: Input) -> anyhow::Result<()> {
        for effect in self.session.apply(input) {
            match effect {
                Effect::Control(_, Control::SetSpeed(Speed::Times(times))) => self.times = times,
                Effect::Control(_, Control::SetSpeed(Speed::Max)) => self.times = f64::MAX,
                Effect::Control(_, control) => self.run.control(control)?,
                // It has one run, and no walk.
                Effect::Start { .. } | Effect::End(_) | Effect::SaveProgress(_) => {}
            }
        }
        Ok(())
    }

    fn pass(&mut self, wall_ms: f64) -> anyhow::Result<()> {
        let passed_ms = wall_ms.clamp(0.0, MOST_MS);
        if self.session.main.playback.is_some() {
            return self.apply(Input::Travel(Travel::Pass(passed_ms)));
        }
        if self.is_over() {
            return Ok(());
        }
        let tick_ms = TICK.as_millis() as f64;
        let now_ms = self.now_ms();
        if self.is_on_the_way() {
            let left_ms = (self.from.at_ms - now_ms) as f64;
            self.advance(left_ms.min(MOST_RUN_MS) as u64)?;
            if self.from.stands && !self.is_on_the_way() {
                self.travel(Travel::PlayPause)?;
            }
            return Ok(());
        }
        // What could not be computed in time is not made up for.
        self.due_ms = (self.due_ms + passed_ms * self.times).min(MOST_RUN_MS);
        let ticks = (self.due_ms / tick_ms).floor();
        self.due_ms -= ticks * tick_ms;
        let left_ms = LASTS_MS - now_ms;
        self.reached.add(wall_ms.max(0.0), ticks * tick_ms);
        self.advance(left_ms.min((ticks * tick_ms) as u64))
    }

    /// Lets the run pass for this time, and takes in what it said.
    fn advance(&mut self, run_ms: u64) -> anyhow::Result<()> {
        self.run.control(Control::HoldAt(self.now_ms() + run_ms))?;
        for event in self.run.advance()? {
            self.told.push(event.clone());
            self.apply(Input::Event(RunId::Main, event))?;
        }
        Ok(())
    }
}
