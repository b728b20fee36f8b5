//! Every walk, taken in this process by [`Session::apply`] alone: no terminal, no child process. It is answered
//! rightly and wrongly, and written and read again on every page. The run shows the same whatever the answers.

use std::alloc::System;
use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, PoisonError};

use cap::Cap;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Clock, Event, EventKind};
use firedrill_core::incident::formula::{Formula, Values};
use firedrill_core::incident::marks::marks;
use firedrill_core::incident::walk::{AnswerKind, Choice, Pointed, Question};
use firedrill_core::lane::local::LocalRun;
use firedrill_core::page::Drawn;
use firedrill_core::page::walk::{Asked, WalkPage, WalkToOpen};
use firedrill_core::plan::{Case, Plan};
use firedrill_core::script::{Control, Pacing};
use firedrill_core::session::track::RunId;
use firedrill_core::session::walk::WalkInput;
use firedrill_core::session::walk::follow::Place;
use firedrill_core::session::walk::page::Content;
use firedrill_core::session::walk::{Answer, Done, Stage, Walk};
use firedrill_core::session::{Effect, Input, Session};
use serde_json::Value;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// The heap of this process is that of the lanes: one walk at a time.
static TURN: Mutex<()> = Mutex::new(());

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::read(&firedrill_incidents::PACK, |_| None).expect("manifests are in order")
});

/// Two learners, of whom one answers rightly and one wrongly, and the run that both ask for: it is the same.
struct Learners {
    sessions: [Session; 2],
    run: Option<LocalRun>,
}

/// Seed of the order of options.
const ORDER_SEED: u64 = 7;

/// The places of the two among the sessions.
const RIGHT: usize = 0;
const WRONG: usize = 1;

impl Learners {
    fn begin(plan: &Plan) -> Self {
        let case = Case::new(&CATALOGUE, plan.clone()).expect("the incident is known");
        let (right, effects) = Session::walk(case.clone(), 1.0, ORDER_SEED);
        let (wrong, same) = Session::walk(case, 1.0, ORDER_SEED);
        assert_eq!(effects, same);
        let mut learners = Self { sessions: [right, wrong], run: None };
        learners.carry_out(effects);
        learners
    }

    /// Gives each of them an input.
    fn apply(&mut self, inputs: [Input; 2]) {
        let [right, wrong] = inputs;
        let effects = self.sessions[RIGHT].apply(right);
        self.agree(&effects, wrong);
        self.carry_out(effects);
    }

    fn both(&mut self, input: &Input) {
        self.apply([input.clone(), input.clone()]);
    }

    /// The second learner's input asks of the run what the first one's did.
    fn agree(&mut self, effects: &[Effect], wrong: Input) {
        let same = self.sessions[WRONG].apply(wrong);
        let of_run = |effects: &[Effect]| {
            let effects = effects.iter().filter(|e| !matches!(e, Effect::SaveProgress(_)));
            effects.cloned().collect::<Vec<_>>()
        };
        assert_eq!(of_run(effects), of_run(&same));
    }

    /// Carries out effects, and lets time pass until the sessions hold the run.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        loop {
            let Some(effect) = effects.pop_front() else {
                let run = self.run.as_mut().expect("there is a run");
                let events = run.advance().expect("it goes on");
                if events.is_empty() {
                    return;
                }
                for event in events {
                    let input = Input::Event(RunId::Main, event);
                    let more = self.sessions[RIGHT].apply(input.clone());
                    self.agree(&more, input);
                    effects.extend(more);
                }
                continue;
            };
            match effect {
                Effect::Start { run: RunId::Main, plan, pacing } => {
                    let case = Case { plan, ..self.sessions[RIGHT].case.clone() };
                    let heap = || HEAP.allocated() as u64;
                    self.run = Some(LocalRun::start(case, &pacing, heap).expect("it starts"));
                }
                Effect::Control(RunId::Main, control) => {
                    let run = self.run.as_mut().expect("there is a run");
                    run.control(control).expect("it obeys");
                }
                Effect::SaveProgress(progress) => {
                    let walk = self.sessions[RIGHT].walk.as_ref().expect("a walk");
                    assert_eq!(progress, walk.progress());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Writes a session, drops it, and goes on with what can be read again.
    fn write_and_read(&mut self, which: usize) {
        let view = |session: &Session| serde_json::to_value(session.view()).expect("plain data");
        let before = view(&self.sessions[which]);
        let written = serde_json::to_vec(&self.sessions[which]).expect("plain data");
        let saved = serde_json::from_slice(&written).expect("it can be read");
        self.sessions[which] = Session::restore(&CATALOGUE, saved).expect("it is known");
        let differs = first_difference("view", &before, &view(&self.sessions[which]));
        assert_eq!(differs, None);
    }

    /// Both are on this page, and in this stage of it.
    fn stand_at(&self, at: usize, stage: Stage) {
        for session in &self.sessions {
            let walk = session.walk.as_ref().expect("a walk");
            assert_eq!((walk.at, walk.stage), (at, stage), "{}", session.case.plan.incident);
        }
    }

    /// All hints of the question that is open, one after the other.
    fn read_all_hints(&mut self, question: &Question) {
        for at in 1..=question.hints.len() {
            self.both(&Input::Hint);
            let page = self.sessions[RIGHT].page().expect("a page");
            let asked = page.step().and_then(|step| step.question.clone()).expect("a question");
            let (number, _, text) = asked.hint.expect("a hint");
            assert!(number == at && !text.is_empty(), "{}: hint {at}: {text:?}", question.id);
        }
    }

    /// Both commit to an answer; a page is not turned without one, nor by one of another kind.
    fn answer(&mut self, question: &Question) {
        let at = self.sessions[RIGHT].walk.as_ref().expect("a walk").at;
        let of_another_kind = match question.kind {
            AnswerKind::Choice(_) => Answer::Line(0),
            AnswerKind::Number { .. } | AnswerKind::Line { .. } => Answer::Choice(0),
        };
        self.both(&Input::Next);
        self.both(&Input::Answer(of_another_kind));
        self.stand_at(at, Stage::Prompt);
        let answers =
            [right(&self.sessions[RIGHT], question), wrong(&self.sessions[WRONG], question)];
        self.apply(answers.map(Input::Answer));
        // The key that the book has rules the same.
        let key = self.sessions[RIGHT].answer_key().expect("its figures are known");
        let ruling = |answer| key.judge(answer).map(|ruling| ruling.right);
        if !matches!(question.kind, AnswerKind::Number { .. }) {
            assert_eq!(ruling(answers[RIGHT]), Some(true), "{}", question.id);
        }
        assert_eq!(ruling(answers[WRONG]), Some(false), "{}", question.id);
    }
}

fn done(session: &Session) -> &Done {
    let walk = session.walk.as_ref().expect("a walk");
    assert_eq!(walk.note, None, "page {}", walk.at + 1);
    walk.done[walk.at].as_ref().expect("it was answered")
}

/// The right answer, as somebody would find it who computes.
fn right(session: &Session, question: &Question) -> Answer {
    match &question.kind {
        AnswerKind::Choice(choices) => Answer::Choice(option(session, question, choices, true)),
        AnswerKind::Number { theory, .. } => Answer::Number(computed(session, theory)),
        AnswerKind::Line { variant: of, at, .. } => Answer::Line(line_of(session, of, *at)),
    }
}

/// The first option, in the order shown, that is right or is not.
fn option(session: &Session, question: &Question, choices: &[Choice], right: bool) -> usize {
    let order = session.walk.as_ref().expect("a walk").order(question);
    order.iter().position(|at| choices[*at].right == right).expect("there is one")
}

fn wrong(session: &Session, question: &Question) -> Answer {
    match &question.kind {
        AnswerKind::Choice(choices) => Answer::Choice(option(session, question, choices, false)),
        AnswerKind::Number { .. } => Answer::Number(987_654.0),
        AnswerKind::Line { .. } => Answer::Line(0),
    }
}

/// The number that theory says; the values at the beginning of a stretch are those of now.
fn computed(session: &Session, theory: &Formula) -> f64 {
    let mut values: Values = session.values();
    let then = values.clone().into_iter().filter(|(name, _)| !name.ends_with("_then"));
    values.extend(then.map(|(name, value)| (format!("{name}_then"), value)));
    theory.eval(&values).unwrap_or_else(|error| panic!("{error}"))
}

/// The line that a question asks for, from 0.
fn line_of(session: &Session, variant: &str, at: Pointed) -> usize {
    let case = &session.case;
    let text = case.catalogue.source(&case.entry.file(variant)).expect("a source file");
    let line = match at {
        Pointed::Waits => session.lanes()[0].culprit().map(|site| site.line as usize),
        Pointed::Marked(mark) => {
            marks(text).into_iter().find(|marked| marked.mark == mark).map(|m| m.line)
        }
    };
    line.expect("a line") - 1
}

/// The first place at which two values differ, and both values there.
fn first_difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            let known = |name: &String| other.get(name).unwrap_or(&Value::Null);
            one.iter().find_map(|(k, v)| first_difference(&format!("{path}.{k}"), v, known(k)))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let both = one.iter().zip(other).enumerate();
            both.into_iter().find_map(|(i, (a, b))| first_difference(&format!("{path}[{i}]"), a, b))
        }
        (one, other) => (one != other).then(|| format!("{path}: {one} and {other}")),
    }
}

/// Goes through all pages of a walk.
fn walk(id: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = CATALOGUE.find(id).expect("it is in the catalogue");
    let manifest = &entry.manifest;
    let mut learners = Learners::begin(&Plan { clock: Clock::Virtual, ..Plan::new(manifest) });
    for (at, step) in manifest.walk.iter().enumerate() {
        learners.stand_at(at, Stage::Prompt);
        learners.write_and_read(RIGHT);
        let page = learners.sessions[RIGHT].page().expect("a page");
        let introduction = page
            .step()
            .map(|step| (step.says.clone(), step.question.as_ref().map(|q| q.prompt.clone())));
        assert!(page.texts().iter().all(|text| !text.is_empty()), "{id}: {page:?}");
        if let Some(listing) = page.listing() {
            assert!(!listing.text.contains("parked"), "{id}: a label names the answer");
            assert!(!listing.title.contains(".rs"), "{id}: the file's name may name the cause");
            let lines = listing.text.lines().zip(&listing.hidden);
            let mut shown = lines.filter(|(_, hidden)| !**hidden);
            assert!(shown.all(|(line, _)| !line.trim_start().starts_with("//")), "{id}");
        }
        let question = manifest.questions.iter().find(|q| Some(&q.id) == step.asks.as_ref());
        if let Some(question) = question {
            learners.read_all_hints(question);
            learners.answer(question);
        } else if step.until.is_some() {
            learners.both(&Input::Next);
        }
        if question.is_some() || step.until.is_some() {
            learners.stand_at(at, Stage::Revealed);
            // The figures of an introduction are those that were shown before the answer.
            let page = learners.sessions[RIGHT].page().expect("a page");
            let now = page
                .step()
                .map(|step| (step.says.clone(), step.question.as_ref().map(|q| q.prompt.clone())));
            assert_eq!(now, introduction, "{id}, page {}", at + 1);
            for (which, wanted) in [(RIGHT, true), (WRONG, false)] {
                let done = done(&learners.sessions[which]);
                assert_eq!(done.right, question.map(|_| wanted), "{id}, page {}: {done:?}", at + 1);
                assert!(!done.why.contains("not known"), "{id}, page {}: {done:?}", at + 1);
            }
            learners.write_and_read(WRONG);
        }
        learners.both(&Input::Next);
    }
    let page = learners.sessions[RIGHT].page().expect("a last page");
    if let Content::Summary(_) = &page.content {
        assert!(page.texts().iter().all(|text| !text.contains("not known")), "{id}: {page:?}");
        assert!(learners.sessions[RIGHT].walk.as_ref().is_some_and(Walk::is_finished));
        // It can be left backwards, too.
        learners.both(&Input::Back);
    }
    learners.stand_at(manifest.walk.len() - 1, Stage::Revealed);
}

/// A page of a class, and what it shows once nothing moves.
fn led(page: &mut WalkPage, place: Place) -> Drawn {
    let mut drawn = page.obey(Asked::Follow(place)).expect("it goes there");
    while drawn.running {
        drawn = page.obey(Asked::Faster).expect("it goes on");
    }
    drawn
}

/// A class takes a walk together. A learner who comes late sees what the others see.
fn class(id: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = CATALOGUE.find(id).expect("it is in the catalogue");
    let open = || {
        let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
        let case = Case::new(&CATALOGUE, plan.clone()).expect("the incident is known");
        let to_open = WalkToOpen { plan, seed: ORDER_SEED, inputs: Vec::new(), recording: None };
        WalkPage::open(case, to_open, || HEAP.allocated() as u64).expect("it has a walk")
    };
    let place = |at: usize, revealed: bool| Place {
        at: Some(at),
        limit: Some(at),
        votes: !revealed,
        revealed,
        leads: false,
        answer: None,
    };
    let pages = entry.manifest.pages();
    let progress = |page: usize| format!("page {page} of {pages}");
    let mut early = open();
    for at in 1..pages {
        let asked = led(&mut early, place(at, false));
        assert_eq!(asked.progress, progress(at), "{id}");
        for input in [WalkInput::Next, WalkInput::Back, WalkInput::Skip] {
            let held = early.obey(Asked::Input(input)).expect("it is refused");
            assert_eq!((&held.progress, &held.page), (&asked.progress, &asked.page), "{id}");
        }
        assert_eq!(led(&mut early, place(at, true)).progress, progress(at), "{id}");
    }
    let mut late = open();
    let shown = led(&mut late, place(pages - 1, true));
    let there = led(&mut early, place(pages - 1, true));
    assert_eq!(figures(&shown.lanes), figures(&there.lanes), "{id}");
    assert_eq!(shown.page, there.page, "{id}");
    assert_eq!(led(&mut late, place(pages, false)).progress, progress(pages), "{id}");
    assert_eq!(led(&mut late, place(1, false)).progress, progress(1), "{id}");
    // Free up to a page: no further.
    let up_to = |limit| Place {
        at: None,
        limit,
        votes: false,
        revealed: false,
        leads: false,
        answer: None,
    };
    led(&mut late, up_to(Some(2)));
    for _ in 0..10 {
        late.obey(Asked::Input(WalkInput::Next)).expect("it goes on or not");
        led(&mut late, up_to(Some(2)));
    }
    assert_eq!(led(&mut late, up_to(Some(2))).progress, progress(2), "{id}");
}

/// The lanes without what the heap of this process, which other tests share, has to do with.
fn figures(lanes: &str) -> Vec<&str> {
    let tags = lanes
        .split(['<', '>'])
        .filter(|part| part.ends_with("/s") || part.contains("simulated time"));
    tags.collect()
}

/// Steps with and without questions, instances, crashes, and code.
#[test]
fn a_class_leads_its_learners_through_a_walk() {
    for id in
        ["unbuffered-log-channel", "canary-too-small", "missing-recover", "pool-leak", "silent-log"]
    {
        class(id);
    }
}

macro_rules! walks {
    ($($name:ident)*) => {
        $(#[test] fn $name() { walk(&stringify!($name).replace('_', "-")); })*

        #[test]
        fn no_walk_is_left_out() {
            let taken: Vec<String> = vec![$(stringify!($name).replace('_', "-")),*];
            let walked = CATALOGUE.entries.iter().filter(|entry| !entry.manifest.walk.is_empty());
            let walked: Vec<String> = walked.map(|entry| entry.manifest.id.clone()).collect();
            assert_eq!(taken, walked);
        }
    };
}

walks! {
    unbuffered_log_channel
    canary_too_small
    missing_recover
    middleware_order
    pool_leak
    retry_storm
    unbounded_queue
    no_priority
    fixed_timeout
    hot_resource
    noisy_neighbour
    no_circuit_breaker
    cache_avalanche
    autoscale_on_cpu
    perfect_storm
    metric_cardinality
    context_key_clash
    one_switch
    open_by_default
    silent_log
    chaos_left_on
    expired_certificate
    version_skew
}

/// Before the run has come to where it is held, there is nothing to answer from.
#[test]
fn an_early_answer_is_asked_to_wait() {
    let entry = CATALOGUE.find("unbuffered-log-channel").expect("it is in the catalogue");
    let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
    let case = Case::new(&CATALOGUE, plan).expect("the incident is known");
    let (mut session, _) = Session::walk(case, 1.0, ORDER_SEED);
    assert_eq!(session.apply(Input::Answer(Answer::Number(5.0))), []);
    let page = session.page().expect("a page");
    assert!(page.note.as_ref().is_some_and(|note| note.contains("still starting")), "{page:?}");
    let step = page.step().expect("a step");
    assert!(step.is_starting && step.result.is_none());
    let held = Event { at_ms: 2800, lane: None, what: EventKind::Held };
    session.apply(Input::Event(RunId::Main, held));
    let page = session.page().expect("a page");
    assert!(page.note.is_none() && page.step().is_some_and(|step| !step.is_starting));
}

/// The same question has another answer at another load.
#[test]
fn the_answer_follows_the_parameters() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = CATALOGUE.find("unbuffered-log-channel").expect("it is in the catalogue");
    let mut plan = Plan { clock: Clock::Virtual, rate_per_s: 300.0, ..Plan::new(&entry.manifest) };
    plan.params.insert("log_write_ms".to_owned(), 50.0);
    let mut learners = Learners::begin(&plan);
    let mut theories = Vec::new();
    for step in &entry.manifest.walk[..6] {
        if step.asks.is_some() {
            learners.both(&Input::Skip);
            let figures = done(&learners.sessions[RIGHT]).figures.iter();
            theories.extend(figures.filter(|(name, _)| name == "theory").cloned());
        } else if step.until.is_some() {
            learners.both(&Input::Next);
        }
        learners.both(&Input::Next);
    }
    // 300 arrivals a second less 1000 / 50 lines that are written.
    assert!(theories.iter().any(|(_, theory)| theory.contains("= 280")), "{theories:?}");
}

/// The phases after the release come again by a command: the database of the retry storm fails a second time.
#[test]
fn phases_are_repeated_on_command() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = CATALOGUE.find("retry-storm").expect("it is in the catalogue");
    let plan = Plan {
        clock: Clock::Virtual,
        variants: vec!["fixed".to_owned()],
        duration_ms: Some(24_000),
        ..Plan::new(&entry.manifest)
    };
    let case = Case::new(&CATALOGUE, plan).expect("the incident is known");
    let controls = vec![(15_000, Control::RepeatPhases)];
    let pacing = Pacing { controls, hold_ms: Some(24_000), ..Pacing::default() };
    let mut run = LocalRun::start(case, &pacing, || HEAP.allocated() as u64).expect("it starts");
    let events = run.advance().expect("it goes on");
    let failing_s = events.iter().filter_map(|event| match &event.what {
        EventKind::Param { name, value }
            if name == "store_error_percent" && *value > 0.0 && event.at_ms > 0 =>
        {
            Some(event.at_ms / 1000)
        }
        _ => None,
    });
    let failing_s: Vec<u64> = failing_s.collect();
    assert_eq!(failing_s.len(), 2, "{failing_s:?}");
    assert_eq!(failing_s[1], 15);
}
