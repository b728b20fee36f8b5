//! On-call shifts in simulated time, in this process: each incident is solved by an expert who knows the cause, and not
//! by anybody who restarts everything, does nothing, or says that nothing is wrong.

use std::alloc::System;
use std::sync::{LazyLock, Mutex, PoisonError};

use cap::Cap;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::lane::HeapMeter;
use firedrill_core::page::shift::local::{LocalComparison, LocalShift};
use firedrill_core::session::shift::diagnosis::right_lines;
use firedrill_core::session::shift::fact::FactKind;
use firedrill_core::session::shift::scenario::{Report, Scenario};
use firedrill_core::session::shift::score::{Compared, Score};
use firedrill_core::session::shift::task::{Look, Task};
use firedrill_core::session::shift::{Shift, ShiftInput, ShiftStage};
use firedrill_core::session::{Input, Session};

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

/// A shift whose run is in this process.
struct Player(LocalShift);

impl Player {
    fn begin(scenario: Scenario) -> Self {
        Self::measured_by(scenario, heap)
    }

    fn measured_by(scenario: Scenario, heap: HeapMeter) -> Self {
        let mut player =
            Self(LocalShift::begin(&CATALOGUE, scenario, heap).expect("the run starts"));
        player.0.settle().expect("the lanes run");
        player
    }

    fn shift(&self) -> &Shift {
        self.0.shift()
    }

    fn input(&mut self, input: ShiftInput) {
        let what = format!("{input:?}");
        self.0.input(input).expect("it can be carried out");
        assert_eq!(self.shift().refused(), None, "{what}");
        self.0.settle().expect("the lanes run");
    }

    fn begin_task(&mut self, task: Task) {
        self.input(ShiftInput::Begin(task));
    }

    /// Compares the shift with others, and returns its score.
    fn score(&self) -> Score {
        let shift = self.shift();
        assert_eq!(shift.stage(), ShiftStage::Ended);
        let mut comparison = LocalComparison::new(shift, &CATALOGUE, heap);
        while comparison.step(shift, &CATALOGUE).expect("the runs are made") {}
        shift.score(&comparison.finish()).expect("the shift has ended")
    }
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn scenario(id: &str, seed: u64, is_faulty: bool) -> Scenario {
    Scenario::new(&CATALOGUE, (seed, 1), id, is_faulty).expect("the incident is known")
}

/// An expert: looks, rolls back, restarts or scales where that helps, names cause and line.
fn expert(id: &str, seed: u64) -> Score {
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
    player.input(ShiftInput::Line(right_lines(text)[0]));
    player.begin_task(Task::Wait { seconds: 15 });
    player.input(ShiftInput::Over);
    player.score()
}

#[test]
fn an_expert_solves_every_incident() {
    let _turn = turn();
    let mut worst = Vec::new();
    for id in CATALOGUE.ids() {
        let score = expert(id, 1);
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
        let score = restarts.score();
        assert!(score.points <= 40.0, "{id}: {score:#?}");

        let mut denies = Player::begin(scenario(id, 1, true));
        denies.input(ShiftInput::Name(None));
        denies.input(ShiftInput::Over);
        // Without an action there is nothing to compare.
        let score = denies.shift().score(&Compared::default()).expect("it has ended");
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
    let score = idle.score();
    assert!(score.points < 1.0, "{score:#?}");
}

/// A page does not tell whether it is true: each report of a person comes with and without a fault.
#[test]
fn a_page_does_not_tell_whether_it_is_true() {
    let _turn = turn();
    let mut pages = [std::collections::BTreeSet::new(), std::collections::BTreeSet::new()];
    for seed in 0..16 {
        for (id, is_faulty) in [
            ("middleware-order", true),
            ("metric-cardinality", true),
            ("context-key-clash", true),
            ("context-key-clash", false),
        ] {
            let player = Player::begin(scenario(id, seed, is_faulty));
            let facts = player.shift().facts();
            let Some(FactKind::Page { text }) = facts.first().map(|fact| &fact.kind) else {
                panic!("{id}, {seed}: there is no page");
            };
            if !text.starts_with("Alert:") {
                pages[usize::from(is_faulty)].insert(text.clone());
            }
        }
    }
    assert_eq!(pages[0], pages[1], "reports of people");
    assert_eq!(pages[0].len(), 3);
}

#[test]
fn a_false_alarm_is_called_one() {
    let _turn = turn();
    for id in ["pool-leak", "no-priority", "canary-too-small"] {
        let mut player = Player::begin(scenario(id, 3, false));
        player.begin_task(Task::Look { what: Look::Charts });
        player.input(ShiftInput::Name(None));
        player.input(ShiftInput::Over);
        let score = player.score();
        assert!(score.points > 99.0, "{id}: {score:#?}");

        let mut acts = Player::begin(scenario(id, 3, false));
        acts.begin_task(Task::RollBack { change: None });
        acts.input(ShiftInput::Over);
        let score = acts.score();
        assert!(score.points <= 10.0, "{id}: {score:#?}");
    }
}

/// Everything that a person on call may see, as it is shown to programs.
fn seen(player: &Player) -> String {
    serde_json::to_string(&player.0.session.desk()).expect("it can be written")
}

/// Looks at everything there is.
fn look_at_all(player: &mut Player) {
    for what in Look::ALL {
        if player.shift().stage() == ShiftStage::Paged {
            player.begin_task(Task::Look { what });
        }
    }
}

/// Until the cause is named, nothing that may be shown names it: no id, title, path, module, variant or comment, and
/// not the metric by which firedrill itself knows the fault.
#[test]
fn nothing_gives_the_cause_away() {
    let _turn = turn();
    for entry in &CATALOGUE.entries {
        let id = &entry.manifest.id;
        let mut player = Player::begin(scenario(id, 5, true));
        look_at_all(&mut player);
        player.begin_task(Task::RollBack { change: None });
        let seen = seen(&player);
        let manifest = &entry.manifest;
        let mut secrets = vec![
            id.clone(),
            manifest.title.clone(),
            manifest.seen_as().to_owned(),
            manifest.summary.clone(),
            entry.incident.name().to_owned(),
            entry.incident.folder().to_owned(),
            "incidents/".to_owned(),
            "firedrill_incidents".to_owned(),
            "\"broken\"".to_owned(),
            "\"fixed\"".to_owned(),
            "bites".to_owned(),
        ];
        secrets.extend(manifest.phases.iter().map(|phase| phase.says.clone()));
        secrets.extend(manifest.variants.iter().map(|variant| variant.says.clone()));
        if let firedrill_core::incident::measure::Measure::Registered(name) = &manifest.bite.metric
        {
            let plain = name.split('{').next().unwrap_or_default();
            secrets.push(format!("\"{plain}\""));
        }
        let comments = CATALOGUE.source(&entry.file("broken")).unwrap_or_default().lines();
        let comments = comments.filter_map(|line| line.trim().strip_prefix("// "));
        secrets.extend(comments.map(str::to_owned));
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            assert!(!seen.contains(secret.as_str()), "{id}: {secret:?} in {seen}");
        }
        assert!(seen.contains("2.14.0") && seen.contains("\"fact\":\"threads\""), "{id}: {seen}");
    }
}

/// The same seed is the same shift, to the last byte; and a session that is written and read again goes on as if it
/// had not been.
#[test]
fn a_shift_is_the_same_again_and_can_be_resumed() {
    let _turn = turn();
    for level in 1..=3 {
        let draw = || Scenario::draw(&CATALOGUE, 17, level, &[]).expect("all are known");
        // Two runs at once have one heap: it is left out.
        let mut first = Player::measured_by(draw(), || 0);
        let mut second = Player::measured_by(draw(), || 0);
        for (i, what) in Look::ALL.into_iter().enumerate() {
            first.begin_task(Task::Look { what });
            second.begin_task(Task::Look { what });
            assert_eq!(seen(&first), seen(&second), "level {level}: {what:?}");
            if i == 4 {
                let saved = serde_json::to_string(&second.0.session).expect("it can be written");
                let saved = serde_json::from_str(&saved).expect("it can be read");
                second.0.session = Session::restore(&CATALOGUE, saved).expect("it is known");
                assert_eq!(seen(&first), seen(&second), "level {level}: restored");
            }
        }
    }
}

/// Harmless changes are real changes, and not the cause; a third level has two faults.
#[test]
fn levels_add_harmless_changes_and_a_second_fault() {
    let mut second = 0;
    for seed in 0..40 {
        let of = |level| Scenario::draw(&CATALOGUE, seed, level, &[]).expect("all are known");
        assert_eq!(of(1).changes.len(), 1);
        assert_eq!(of(2).changes.len(), 2);
        assert_eq!(of(1).incident, of(2).incident);
        assert!(of(1).causes().count() <= 1);
        let hard = of(3);
        assert_eq!(hard.changes.len(), 3 + usize::from(hard.second.is_some()));
        assert!(hard.second.is_none() || hard.causes().count() == 2);
        second += usize::from(hard.second.is_some());
        assert!(hard.changes.is_sorted_by_key(|change| change.at_ms));
    }
    assert!(second > 10, "{second} of 40 shifts have a second fault");
}

/// A hint tells something new: none advises a look that was taken already.
#[test]
fn hints_depend_on_what_was_looked_at() {
    let _turn = turn();
    let hint_after = |looks: &[Look]| {
        let mut player = Player::begin(scenario("pool-leak", 1, true));
        for what in looks {
            player.begin_task(Task::Look { what: *what });
        }
        player.input(ShiftInput::Hint);
        let facts = player.shift().facts();
        let hint = facts.iter().find_map(|fact| match &fact.kind {
            FactKind::Hint { text } => Some(text.clone()),
            _ => None,
        });
        hint.expect("it is given")
    };
    assert!(hint_after(&[]).contains("what was changed"));
    assert!(hint_after(&[Look::Changes]).contains("where they are lost"));
    let all = [Look::Kinds, Look::Metrics, Look::Log, Look::Changes];
    assert!(hint_after(&all).contains("in the code of"));
}

/// No false alarm is about memory unless an incident is: it would give itself away.
#[test]
fn a_false_alarm_could_be_true() {
    let of: Vec<String> = ["pool-leak", "retry-storm"].into_iter().map(str::to_owned).collect();
    for seed in 0..200 {
        let drawn = Scenario::draw(&CATALOGUE, seed, 1, &of).expect("both are known");
        let silent = [Report::Capacity, Report::Security];
        assert!(drawn.is_faulty || !silent.contains(&drawn.report), "seed {seed}");
        let hard = Scenario::draw(&CATALOGUE, seed, 3, &of).expect("both are known");
        assert!(hard.causes().all(|id| of.iter().any(|listed| listed == id)), "seed {seed}");
    }
}

/// A service that is cut off from its database, or set to a value that breaks it, is not fixed: it is compared with a
/// service on which nobody has acted.
#[test]
fn a_service_that_somebody_broke_is_not_fixed() {
    let _turn = turn();
    let mut player = Player::begin(scenario("pool-leak", 1, true));
    player.begin_task(Task::Breaker { open: true });
    player.input(ShiftInput::Over);
    let score = player.score();
    let fix = score.parts.iter().find(|part| part.name == "fix").expect("it is a part");
    assert!(fix.points <= 0.0, "{score:?}");
}

/// Inputs that make no sense have no effect, and say why.
#[test]
fn impossible_inputs_are_refused_with_a_reason() {
    let _turn = turn();
    let mut player = Player::begin(scenario("pool-leak", 1, true));
    let refused = |player: &mut Player, input: ShiftInput| {
        let effects = player.0.session.apply(Input::Shift(input));
        assert_eq!(effects, []);
        player.shift().refused().expect("it is refused").to_owned()
    };
    let task = ShiftInput::Begin;
    let set = |name: &str, value| Task::Set { name: name.to_owned(), value };
    for (input, why) in [
        (task(Task::Wait { seconds: 61 }), "61 s is out of range: expected 1 to 60 s"),
        (task(Task::Wait { seconds: 0 }), "0 s is out of range"),
        (task(Task::Scale { instances: 9 }), "9 instances is out of range: expected 1 to 8"),
        (task(Task::Shed { percent: f64::NAN }), "out of range"),
        (task(Task::Shed { percent: 96.0 }), "expected 0 to 95 %"),
        (
            task(set("pool_wait", 5.0)),
            "unknown parameter `pool_wait`; did you mean `pool_wait_ms`?",
        ),
        (task(set("pool_wait_ms", 1e12)), "pool_wait_ms"),
        (task(set("store_error_percent", 0.0)), "unknown parameter"),
        (task(Task::RollBack { change: Some(7) }), "there is no change 7"),
        (task(Task::Middleware { name: "lgo".to_owned(), on: false }), "unknown middleware `lgo`"),
        (ShiftInput::Name(Some("pool-laek".to_owned())), "did you mean `pool-leak`?"),
        (ShiftInput::Line(3), "name the cause first"),
    ] {
        let said = refused(&mut player, input);
        assert!(said.contains(why), "{said}: {why}");
    }
    for _ in 0..3 {
        player.input(ShiftInput::Hint);
    }
    assert_eq!(refused(&mut player, ShiftInput::Hint), "there are no more hints");
    player.begin_task(Task::RollBack { change: None });
    let again = refused(&mut player, ShiftInput::Begin(Task::RollBack { change: Some(1) }));
    assert_eq!(again, "change 1 has been rolled back already");
    player.input(ShiftInput::Name(Some("pool-leak".to_owned())));
    assert!(refused(&mut player, ShiftInput::Line(999)).contains("line 999"));
    player.input(ShiftInput::Over);
    assert!(refused(&mut player, ShiftInput::Hint).contains("the shift is over"));
}

fn points(score: &Score, name: &str) -> f64 {
    score.parts.iter().find(|part| part.name == name).expect("it has this part").points
}

/// Two faults at once: the expert's path fixes both, and rolling one of them back does not.
#[test]
fn two_faults_need_two_rollbacks() {
    let _turn = turn();
    let (mut tried, mut wrong) = (0, Vec::new());
    for seed in 30..36 {
        let draw = || Scenario::draw(&CATALOGUE, seed, 3, &[]).expect("all are known");
        if draw().second.is_none() {
            continue;
        }
        tried += 1;
        let take = |rollbacks: usize| {
            let mut player = Player::begin(draw());
            player.begin_task(Task::Look { what: Look::Changes });
            // A page may come before the second release.
            player.begin_task(Task::Wait { seconds: 3 });
            let changes = player.shift().scenario.changes.clone();
            let suspects =
                changes.iter().enumerate().filter(|(_, change)| change.kind.is_suspect());
            for (i, _) in suspects.take(rollbacks) {
                player.begin_task(Task::RollBack { change: Some(i + 1) });
            }
            player.begin_task(Task::Restart);
            player.begin_task(Task::Wait { seconds: 20 });
            player.input(ShiftInput::Over);
            player.score()
        };
        let both = take(2);
        let one = take(1);
        let scenario = draw();
        let is_fixed = points(&both, "fix") > 19.0 && points(&both, "mitigate") > 20.0;
        if !is_fixed || points(&one, "fix") > 1.0 {
            wrong.push((seed, scenario.incident, scenario.second));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(tried > 3, "{tried} shifts with two faults");
}
