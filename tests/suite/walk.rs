//! The guided walk by keys: what each of them does, and that every page fits the screen. Its content is tested
//! where the walk is taken without a terminal, by the incidents' own tests.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::{Control, Run, Spec, Speed};
use firedrill::tui::message::{Command, Msg};
use firedrill::tui::model::{Lab, Model, Screen};
use firedrill::tui::update::{take_walk, update};
use firedrill::tui::view;
use firedrill_core::plan::Case;
use firedrill_core::session::Effect;
use firedrill_core::session::track::RunId;
use firedrill_core::session::walk::page::{AnswerForm, Content, Page};
use firedrill_core::session::walk::{Answer, Reply, Stage, Walk};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{catalogue, spec};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 50)];

/// The model, and the run that it asks for.
struct Learner {
    model: Model,
    run: Option<Run>,
}

impl Learner {
    /// Without a look at the run.
    async fn begins_at_once(spec: Spec) -> Self {
        let mut model = Model::new(catalogue(), (120, 36));
        let commands = take_walk(&mut model, spec, 1.0);
        let mut learner = Self { model, run: None };
        learner.carries_out(commands).await;
        learner
    }

    async fn begins(spec: Spec) -> Self {
        let mut learner = Self::begins_at_once(spec).await;
        learner.settles().await;
        learner
    }

    async fn carries_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            let Command::Session(effect) = command else { panic!("{command:?}") };
            match effect {
                Effect::Start { run: RunId::Main, plan, pacing } => {
                    let lab = self.lab();
                    let case = Case { plan, ..lab.session.case.clone() };
                    let spec = Spec::at(lab.venue.clone(), case, pacing);
                    self.run = Some(Run::start(spec).expect("it starts"));
                }
                Effect::Control(RunId::Main, control) => {
                    // Nobody is there to watch meanwhile.
                    let control = match control {
                        Control::SetSpeed(_) => Control::SetSpeed(Speed::Max),
                        control => control,
                    };
                    let run = self.run.as_ref().expect("there is a run");
                    run.control.send(control).await.expect("it listens");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes in the events of the run until it is held.
    async fn settles(&mut self) {
        while self.walk().is_starting() || self.walk().stage == Stage::Running {
            let run = self.run.as_mut().expect("there is a run");
            let event = tokio::time::timeout(Duration::from_mins(1), run.events.recv()).await;
            let event = event.expect("the run reports").expect("it goes on");
            let commands = update(&mut self.model, Msg::Run(RunId::Main, event));
            self.carries_out(commands).await;
        }
    }

    async fn presses(&mut self, code: KeyCode) {
        let commands = update(&mut self.model, Msg::Key(KeyEvent::from(code)));
        self.carries_out(commands).await;
    }

    async fn types(&mut self, text: &str) {
        for c in text.chars() {
            self.presses(KeyCode::Char(c)).await;
        }
    }

    fn lab(&self) -> &Lab {
        let Screen::Lab(lab) = &self.model.screen else { panic!("no lab") };
        lab
    }

    fn walk(&self) -> &Walk {
        self.lab().session.walk.as_ref().expect("a walk")
    }

    fn page(&self) -> Page {
        self.lab().session.page().expect("a page")
    }

    /// The form of the answer that is awaited.
    fn awaits(&self) -> Option<AnswerForm> {
        let page = self.page();
        let question = page.step().and_then(|step| step.question.clone())?;
        (self.walk().stage == Stage::Prompt).then_some(question.form)
    }

    fn reply(&self) -> Reply {
        let walk = self.walk();
        walk.done[walk.at].as_ref().expect("it was answered").reply
    }

    /// The screen of this size.
    fn sees(&mut self, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
        let model = &mut self.model;
        terminal.draw(|frame| model.layout = view::draw(frame, model)).expect("a buffer");
        terminal.backend().to_string()
    }

    fn sees_no_gap(&mut self) {
        for size in SIZES {
            let screen = self.sees(size);
            assert!(!screen.contains("not known"), "{screen}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_question_is_answered_by_its_keys() {
    let mut learner = Learner::begins(spec("unbuffered-log-channel", &["broken", "fixed"])).await;
    let (mut numbers, mut choices, mut lines) = (0, 0, 0);
    loop {
        learner.settles().await;
        learner.sees_no_gap();
        match learner.awaits() {
            Some(AnswerForm::Number { .. }) => {
                numbers += 1;
                learner.presses(KeyCode::Enter).await;
                assert!(learner.sees((120, 36)).contains("type a number first"));
                // Letters are not part of a number: the keys of the footer work here, too.
                learner.types("w").await;
                assert!(learner.model.overlay.is_some());
                learner.presses(KeyCode::Esc).await;
                learner.types("12,7").await;
                learner.presses(KeyCode::Backspace).await;
                learner.types("5").await;
                assert!(learner.sees((80, 24)).contains("> 12.5▏"));
                learner.presses(KeyCode::Enter).await;
                assert_eq!(learner.reply(), Reply::Answer(Answer::Number(12.5)));
            }
            Some(AnswerForm::Choice(options)) => {
                choices += 1;
                // No option is selected at first. By arrows, not beyond the last; and by its number.
                learner.presses(KeyCode::Enter).await;
                assert!(learner.sees((120, 36)).contains("select an option first"));
                for _ in 0..9 {
                    learner.presses(KeyCode::Down).await;
                }
                assert_eq!(learner.lab().page.cursor, Some(options.len() - 1));
                learner.presses(KeyCode::Up).await;
                if choices > 1 {
                    learner.types("1").await;
                }
                let chosen = if choices > 1 { 0 } else { options.len() - 2 };
                learner.presses(KeyCode::Enter).await;
                assert_eq!(learner.reply(), Reply::Answer(Answer::Choice(chosen)));
            }
            Some(AnswerForm::Line(listing)) => {
                lines += 1;
                let first = learner.lab().page.cursor.expect("a line");
                assert_eq!(first, listing.first());
                learner.presses(KeyCode::Down).await;
                let next = learner.lab().page.cursor.expect("a line");
                let shown = listing.text.lines().nth(next).expect("a line").trim().to_owned();
                assert!(next > first && !shown.is_empty() && !shown.starts_with("//"), "{shown}");
                learner.presses(KeyCode::PageDown).await;
                assert!(learner.lab().page.cursor > Some(next));
                learner.presses(KeyCode::Enter).await;
            }
            None => {
                if let Content::Summary(_) = learner.page().content {
                    break;
                }
                learner.presses(KeyCode::Enter).await;
            }
        }
    }
    assert!(numbers > 0 && choices > 1 && lines > 0, "{numbers}, {choices}, {lines}");
    // The last page scrolls, to its end and not beyond.
    assert!(learner.sees((80, 24)).contains("more lines"));
    for _ in 0..500 {
        learner.presses(KeyCode::Down).await;
    }
    assert!(learner.sees((80, 24)).contains("back up"));
    let at = learner.walk().at;
    learner.presses(KeyCode::Backspace).await;
    assert_eq!((learner.walk().at, learner.walk().stage), (at - 1, Stage::Revealed));
    assert!(!learner.model.unsaved.walks.is_empty(), "progress is kept");
}

/// Before the servers have come to where they are held, there is nothing to compare an answer with.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_before_the_servers_run_is_asked_to_wait() {
    let mut learner =
        Learner::begins_at_once(spec("unbuffered-log-channel", &["broken", "fixed"])).await;
    learner.types("5").await;
    learner.presses(KeyCode::Enter).await;
    assert!(learner.walk().stage == Stage::Prompt && learner.walk().done[0].is_none());
    let screen = learner.sees((80, 24));
    assert!(
        screen.contains("still starting") && screen.contains("the servers are starting"),
        "{screen}"
    );
    learner.settles().await;
    let screen = learner.sees((80, 24));
    assert!(!screen.contains("still starting") && screen.contains("enter commits"), "{screen}");
    learner.presses(KeyCode::Enter).await;
    assert_ne!(learner.reply(), Reply::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_question_and_its_hints_can_be_looked_back_at() {
    let mut spec = spec("unbuffered-log-channel", &["broken", "fixed"]);
    spec.case.plan.params.insert("log_write_ms".to_owned(), 50.0);
    let mut learner = Learner::begins(spec).await;
    while !matches!(learner.awaits(), Some(AnswerForm::Number { .. })) {
        let key = if learner.awaits().is_some() { KeyCode::Char('s') } else { KeyCode::Enter };
        learner.presses(key).await;
        learner.settles().await;
    }
    for _ in 0..2 {
        learner.presses(KeyCode::Char('h')).await;
    }
    assert!(learner.sees((120, 36)).contains("hint 2 of"), "{}", learner.sees((120, 36)));
    learner.presses(KeyCode::Char('s')).await;
    learner.settles().await;
    assert_eq!(learner.reply(), Reply::Skipped);
    let shown = learner.sees((120, 36));
    learner.presses(KeyCode::Enter).await;
    learner.presses(KeyCode::Backspace).await;
    assert_eq!((learner.walk().stage, learner.reply()), (Stage::Revealed, Reply::Skipped));
    assert_eq!(learner.sees((120, 36)), shown);
}

#[test]
fn a_walk_has_8_to_14_pages_asks_each_question_once_and_has_hints_for_it() {
    for entry in catalogue().entries.iter().filter(|entry| !entry.manifest.walk.is_empty()) {
        let manifest = &entry.manifest;
        let pages = manifest.walk.len() + usize::from(manifest.debrief.is_some());
        assert!((8..=14).contains(&pages), "{}: {pages} pages", manifest.id);
        let asked = manifest.walk.iter().filter(|step| step.asks.is_some()).count();
        assert_eq!(asked, manifest.questions.len(), "{}: each is asked once", manifest.id);
        for question in &manifest.questions {
            assert!((1..=3).contains(&question.hints.len()), "{}: hints", question.id);
        }
    }
}
