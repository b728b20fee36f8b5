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
    /// Up to this time it passes as fast as it can.
    from_ms: u64,
    /// True if it stands still there.
    stops: bool,
    reached: Reached,
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
        let known = kept.filter(|_| kept_run.as_ref() == Some(&linked));
        let from_ms = known.as_ref().map_or(0, |kept| kept.at_ms.min(LASTS_MS));
        let begun = known.map_or(0, |kept| kept.begun);
        let running = Running::start(&own, linked, from_ms, heap)?;
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
                Ok(linked) => self.begin(linked, 0)?,
                Err(error) => self.remark = Some(error.to_string()),
            },
            Asked::Passed(wall_ms) => self.running.pass(wall_ms)?,
            Asked::Show => {}
        }
        Ok(draw::drawn(self))
    }

    fn begin(&mut self, linked: Linked, from_ms: u64) -> anyhow::Result<()> {
        self.running = Running::start(&self.own, linked, from_ms, self.heap)?;
        self.begun += 1;
        Ok(())
    }

    /// Makes a change at the moment that is shown. In the past, another run begins with it: what happened later is
    /// what happens then.
    fn act(&mut self, text: &str) -> anyhow::Result<()> {
        let act = match Act::parse(text, &self.running.session.case) {
            Ok(act) => act,
            Err(error) => {
                self.remark = Some(error.to_string());
                return Ok(());
            }
        };
        let at_ms = self.running.session.main.shown_ms();
        if self.running.acts.len() >= MOST_ACTS {
            self.remark = Some(format!("a run has at most {MOST_ACTS} changes"));
        } else if at_ms >= LASTS_MS {
            self.remark = Some("the run is over: go back to change something".to_owned());
        } else if self.running.session.main.playback.is_some() {
            let mut linked = self.running.linked();
            linked.acts.retain(|(before_ms, _)| *before_ms <= at_ms);
            linked.acts.push((at_ms, act));
            self.begin(linked, at_ms)?;
            let at = clock(at_ms as f64 / 1000.0);
            self.remark = Some(format!(
                "From {at} on this is another run. The browser's back button leads to the one before"
            ));
        } else {
            self.running.act(act)?;
        }
        Ok(())
    }

    fn kept(&self) -> Kept {
        let run = self.running.linked().pairs();
        let link = fragment(&run);
        Kept { run, link, begun: self.begun, at_ms: self.running.now_ms() }
    }
}

impl Running {
    fn start(own: &Case, linked: Linked, from_ms: u64, heap: HeapMeter) -> anyhow::Result<Self> {
        let Linked { plan, acts, at_ms } = linked;
        let from_ms = from_ms.max(at_ms.unwrap_or(0));
        let case = Case { plan, ..own.clone() };
        let incident = &case.plan.incident;
        let controls = acts.iter().map(|(at_ms, act)| (*at_ms, act.control(incident))).collect();
        let speed = Speed::Times(TIMES);
        let pacing = Pacing { speed, from_ms, hold_ms: None, controls };
        let told = PageData::of(case.manifest(), &case.plan.variants);
        let run = LocalRun::start(case.clone(), &pacing, heap)?;
        let session = Session::new(case, &pacing);
        let reached = Reached::default();
        let stops = at_ms.is_some();
        let mut running =
            Self { session, run, told, acts, times: TIMES, due_ms: 0.0, from_ms, stops, reached };
        // The state before its first moment: rate and parameters.
        running.advance(0)?;
        Ok(running)
    }

    /// The time that the run has come to, in milliseconds.
    fn now_ms(&self) -> u64 {
        self.session.main.history.ends_ms()
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
        let shown_ms = self.session.main.shown_ms();
        let mut done = self.acts.iter().rev().filter(|(at_ms, _)| *at_ms <= shown_ms);
        let newest = done.find_map(|(_, act)| match act {
            Act::Without(of, slots) if *of == lane => Some(slots.clone()),
            _ => None,
        });
        newest.unwrap_or_default()
    }

    /// The run with its changes, as a link has them.
    fn linked(&self) -> Linked {
        Linked { plan: self.session.case.plan.clone(), acts: self.acts.clone(), at_ms: None }
    }

    /// Makes a change now.
    fn act(&mut self, act: Act) -> anyhow::Result<()> {
        let now_ms = self.now_ms();
        self.apply(Input::Control(act.control(&self.session.case.plan.incident)))?;
        let at = self.acts.partition_point(|(at_ms, _)| *at_ms <= now_ms);
        self.acts.insert(at, (now_ms, act));
        Ok(())
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
        if now_ms < self.from_ms {
            let left_ms = (self.from_ms - now_ms) as f64;
            self.advance(left_ms.min(MOST_RUN_MS) as u64)?;
            if self.stops && self.now_ms() >= self.from_ms {
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
