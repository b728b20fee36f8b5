//! The guided walk, played to its end by keys, with right answers and with wrong ones: its figures are those
//! of the run.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::{Control, Run, Spec, Speed};
use firedrill::tui::model::{Lab, Model, Screen};
use firedrill::tui::update::{Command, Msg, RunId, take_walk, update};
use firedrill::tui::view;
use firedrill::tui::walk::{Done, Stage, Walk, listing, question, step, values};
use firedrill_core::event::Clock;
use firedrill_core::incident::formula::{Formula, Values};
use firedrill_core::incident::marks::marks;
use firedrill_core::incident::show::Text;
use firedrill_core::incident::walk::{Kind, Pointed};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{catalogue, spec};
use crate::turns::computing;

/// Whoever takes the walk: the model, and the run that it asks for.
struct Learner {
    model: Model,
    run: Option<Run>,
}

impl Learner {
    async fn begins(spec: Spec) -> Self {
        let mut learner = Self::begins_at_once(spec).await;
        learner.settle().await;
        learner
    }

    /// Without a look at the run.
    async fn begins_at_once(mut spec: Spec) -> Self {
        spec.clock = Clock::Virtual;
        let mut model = Model::new(catalogue(), (120, 36));
        let command = take_walk(&mut model, spec, 1.0);
        let mut learner = Self { model, run: None };
        learner.carry_out(command).await;
        learner
    }

    async fn carry_out(&mut self, command: Option<Command>) {
        match command {
            None => {}
            Some(Command::Start(RunId::Main, mut spec)) => {
                spec.program = crate::common::program();
                self.run = Some(Run::start(*spec).expect("it starts"));
            }
            Some(Command::Tell(RunId::Main, mut control)) => {
                // Nobody is there to read meanwhile.
                if let Control::SetSpeed(Speed::Times(times)) = &mut control {
                    *times *= 20.0;
                }
                let run = self.run.as_ref().expect("there is a run");
                run.control.send(control).await.expect("it listens");
            }
            Some(Command::Both(both)) => {
                for command in *both {
                    Box::pin(self.carry_out(Some(command))).await;
                }
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Takes in what the run says, until it is held and has nothing more to say.
    async fn settle(&mut self) {
        loop {
            // Held, a run is silent; while it goes on it reports ten times a second or more.
            let release_s = self.lab().spec.entry.manifest.release_s();
            let begins = self.lab().main.head.now_s < release_s - 0.3;
            let waits = self.stage() == Stage::Runs || begins;
            let patience = Duration::from_millis(if waits { 60_000 } else { 60 });
            let run = self.run.as_mut().expect("there is a run");
            let Ok(event) = tokio::time::timeout(patience, run.events.recv()).await else {
                assert_ne!(self.stage(), Stage::Runs, "the run says nothing");
                return;
            };
            let event = event.expect("it goes on");
            let command = update(&mut self.model, Msg::Run(RunId::Main, event));
            self.carry_out(command).await;
        }
    }

    fn lab(&self) -> &Lab {
        let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
        lab
    }

    fn walk(&self) -> &Walk {
        self.lab().walk.as_ref().expect("a walk")
    }

    /// What the step's text says, all of its figures known.
    fn tells(&self) {
        let step = step(self.lab(), self.walk()).expect("a step");
        let values = self.values();
        let title = &step.title;
        println!("-- {}. {title}: {}", self.walk().at + 1, filled(&step.says, &values));
        let Some(question) = question(self.lab(), step) else { return };
        println!("   ? {}", filled(&question.prompt, &values));
        for hint in &question.hints {
            println!("   hint: {}", filled(hint, &values));
        }
        if let Kind::Choice(choices) = &question.kind {
            for choice in choices {
                println!("     - {}", filled(&choice.text, &values));
            }
        }
    }

    /// What formulas may use; what it was when the run went on is what it is now.
    fn values(&self) -> Values {
        let step = step(self.lab(), self.walk());
        let mut values = values(self.lab(), self.walk(), step);
        let then = values.clone().into_iter().filter(|(name, _)| !name.ends_with("_then"));
        values.extend(then.map(|(name, value)| (format!("{name}_then"), value)));
        values
    }

    /// What theory says now.
    fn computes(&self, theory: &Formula) -> f64 {
        theory.eval(&self.values()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The line that is asked for, from 0.
    fn line_of(&self, variant: &str, at: Pointed) -> usize {
        let entry = self.lab().spec.entry;
        let file = entry.file(variant);
        let lines = marks(catalogue().source(&file).expect("a source file"));
        let marked = |mark| lines.iter().find(|marked| marked.mark == mark).map(|m| m.line);
        let line = match at {
            Pointed::Waits => {
                self.lab().main.head.lanes[0].culprit().map(|site| site.line as usize)
            }
            Pointed::Marked(mark) => marked(mark),
        };
        line.expect("a line") - 1
    }

    /// Draws the screen in all sizes.
    fn sees_all(&self) {
        for size in SIZES {
            self.sees(size);
        }
    }

    fn stage(&self) -> Stage {
        self.walk().stage
    }

    fn done(&self) -> &Done {
        self.walk().done[self.walk().at].as_ref().expect("it was answered")
    }

    async fn presses(&mut self, code: KeyCode) {
        let command = update(&mut self.model, Msg::Key(KeyEvent::from(code)));
        let starts = matches!(command, Some(Command::Start(..)));
        self.carry_out(command).await;
        if starts || self.stage() == Stage::Runs {
            self.settle().await;
        }
    }

    async fn types(&mut self, text: &str) {
        for c in text.chars() {
            self.presses(KeyCode::Char(c)).await;
        }
    }

    /// What is on the screen of this size.
    fn sees(&self, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
        terminal.draw(|frame| view::draw(frame, &self.model)).expect("a buffer");
        terminal.backend().to_string()
    }

    /// The line of code under the cursor.
    fn line_under_cursor(&self) -> String {
        let step = step(self.lab(), self.walk()).expect("a step");
        let (_, text) = listing(self.lab(), step).expect("it is about code");
        text.lines().nth(self.walk().cursor).expect("a line").to_owned()
    }

    /// The question of the step, if it asks one.
    fn asked(&self) -> Option<Kind> {
        let step = step(self.lab(), self.walk())?;
        question(self.lab(), step).map(|question| question.kind.clone())
    }
}

fn filled(text: &Text, values: &Values) -> String {
    text.fill(values).unwrap_or_else(|error| panic!("{error}"))
}

fn figure<'a>(done: &'a Done, name: &str) -> &'a str {
    let found = done.figures.iter().find(|(known, _)| known == name);
    found.map_or_else(|| panic!("no {name}: {done:?}"), |(_, value)| value.as_str())
}

/// The number at the beginning of a figure.
fn amount(done: &Done, name: &str) -> f64 {
    let text = figure(done, name);
    let text = text.rsplit("= ").next().unwrap_or(text);
    let digits: String =
        text.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    digits.replace(',', "").parse().unwrap_or_else(|_| panic!("no number in {text}"))
}

/// How a learner answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answers {
    Rightly,
    Wrongly,
}

/// Goes through all pages of a walk. Returns what became of each.
async fn goes_through(spec: Spec, answers: Answers) -> Vec<Done> {
    let mut learner = Learner::begins(spec).await;
    let id = learner.lab().spec.entry.manifest.id.clone();
    let (pages, steps) = (learner.walk().done.len(), learner.lab().spec.entry.manifest.walk.len());
    let mut all = Vec::new();
    for at in 0..steps {
        assert_eq!(learner.walk().at, at, "{id}");
        learner.tells();
        let asked = learner.asked();
        match &asked {
            None => {}
            Some(Kind::Choice(choices)) => {
                let right = choices.iter().position(|choice| choice.right).expect("there is one");
                let wrong = (right + 1 + at) % choices.len();
                let wrong = if wrong == right { (right + 1) % choices.len() } else { wrong };
                let chosen = if answers == Answers::Rightly { right } else { wrong };
                // By arrows or by its number.
                if answers == Answers::Rightly {
                    for _ in 0..chosen {
                        learner.presses(KeyCode::Down).await;
                    }
                    assert_eq!(learner.walk().cursor, chosen, "{id}, step {at}");
                } else {
                    learner.types(&(chosen + 1).to_string()).await;
                }
            }
            Some(Kind::Number { theory, .. }) => {
                // Enter without a number is refused with a word.
                learner.presses(KeyCode::Enter).await;
                assert_eq!(learner.stage(), Stage::Told);
                assert!(learner.sees((120, 36)).contains("type a number first"));
                let guess = match answers {
                    Answers::Rightly => learner.computes(theory),
                    Answers::Wrongly => 987_654.0,
                };
                learner.types(&format!("{guess:.2}")).await;
            }
            Some(Kind::Line { of, at: line, .. }) => {
                let wanted = learner.line_of(of, *line);
                for _ in 0..if answers == Answers::Rightly { 100 } else { 0 } {
                    let line = learner.line_under_cursor();
                    assert!(!line.trim_start().starts_with("//"), "comments tell: {line}");
                    if learner.walk().cursor == wanted {
                        break;
                    }
                    learner.presses(KeyCode::Down).await;
                }
            }
        }
        learner.sees_all();
        let had_something_to_do = learner.stage() == Stage::Told;
        learner.presses(KeyCode::Enter).await;
        if had_something_to_do && learner.walk().at == at {
            assert_eq!(learner.stage(), Stage::Shown, "{id}, step {at}");
            let done = learner.done().clone();
            println!("   {:?} {:?} {:?}", done.said, done.right, done.figures);
            println!("   {}", done.why);
            assert!(learner.walk().note.is_none(), "{id}, step {at}: {:?}", learner.walk().note);
            if asked.is_some() {
                let right = done.right == Some(answers == Answers::Rightly);
                assert!(right, "{id}, step {at}: {done:?}");
            }
            assert!(!done.why.contains("not known"), "{id}, step {at}: {done:?}");
            all.push(done);
            learner.sees_all();
            learner.presses(KeyCode::Enter).await;
        } else {
            all.push(learner.walk().done[at].clone().expect("it was told"));
        }
    }
    assert_eq!(learner.walk().at, pages - 1);
    for size in SIZES {
        assert!(!learner.sees(size).contains("not known"), "{id}: {}", learner.sees(size));
    }
    // It can be left backwards, too.
    learner.presses(KeyCode::Backspace).await;
    assert_eq!((learner.walk().at, learner.stage()), (steps - 1, Stage::Shown));
    all
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 50)];

/// The ids of all incidents that have a walk.
fn walked() -> impl Iterator<Item = &'static str> {
    let entries = catalogue().entries.iter().filter(|entry| !entry.manifest.walk.is_empty());
    entries.map(|entry| entry.manifest.id.as_str())
}

/// Wrong answers are given in a terminal, by another test.
#[tokio::test(flavor = "multi_thread")]
async fn every_walk_answered_rightly() {
    let _turn = computing();
    let only = std::env::var("FIREDRILL_WALK").ok();
    for id in walked().filter(|id| only.as_ref().is_none_or(|only| only == id)) {
        println!("== {id}");
        goes_through(spec(id, &["broken", "fixed"]), Answers::Rightly).await;
    }
}

/// Before the servers have come to where they are held, there is nothing to compare an answer with.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_before_the_servers_run_is_asked_to_wait() {
    let _turn = computing();
    let mut learner =
        Learner::begins_at_once(spec("unbuffered-log-channel", &["broken", "fixed"])).await;
    learner.types("5").await;
    learner.presses(KeyCode::Enter).await;
    assert!(learner.stage() == Stage::Told && learner.walk().done[0].is_none());
    let screen = learner.sees((80, 24));
    assert!(screen.contains("still starting") && screen.contains("the servers start"), "{screen}");
    learner.settle().await;
    let screen = learner.sees((80, 24));
    assert!(!screen.contains("still starting") && screen.contains("enter commits"), "{screen}");
    learner.presses(KeyCode::Enter).await;
    assert!(learner.done().right == Some(false), "{:?}", learner.done());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_is_the_same_whatever_the_learner_says() {
    let _turn = computing();
    let walk = || spec("unbuffered-log-channel", &["broken", "fixed"]);
    let right = goes_through(walk(), Answers::Rightly).await;
    let wrong = goes_through(walk(), Answers::Wrongly).await;
    assert!((amount(&right[4], "measured") / 190.0 - 1.0).abs() < 0.02, "{:?}", right[4]);
    assert!((amount(&right[7], "measured") - 5.3).abs() < 0.3, "{:?}", right[7]);
    assert_eq!(figure(&wrong[5], "measured"), figure(&right[5], "measured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_load_the_same_question_has_another_answer() {
    let _turn = computing();
    let mut spec = spec("unbuffered-log-channel", &["broken", "fixed"]);
    spec.rate_per_s = 300.0;
    spec.params.insert("log_write_ms".to_owned(), 50.0);
    let mut learner = Learner::begins(spec).await;
    for key in [KeyCode::Char('s'), KeyCode::Enter, KeyCode::Enter, KeyCode::Enter] {
        learner.presses(key).await;
    }
    // What they do, and where they wait.
    for key in [KeyCode::Char('s'), KeyCode::Enter, KeyCode::Char('s'), KeyCode::Enter] {
        learner.presses(key).await;
    }
    for key in [KeyCode::Char('h'), KeyCode::Char('h')] {
        learner.presses(key).await;
    }
    assert!(learner.sees((120, 36)).contains("The writer takes 50 ms for a line"));
    learner.types("280").await;
    learner.presses(KeyCode::Enter).await;
    let done = learner.done();
    assert!(done.right == Some(true) && (amount(done, "theory") - 280.0).abs() < 0.1, "{done:?}");
    assert!((amount(done, "measured") / 280.0 - 1.0).abs() < 0.05, "{done:?}");
    // Back to a step that was skipped: its answer is there.
    learner.presses(KeyCode::Backspace).await;
    learner.presses(KeyCode::Backspace).await;
    assert!(learner.stage() == Stage::Shown && learner.done().right.is_none());
    assert!(learner.sees((120, 36)).contains("they wait for something"));
}

#[test]
fn what_is_asked_is_not_on_the_screen_yet() {
    let catalogue = catalogue();
    for entry in catalogue.entries.iter().filter(|entry| !entry.manifest.walk.is_empty()) {
        let manifest = &entry.manifest;
        let pages = manifest.walk.len() + usize::from(manifest.debrief.is_some());
        assert!((8..=14).contains(&pages), "{}: {pages} pages", manifest.id);
        let asked: Vec<&String> =
            manifest.walk.iter().filter_map(|step| step.asks.as_ref()).collect();
        assert_eq!(asked.len(), manifest.questions.len(), "{}: each is asked once", manifest.id);
        for question in &manifest.questions {
            assert!((1..=3).contains(&question.hints.len()), "{}: hints", question.id);
        }
    }
}
