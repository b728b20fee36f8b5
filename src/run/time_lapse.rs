//! A virtual run: each lane a child that simulates server, clients and supervision on a paused
//! clock; here they are told how far to go, and their events are put in order.
//!
//! Time passes in the children only as far as they are told ([`ParentSays::Advance`]), so that the
//! commands between two advances take effect at one exact time in all of them. Events are handed on
//! by time, then by lane, and only once every lane is past their time: the order does not depend on
//! which child is faster.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::bail;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::child::{Child, Message};
use super::{Address, Control, Messages, Spec, Speed};
use firedrill_core::event::{Event, EventKind, LaneSays, ParentSays, TICK};
use firedrill_core::sanitize;
use firedrill_core::script::{Script, ScriptStep};
use serde::Deserialize;

/// Virtual time that the lanes may be told to pass before the slowest of them is there: what is
/// read ahead must fit in memory.
const LOOK_AHEAD_MS: u64 = 10_000;

/// Time between two looks at the clock while virtual time is held back.
const PACE: Duration = Duration::from_millis(20);

/// A lane that has reported nothing for this long will not any more.
const STANDS_STILL: Duration = Duration::from_secs(30);

/// The same once the run has been told to end.
const LEAVING: Duration = Duration::from_secs(3);

/// A virtual run under way.
pub(super) struct Player {
    spec: Spec,
    script: Script,
    controls: VecDeque<(u64, Control)>,
    lanes: Vec<Replay>,
    messages: mpsc::Receiver<(Address, Message)>,
    /// Kept, so that the other end does not close between two children.
    message: Messages,
    out: mpsc::Sender<Event>,
    /// The script's own events, in order of time.
    told: VecDeque<Event>,
    /// Time up to which the lanes may go.
    written_ms: u64,
    end_ms: Option<u64>,
    /// Time of the pause; none: no pause.
    hold_ms: Option<u64>,
    /// True if the pause has been reported.
    reported_held: bool,
    /// Longest silence of a lane.
    patience: Duration,
    pace: Pace,
}

#[derive(Default)]
struct Replay {
    child: Option<Child>,
    /// Its events that wait for the other lanes.
    events: VecDeque<Event>,
    reached_ms: u64,
    ended: bool,
    last_line: String,
    /// Lines of the event log in this tick, and how many more were left out.
    lines: usize,
    left_out: u64,
    /// Time of its last sample, and the number of samples of that time: one of the tick, and one of the run's end.
    sampled: (u64, u32),
}

/// Lines of the event log that a virtual lane may write in a tick.
const LINES: usize = 1024;

/// Samples of a lane at one time.
const MOST_SAMPLES: u32 = 2;

/// Events of a lane that may wait for the others.
const WAITING: usize = 100_000;

impl Replay {
    /// Keeps an event of it until the other lanes are there.
    fn keep(&mut self, event: Event) {
        if matches!(event.what, EventKind::Log { .. }) {
            if self.lines >= LINES {
                self.left_out += 1;
                return;
            }
            self.lines += 1;
        }
        self.events.push_back(event);
    }

    /// It has come to this time.
    fn reach(&mut self, lane: usize, at_ms: u64) {
        if self.left_out > 0 {
            let line = format!("{} more lines in a tenth of a second", self.left_out);
            let what = EventKind::Log { line };
            // Behind all that it has said: events are in order of time.
            let at_ms = self.events.back().map_or(self.reached_ms, |last| last.at_ms);
            self.events.push_back(Event { at_ms, lane: Some(lane), what });
        }
        (self.lines, self.left_out, self.reached_ms) = (0, 0, at_ms);
    }

    /// Checks a message for plausibility; describes the problem.
    fn refuses(&self, at_ms: u64, says: &LaneSays, told_ms: u64) -> Option<&'static str> {
        if at_ms > told_ms {
            return Some("its time is later than it was told to run");
        }
        if at_ms < self.reached_ms || self.events.back().is_some_and(|last| at_ms < last.at_ms) {
            return Some("its time is earlier than the event before it");
        }
        match says {
            LaneSays::Sample(_) if self.sampled.0 == at_ms && self.sampled.1 >= MOST_SAMPLES => {
                Some("it reports one tick over and over")
            }
            LaneSays::Sample(sample)
                if !sample.is_plausible()
                    || sample.server.as_ref().is_some_and(|server| !server.names_few()) =>
            {
                Some("it reports counts that no server has, or more metrics than code can name")
            }
            _ if self.events.len() >= WAITING => Some("it says more than anybody can read"),
            _ => None,
        }
    }
}

/// An event of a virtual lane, with its time in milliseconds since the run began.
#[derive(Debug, Deserialize)]
struct LaneLine {
    at_ms: u64,
    #[serde(flatten)]
    what: LaneSays,
}

/// Relation of virtual to real time.
struct Pace {
    speed: Speed,
    /// Start of the current speed, in real and virtual time; none before the first check.
    since: Option<(Instant, u64)>,
}

impl Pace {
    /// Returns the virtual time allowed now, given the present `at_ms`.
    fn allows_ms(&mut self, at_ms: u64) -> u64 {
        let Speed::Times(times) = self.speed else {
            return u64::MAX;
        };
        let (since, from_ms) = *self.since.get_or_insert((Instant::now(), at_ms));
        let passed_ms = since.elapsed().as_secs_f64() * 1000.0 * times;
        let tick_ms = TICK.as_millis() as u64;
        (from_ms + passed_ms as u64) / tick_ms * tick_ms
    }
}

impl Player {
    pub(super) fn new(spec: Spec, out: mpsc::Sender<Event>) -> Self {
        let (message, messages) = mpsc::channel(1024);
        Self {
            script: Script::new(spec.case.clone()),
            controls: spec.pacing.controls.iter().cloned().collect(),
            lanes: spec.case.plan.variants.iter().map(|_| Replay::default()).collect(),
            messages,
            message,
            out,
            told: VecDeque::new(),
            written_ms: 0,
            end_ms: spec.case.plan.duration().map(|duration| duration.as_millis() as u64),
            hold_ms: spec.pacing.hold_ms,
            reported_held: false,
            patience: spec.patience.unwrap_or(STANDS_STILL),
            pace: Pace { speed: spec.pacing.speed, since: None },
            spec,
        }
    }

    pub(super) async fn play(mut self, controls: mpsc::Receiver<Control>) -> anyhow::Result<()> {
        let played = self.play_on(controls).await;
        if played.is_err() {
            // What the lanes have said last may tell why.
            self.told.clear();
            self.deliver_before(u64::MAX).await;
        }
        played
    }

    async fn play_on(&mut self, mut controls: mpsc::Receiver<Control>) -> anyhow::Result<()> {
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            let begin = self.spec.begin(i, self.script.in_play(i));
            let address = Address { lane: i, instance: 0, generation: 1 };
            let (program, _) =
                self.spec.venue.served_by(&self.spec.case, &self.spec.case.plan.variants[i]);
            lane.child = Some(Child::start(program, &begin, address, &self.message)?);
        }
        let steps = self.script.begin();
        self.take(steps).await?;
        let mut looks = interval(PACE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // Counted in looks, not by the clock: a laptop that sleeps is no lane that stands still.
        let mut silent = Duration::ZERO;
        while !self.finished() {
            self.write().await?;
            if !self.deliver().await {
                return Ok(());
            }
            tokio::select! {
                message = self.messages.recv() => match message {
                    Some((from, message)) => {
                        let was_ms = self.lanes[from.lane].reached_ms;
                        self.hear(from.lane, message)?;
                        // What it says is no sign of life: a loop may send the same forever.
                        if self.lanes[from.lane].reached_ms > was_ms {
                            silent = Duration::ZERO;
                        }
                    }
                    None => return Ok(()),
                },
                control = controls.recv() => match control {
                    None | Some(Control::Stop) => {
                        (self.end_ms, self.patience) = (Some(self.written_ms), LEAVING);
                    }
                    Some(Control::SetSpeed(speed)) => self.pace = Pace { speed, since: None },
                    Some(Control::HoldAt(at_ms)) => {
                        (self.hold_ms, self.reported_held) = (Some(at_ms), false);
                    }
                    Some(control) => {
                        let steps = self.script.obey(control, self.written_ms);
                        self.take(steps).await?;
                    }
                },
                _ = looks.tick() => {
                    silent = if self.behind().is_some() { silent + PACE } else { Duration::ZERO };
                    if silent > self.patience {
                        return self.stands_still();
                    }
                }
            }
        }
        self.end().await
    }

    fn finished(&self) -> bool {
        self.end_ms.is_some_and(|end_ms| self.safe_ms() >= end_ms)
    }

    /// The time that every lane has reached.
    fn safe_ms(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.reached_ms).min().unwrap_or(u64::MAX)
    }

    /// The first lane that is not where it was told to go.
    fn behind(&self) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.reached_ms < self.written_ms)
    }

    fn stands_still(&self) -> anyhow::Result<()> {
        let at_s = self.safe_ms() as f64 / 1000.0;
        let name = self.behind().map_or("", |lane| self.spec.case.plan.variants[lane].as_str());
        bail!(
            "lane `{name}` has stood still at {at_s} s of virtual time for {:?}: its code blocks, \
             or never lets time pass",
            self.patience
        )
    }

    /// Tells the lanes how far to go, and what changes on the way.
    async fn write(&mut self) -> anyhow::Result<()> {
        loop {
            let held = self.written_ms >= self.spec.pacing.from_ms;
            let paced_ms =
                if held { self.pace.allows_ms(self.written_ms) } else { self.spec.pacing.from_ms };
            let limit_ms =
                (self.safe_ms() + LOOK_AHEAD_MS).min(paced_ms).min(self.end_ms.unwrap_or(u64::MAX));
            let hold_ms = self.hold_ms.unwrap_or(u64::MAX).max(self.written_ms);
            let limit_ms = limit_ms.min(hold_ms);
            let phase_ms = self.script.next_phase_ms();
            let control_ms = self.controls.front().map(|(at_ms, _)| *at_ms);
            let change_ms = phase_ms.into_iter().chain(control_ms).min().unwrap_or(u64::MAX);
            let to_ms = limit_ms.min(change_ms.max(self.written_ms));
            if to_ms > self.written_ms {
                self.written_ms = to_ms;
                self.tell_all(&ParentSays::Advance { to_ms }).await?;
            }
            if change_ms > to_ms || self.end_ms == Some(to_ms) {
                return Ok(());
            }
            let steps = if phase_ms.is_some_and(|ms| ms <= to_ms) {
                self.script.next_phase()
            } else if let Some((_, control)) = self.controls.pop_front() {
                self.script.obey(control, to_ms)
            } else {
                return Ok(());
            };
            self.take(steps).await?;
        }
    }

    /// Makes these changes where the lanes have been told to go, and tells of them.
    async fn take(&mut self, steps: Vec<ScriptStep>) -> anyhow::Result<()> {
        for ScriptStep { change, lane, tell } in steps {
            for index in 0..self.lanes.len() {
                if let Some(command) = change.says(index) {
                    self.tell(index, command).await?;
                }
            }
            if let Some(what) = tell {
                self.told.push_back(Event { at_ms: self.written_ms, lane, what });
            }
        }
        Ok(())
    }

    async fn tell_all(&mut self, command: &ParentSays) -> anyhow::Result<()> {
        for lane in 0..self.lanes.len() {
            self.tell(lane, command.clone()).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, lane: usize, command: ParentSays) -> anyhow::Result<()> {
        let told = match &self.lanes[lane].child {
            Some(child) => child.command_in_turn(command).await,
            None => Err("it has not begun"),
        };
        // Why it has ended is in its last message, which is on its way.
        if told.is_err() {
            while let Ok(Some((from, message))) = timeout(self.patience, self.messages.recv()).await
            {
                self.hear(from.lane, message)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, index: usize, message: Message) -> anyhow::Result<()> {
        let lane = &mut self.lanes[index];
        let name = &self.spec.case.plan.variants[index];
        match message {
            Message::Line(line) => {
                let Ok(LaneLine { at_ms, what }) = sanitize::read(&line) else {
                    let line: String = line.chars().take(200).collect();
                    bail!("lane `{name}` wrote a line that is no event of a lane: {line:?}")
                };
                if let Some(why) = lane.refuses(at_ms, &what, self.written_ms) {
                    bail!("lane `{name}` is not to be believed, at {at_ms} ms: {why}")
                }
                match what {
                    LaneSays::Reached => lane.reach(index, at_ms),
                    what => {
                        if matches!(what, LaneSays::Sample(_)) {
                            let before = if lane.sampled.0 == at_ms { lane.sampled.1 } else { 0 };
                            lane.sampled = (at_ms, before + 1);
                        }
                        if let Some(what) = what.what() {
                            lane.keep(Event { at_ms, lane: Some(index), what });
                        }
                    }
                }
            }
            Message::Stderr(line) => {
                let (at_ms, what) = (lane.reached_ms, EventKind::Log { line: line.clone() });
                lane.keep(Event { at_ms, lane: Some(index), what });
                lane.last_line = line;
            }
            Message::Exited(status) if lane.child.as_ref().is_some_and(Child::is_open) => {
                let last = &lane.last_line;
                bail!("the replay of lane `{name}` ended ({status}): {last}");
            }
            Message::Exited(_) => lane.ended = true,
        }
        Ok(())
    }

    /// Hands on what no lane can add to any more; tells whether somebody listens.
    async fn deliver(&mut self) -> bool {
        let at_ms = self.written_ms;
        let is_held = self.hold_ms.is_some_and(|hold_ms| hold_ms <= at_ms);
        if is_held && !self.reported_held && self.safe_ms() >= at_ms {
            self.reported_held = true;
            let held = Event { at_ms, lane: None, what: EventKind::Held };
            return self.deliver_before(at_ms + 1).await && self.out.send(held).await.is_ok();
        }
        // More may still happen at the time that the slowest lane has reached.
        self.deliver_before(self.safe_ms()).await
    }

    async fn deliver_before(&mut self, safe_ms: u64) -> bool {
        loop {
            let queues =
                std::iter::once(&mut self.told).chain(self.lanes.iter_mut().map(|l| &mut l.events));
            let earliest = queues
                .filter(|queue| queue.front().is_some_and(|event| event.at_ms < safe_ms))
                .min_by_key(|queue| queue.front().map(|event| event.at_ms));
            let Some(event) = earliest.and_then(VecDeque::pop_front) else {
                return true;
            };
            if self.out.send(event).await.is_err() {
                return false;
            }
        }
    }

    /// Ends the children, which then account for the requests that were still under way.
    async fn end(&mut self) -> anyhow::Result<()> {
        for child in self.lanes.iter_mut().filter_map(|lane| lane.child.as_mut()) {
            child.close();
        }
        while self.lanes.iter().any(|lane| !lane.ended) {
            match timeout(self.patience, self.messages.recv()).await {
                Ok(Some((from, message))) => self.hear(from.lane, message)?,
                Ok(None) => break,
                Err(_) => return self.stands_still(),
            }
        }
        self.deliver_before(u64::MAX).await;
        Ok(())
    }
}
