//! The guided walk, played to its end by keys, with right answers and with wrong ones: its figures are those
//! of the run.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::{Control, Run, Spec, Speed};
use firedrill::tui::model::{Model, Screen};
use firedrill::tui::update::{Command, Msg, RunId, take_walk, update};
use firedrill::tui::view;
use firedrill::tui::walk::{Done, Stage, Walk};
use firedrill_core::event::Clock;
use firedrill_core::incident::walk::Kind;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{alone, catalogue, spec};

/// Whoever takes the walk: the model, and the run that it asks for.
struct Learner {
    model: Model,
    run: Option<Run>,
}

impl Learner {
    async fn begins(mut spec: Spec) -> Self {
        spec.clock = Clock::Virtual;
        let mut model = Model::new(catalogue(), (120, 36));
        let command = take_walk(&mut model, spec);
        let mut learner = Self { model, run: None };
        learner.carry_out(command).await;
        learner.settle().await;
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
                    *times *= 10.0;
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
            let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
            let waits = self.stage() == Stage::Runs || lab.main.head.now_s < 2.5;
            let patience = Duration::from_millis(if waits { 60_000 } else { 200 });
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

    fn walk(&self) -> &Walk {
        let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
        lab.walk.as_ref().expect("a walk")
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
        let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
        let step = firedrill::tui::walk::step(lab, self.walk()).expect("a step");
        let (_, text) = firedrill::tui::walk::listing(lab, step).expect("it is about code");
        text.lines().nth(self.walk().cursor).expect("a line").to_owned()
    }

    /// The question of the step, if it asks one.
    fn asked(&self) -> Option<Kind> {
        let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
        let step = firedrill::tui::walk::step(lab, self.walk()).expect("a step");
        firedrill::tui::walk::question(lab, step).map(|question| question.kind.clone())
    }
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

/// Goes through all steps of a walk. Returns what became of each.
async fn goes_through(spec: Spec, rightly: bool) -> Vec<Done> {
    let mut learner = Learner::begins(spec).await;
    let steps = learner.walk().done.len();
    let mut all = Vec::new();
    for at in 0..steps {
        assert_eq!(learner.walk().at, at);
        match learner.asked() {
            None => {}
            Some(Kind::Choice(choices)) => {
                let right = choices.iter().position(|choice| choice.right).expect("there is one");
                let chosen = if rightly { right } else { (right + 1) % choices.len() };
                learner.types(&(chosen + 1).to_string()).await;
            }
            Some(Kind::Number { .. }) => {
                // Enter without a number is refused with a word.
                learner.presses(KeyCode::Enter).await;
                assert_eq!(learner.stage(), Stage::Told);
                assert!(learner.sees((120, 36)).contains("type a number first"));
                let guess =
                    if rightly { ["0.2", "190", "29", "5.3"] } else { ["900", "1", "2", "90"] };
                let number = all.iter().filter(|done: &&Done| figure_of_number(done)).count();
                learner.types(guess[number]).await;
            }
            Some(Kind::Line { .. }) => {
                for _ in 0..if rightly { 100 } else { 0 } {
                    let at_answer = ["sender.send(line)", "try_send(line)"];
                    let line = learner.line_under_cursor();
                    assert!(!line.trim_start().starts_with("//"), "comments tell: {line}");
                    if at_answer.iter().any(|code| line.contains(code)) {
                        break;
                    }
                    learner.presses(KeyCode::Down).await;
                }
            }
        }
        for size in [(80, 24), (120, 36), (200, 50)] {
            learner.sees(size);
        }
        let had_something_to_do = learner.stage() == Stage::Told;
        learner.presses(KeyCode::Enter).await;
        if had_something_to_do && at + 1 < steps && learner.walk().at == at {
            assert_eq!(learner.stage(), Stage::Shown, "step {at}");
            all.push(learner.done().clone());
            learner.presses(KeyCode::Enter).await;
        } else {
            all.push(learner.walk().done[at].clone().expect("it was told"));
        }
    }
    all
}

fn figure_of_number(done: &Done) -> bool {
    done.figures.iter().any(|(name, _)| name == "theory")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_of_the_log_channel_right_and_wrong() {
    let _alone = alone().await;
    let walk = || spec("unbuffered-log-channel", &["broken", "fixed"]);
    let right = goes_through(walk(), true).await;
    let marks: Vec<Option<bool>> = right.iter().map(|done| done.right).collect();
    let answered = marks.iter().flatten().count();
    assert_eq!((answered, marks.iter().flatten().all(|right| *right)), (11, true), "{right:#?}");
    assert!((amount(&right[4], "measured") / 190.0 - 1.0).abs() < 0.02, "{:?}", right[4]);
    assert!((amount(&right[7], "measured") - 5.3).abs() < 0.3, "{:?}", right[7]);
    for done in &right {
        assert!(!done.why.contains("not known"), "{done:?}");
    }
    let wrong = goes_through(walk(), false).await;
    assert!(wrong.iter().filter_map(|done| done.right).all(|right| !right), "{wrong:#?}");
    for done in &wrong {
        assert!(!done.why.contains("not known"), "{done:?}");
    }
    // The run is the same, whatever the learner says.
    assert_eq!(figure(&wrong[5], "measured"), figure(&right[5], "measured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_load_the_same_question_has_another_answer() {
    let _alone = alone().await;
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
        assert!((8..=14).contains(&manifest.walk.len()), "{}: steps", manifest.id);
        let asked: Vec<&String> =
            manifest.walk.iter().filter_map(|step| step.asks.as_ref()).collect();
        assert_eq!(asked.len(), manifest.questions.len(), "{}: each is asked once", manifest.id);
        for question in &manifest.questions {
            assert!((1..=3).contains(&question.hints.len()), "{}: hints", question.id);
        }
    }
}
