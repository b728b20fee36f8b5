//! On-call shifts in simulated time, in this process: each incident is solved by an expert who knows the cause, and not
//! by anybody who restarts everything, does nothing, or says that nothing is wrong.

use std::alloc::System;
use std::sync::{LazyLock, Mutex, PoisonError};

use cap::Cap;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::lane::local::LocalRun;
use firedrill_core::plan::Case;
use firedrill_core::script::{Control, Pacing};
use firedrill_core::session::shift::fact::FactKind;
use firedrill_core::session::shift::reference::{OTHER_SEEDS, Reference, seconds_of};
use firedrill_core::session::shift::scenario::Scenario;
use firedrill_core::session::shift::score::{Compared, Left, Score, damage};
use firedrill_core::session::shift::seconds::Second;
use firedrill_core::session::shift::task::{Look, Task};
use firedrill_core::session::shift::{Shift, ShiftInput, ShiftStage};
use firedrill_core::session::track::RunId;
use firedrill_core::session::{Effect, Input, Session};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// The heap of this process is that of the lanes: one shift at a time.
static TURN: Mutex<()> = Mutex::new(());

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::read(&firedrill_incidents::PACK, |_| None).expect("manifests are in order")
});

fn heap() -> u64 {
    HEAP.allocated() as u64
}

/// A shift and its run.
struct Player {
    session: Session,
    run: Option<LocalRun>,
}

impl Player {
    fn begin(scenario: Scenario) -> Self {
        let (session, effects) =
            Session::shift(&CATALOGUE, scenario, Clock::Virtual).expect("the incident is known");
        let mut player = Self { session, run: None };
        player.carry_out(effects);
        player.settle();
        player
    }

    fn shift(&self) -> &Shift {
        self.session.shift.as_ref().expect("it is a shift")
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { plan, pacing, .. } => {
                    let case = Case { plan, ..self.session.case.clone() };
                    self.run = Some(LocalRun::start(case, &pacing, heap).expect("the run starts"));
                }
                Effect::Control(_, control) => {
                    let run = self.run.as_mut().expect("there is a run");
                    run.control(control).expect("it can be carried out");
                }
                Effect::End(_) => self.run = None,
                Effect::SaveProgress(_) => {}
            }
        }
    }

    /// Lets time pass while it does.
    fn settle(&mut self) {
        while self.shift().is_busy() {
            let Some(run) = &mut self.run else { return };
            for event in run.advance().expect("the lanes run") {
                let effects = self.session.apply(Input::Event(RunId::Main, event));
                self.carry_out(effects);
            }
        }
    }

    fn input(&mut self, input: ShiftInput) {
        let what = format!("{input:?}");
        let effects = self.session.apply(Input::Shift(input));
        assert_eq!(self.shift().refused(), None, "{what}");
        self.carry_out(effects);
        self.settle();
    }

    fn begin_task(&mut self, task: Task) {
        self.input(ShiftInput::Begin(task));
    }

    /// Compares the shift with others, and returns its score.
    fn score(&self) -> (Score, Compared) {
        let shift = self.shift();
        assert_eq!(shift.stage(), ShiftStage::Ended);
        let compared = compared(shift);
        (shift.score(&compared).expect("the shift has ended"), compared)
    }
}

fn seconds(shift: &Shift, reference: Reference) -> Vec<Vec<Second>> {
    let Reference { case, pacing, until_ms } = reference;
    let lanes = case.plan.variants.len();
    let pacing = Pacing { hold_ms: Some(until_ms), ..pacing };
    let mut run = LocalRun::start(case, &pacing, heap).expect("the run starts");
    let events = run.advance().expect("the lanes run");
    seconds_of(shift, &CATALOGUE, lanes, &events)
}

fn compared(shift: &Shift) -> Compared {
    let catalogue = &*CATALOGUE;
    let untouched = shift.untouched(catalogue).expect("known").expect("it has ended");
    let mut lanes = seconds(shift, untouched);
    let (healthy, untouched) = (lanes.pop().unwrap_or_default(), lanes.remove(0));
    let mut best = None;
    for path in shift.expert_paths(catalogue) {
        let reference = shift.with_expert(catalogue, &path).expect("known").expect("it has ended");
        let own = seconds(shift, reference).remove(0);
        let harm = damage(&own, &healthy, 0, |_| 0.0);
        if best.as_ref().is_none_or(|(least, _, _)| harm < *least - 1.0) {
            best = Some((harm, path, own));
        }
    }
    let left = OTHER_SEEDS.map(|seed| {
        let mut lanes = seconds(shift, shift.as_left(catalogue, seed).expect("known"));
        let healthy = lanes.pop().unwrap_or_default();
        Left::new(seed, &lanes.remove(0), &healthy, shift.judged_from_s())
    });
    let expert = best.map(|(_, path, own)| (path, own));
    Compared { untouched, healthy, expert, left: left.to_vec() }
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scenario(id: &str, seed: u64, is_faulty: bool) -> Scenario {
    Scenario::new(&CATALOGUE, (seed, 1), id, is_faulty).expect("the incident is known")
}

/// An expert: looks, rolls back, restarts or scales where that helps, names cause and line.
fn expert(id: &str, seed: u64) -> (Score, Compared, Player) {
    let mut player = Player::begin(scenario(id, seed, true));
    player.input(ShiftInput::Take);
    player.begin_task(Task::Look { what: Look::Charts });
    player.begin_task(Task::Look { what: Look::Changes });
    match id {
        // The old version does not limit the requests that the database gets: the release stays.
        "autoscale-on-cpu" => {}
        _ => player.begin_task(Task::RollBack { change: None }),
    }
    match id {
        "autoscale-on-cpu" => player.begin_task(Task::Scale { instances: 3 }),
        // Requests that wait already keep the service busy.
        "retry-storm" | "perfect-storm" | "one-switch" | "chaos-left-on" => {
            player.begin_task(Task::Restart);
        }
        _ => {}
    }
    player.input(ShiftInput::Name(Some(id.to_owned())));
    let text = CATALOGUE.source(&CATALOGUE.find(id).expect("known").file("broken")).expect("known");
    let line = firedrill_core::incident::marks::marks(text)[0].line;
    player.input(ShiftInput::Line(line));
    player.begin_task(Task::Wait { seconds: 15 });
    player.input(ShiftInput::Over);
    let (score, compared) = player.score();
    (score, compared, player)
}

#[test]
fn an_expert_solves_every_incident() {
    let _turn = turn();
    let mut worst = Vec::new();
    for id in CATALOGUE.ids() {
        let (score, compared, player) = expert(id, 1);
        let [own, untouched, best] = player.shift().damages(&compared);
        let left: Vec<f64> = compared.left.iter().map(|left| left.damage).collect();
        let path: Vec<String> =
            compared.expert.iter().flat_map(|(path, _)| path.actions().map(Task::text)).collect();
        let page = player.shift().facts().iter().find_map(|fact| match &fact.kind {
            FactKind::Page { text } => Some((fact.at_s, text.clone())),
            _ => None,
        });
        println!(
            "{id}: {} points; damage {own:.1} of {untouched:.1}, expert {best:.1}; left {left:.3?}; {path:?}\n    \
             released {} s, {page:?}\n    {:?}",
            score.points,
            player.shift().scenario.release_ms as f64 / 1000.0,
            score.parts.iter().map(|p| (p.name, p.points)).collect::<Vec<_>>()
        );
        if score.points < 80.0 {
            worst.push((id.to_owned(), score));
        }
    }
    assert!(worst.is_empty(), "{worst:#?}");
}

#[test]
fn nobody_solves_an_incident_by_chance() {
    let _turn = turn();
    for id in CATALOGUE.ids() {
        let mut restarts = Player::begin(scenario(id, 1, true));
        restarts.begin_task(Task::Restart);
        restarts.begin_task(Task::Wait { seconds: 15 });
        restarts.input(ShiftInput::Over);
        let (score, _) = restarts.score();
        println!("{id}: restart {}", score.points);
        assert!(score.points <= 40.0, "{id}: {score:#?}");

        let mut denies = Player::begin(scenario(id, 1, true));
        denies.input(ShiftInput::Name(None));
        denies.input(ShiftInput::Over);
        let (score, _) = denies.score();
        assert!(score.points <= 10.0, "{id}: {score:#?}");
    }
}

/// The shift of somebody who does nothing ends at its time limit.
#[test]
fn doing_nothing_solves_nothing() {
    let _turn = turn();
    let mut idle = Player::begin(scenario("unbuffered-log-channel", 1, true));
    while idle.shift().stage() == ShiftStage::Paged {
        idle.begin_task(Task::Wait { seconds: 60 });
    }
    let (score, _) = idle.score();
    assert!(score.points <= 10.0, "{score:#?}");
}

#[test]
fn a_false_alarm_is_called_one() {
    let _turn = turn();
    for id in ["pool-leak", "no-priority", "canary-too-small"] {
        let mut player = Player::begin(scenario(id, 3, false));
        player.begin_task(Task::Look { what: Look::Charts });
        player.input(ShiftInput::Name(None));
        player.input(ShiftInput::Over);
        let (score, _) = player.score();
        assert!(score.points > 99.0, "{id}: {score:#?}");

        let mut acts = Player::begin(scenario(id, 3, false));
        acts.begin_task(Task::RollBack { change: None });
        acts.input(ShiftInput::Over);
        let (score, _) = acts.score();
        assert!(score.points <= 10.0, "{id}: {score:#?}");
    }
}
