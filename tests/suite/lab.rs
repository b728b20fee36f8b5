//! The real program in a pseudo-terminal, as a person uses it.

use nix::sys::signal::{Signal, kill};
use portable_pty::CommandBuilder;

use firedrill_core::catalogue::CatalogueEntry;
use firedrill_core::incident::walk::AnswerKind;
use firedrill_core::session::walk::run_begins;

use crate::common::{catalogue, firedrill};
use crate::person::{KEPT, Person, size};

/// Answers all questions of a walk, by keys.
fn answers(person: &mut Person, entry: &CatalogueEntry) {
    let manifest = &entry.manifest;
    let pages = manifest.pages();
    for (at, step) in manifest.walk.iter().enumerate() {
        let page = at + 1;
        person.sees(&format!(" {page} of {pages} ·"));
        person.is_still(60);
        person.waits("the servers run", |text| !text.contains("the servers are starting"));
        let asked =
            step.asks.as_ref().and_then(|id| manifest.questions.iter().find(|q| q.id == *id));
        let kind = asked.map(|question| &question.kind);
        match kind {
            None => {}
            Some(AnswerKind::Choice(_)) => person.types("2"),
            Some(AnswerKind::Number { .. }) => {
                person.types("987654");
                person.sees("> 987654");
            }
            Some(AnswerKind::Line { .. }) => person.types("jjk"),
        }
        if !person.text().contains("enter: next") && page < pages {
            person.types("\r");
            person.waits("what it has shown", |text| text.contains("enter: next"));
        }
        if kind.is_some() {
            person.waits("its mark", |text| text.contains('✖') || text.contains('✔'));
        }
        let text = person.text();
        assert!(!text.contains("not known"), "{text}");
        person.types("\r");
    }
    person.sees("What to take home");
}

/// All walks are taken without a terminal, by the incidents' own tests. These have runs of one and of several
/// instances, and one that crashes.
#[tokio::test]
async fn three_walks_in_a_terminal() {
    for id in ["unbuffered-log-channel", "canary-too-small", "missing-recover"] {
        let mut person = Person::opens(&["walk", id, "--faster", "100"]);
        answers(&mut person, catalogue().find(id).expect("it is known"));
        assert_eq!(person.quits(), 0);
    }
}

#[tokio::test]
async fn a_walk_that_was_left_is_taken_up_where_its_run_begins() {
    let state = tempfile::Builder::new().prefix(KEPT).tempdir().expect("writable");
    let walk = ["walk", "unbuffered-log-channel", "--faster", "100"];
    let mut person = Person::remembers(state.path(), &walk);
    let entry = catalogue().find("unbuffered-log-channel").expect("it is known");
    let later = entry.manifest.walk.iter().skip(1).position(|step| !step.lanes.is_empty());
    let later = later.expect("a partial fix has a run of its own") + 1;
    let pages = entry.manifest.pages();
    let begins = |page: usize| run_begins(&entry.manifest, page - 1) + 1;
    for page in 1..=later + 1 {
        person.sees(&format!(" {page} of {pages} ·"));
        person.is_still(150);
        person.waits("the servers run", |text| !text.contains("the servers are starting"));
        if !person.text().contains("enter: next") {
            let asks = person.text().contains("enter commits");
            person.types(if asks { "s" } else { "\r" });
            person.waits("what it has shown", |text| text.contains("enter: next"));
        }
        person.types("\r");
    }
    person.sees(&format!(" {} of {pages} ·", later + 2));
    assert_eq!(person.quits(), 0);
    let mut person = Person::remembers(state.path(), &walk);
    let again = begins(later + 2);
    person.sees(&format!("of page {again} starts again"));
    person.types("\r");
    person.sees(&format!(" {again} of {pages} ·"));
    // What was before has not been shown this time: going back begins its run.
    person.is_still(150);
    person.types("\x1b[D");
    person.sees(&format!(" {} of {pages} ·", begins(again - 1)));
    assert_eq!(person.quits(), 0);
}

/// Two terminals write the same file: neither takes the other's progress back.
#[tokio::test]
async fn two_terminals_keep_each_others_progress() {
    let state = tempfile::Builder::new().prefix(KEPT).tempdir().expect("writable");
    let walk = |id| Person::remembers(state.path(), &["walk", id, "--faster", "100"]);
    let (mut one, mut two) = (walk("pool-leak"), walk("retry-storm"));
    let turns_a_page = |person: &mut Person, page: usize| {
        person.sees(&format!(" {page} of 11 ·"));
        person.waits("its question", |text| text.contains("enter commits"));
        person.types("s");
        person.waits("its answer", |text| text.contains("enter: next"));
        person.types("\r");
        person.sees(&format!(" {} of 11 ·", page + 1));
    };
    turns_a_page(&mut one, 1);
    turns_a_page(&mut two, 1);
    assert_eq!((two.quits(), one.quits()), (0, 0));
    let mut progress = firedrill(&["progress", "--json"]);
    let output = progress.env("XDG_STATE_HOME", state.path()).output().expect("it runs");
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for id in ["pool-leak", "retry-storm"] {
        let of = all.as_array().into_iter().flatten().find(|of| of["id"] == id).expect("listed");
        assert_eq!(of["walk"]["pages"], 2, "{of}");
    }
}

/// Takes a walk to its last page, with some answer to each question.
fn takes_the_walk(person: &mut Person, pages: usize) {
    for page in 1..pages {
        person.sees(&format!(" {page} of {pages} ·"));
        person.is_still(60);
        person.waits("the servers run", |text| !text.contains("the servers are starting"));
        if person.text().contains("  > ") {
            person.types("5");
            person.sees("  > 5");
        } else {
            // The first option of a choice; nothing elsewhere.
            person.types("1");
        }
        if !person.text().contains("enter: next") {
            person.types("\r");
            person.waits("what it has shown", |text| text.contains("enter: next"));
        }
        person.types("\r");
    }
    person.sees("What to take home");
}

#[tokio::test]
async fn a_walk_is_taken_to_its_end_and_remembered() {
    let state = tempfile::Builder::new().prefix(KEPT).tempdir().expect("writable");
    let mut person = Person::remembers(state.path(), &[]);
    person.sees("Every chart is calm");
    assert!(!person.text().contains("Middleware order"), "the title tells:\n{}", person.text());
    person.types("jjj\r");
    let entry = crate::common::catalogue().find("middleware-order").expect("it is known");
    takes_the_walk(&mut person, entry.manifest.pages());
    person.sees("did not fix it");
    person.types("\x1b");
    // The title is shown once the walk is finished.
    person.sees("Middleware order");
    person.sees("finished");
    assert_eq!(person.quits(), 0);
    let file = state.path().join("firedrill/progress.json");
    let text = std::fs::read_to_string(file).expect("it is remembered");
    assert!(text.contains("\"finished\": true"), "{text}");
    let mut person = Person::remembers(state.path(), &[]);
    person.sees("finished");
    assert_eq!(person.quits(), 0);
}

#[tokio::test]
async fn picks_an_incident_watches_the_bug_switches_it_off_and_leaves() {
    let mut person = Person::opens(&[]);
    person.sees("choose an incident");
    assert!(person.screen.screen().alternate_screen());
    person.types("l");
    person.sees("the release goes out");
    person.sees("[x] bug on");
    person.sees("wait at broken.rs");
    person.types("c");
    person.sees("code · file 1 of");
    person.types("\x1b");
    person.waits("the code is closed", |text| !text.contains("code · file"));
    person.types(" ");
    person.sees("bug off: unbuffered-log-channel");
    person.waits("both lanes without a bug", |text| text.matches("[ ] no bug on").count() == 2);
    // What leaked is still there.
    assert!(person.text().contains("wait at broken.rs"), "{}", person.text());

    person.terminal.resize(size(24, 80)).expect("a terminal");
    person.screen.screen_mut().set_size(24, 80);
    person.sees("A broken");
    assert_eq!(person.quits(), 0);
    assert!(person.terminal_is_restored());
}

#[tokio::test]
async fn shows_what_comes_rewinds_records_and_plays_the_recording() {
    let folder = tempfile::tempdir().expect("writable");
    let mut person = Person::opens_in(folder.path(), &["lab", "unbuffered-log-channel"]);
    person.sees("wait at broken.rs");
    // The next minute, in seconds: the kill, which the live run has not come to yet.
    person.types("v");
    person.sees("simulated time");
    person.types(">>>>>>>>>>");
    person.sees("▶▶ max");
    person.sees("killed: 16");
    // It is held while its past is looked at, and goes on when that has been played to its end.
    person.types("<<\x1b[D");
    person.sees("simulated time, paused at ");
    let held = person.text().split("paused at ").nth(1).expect("it is held")[..5].to_owned();
    person.types(" >>>>");
    person.waits("it goes on", |text| {
        let now = text.split("▶▶ 120× ").nth(1).and_then(|rest| rest.split(' ').next());
        now.is_some_and(|now| (now.len(), now) > (held.len(), held.as_str()))
    });
    person.types("v");
    person.waits("the live run again", |text| text.contains("· live") && !text.contains("killed"));
    person.types("\x1b[D");
    person.sees("looking back");
    person.types("f");
    person.sees("· live");
    person.types("S");
    person.sees("recording to unbuffered-log-channel-1.jsonl");
    person.sees("● REC");
    assert_eq!(person.quits(), 0);
    assert!(person.terminal_is_restored());

    let mut person = Person::opens_in(folder.path(), &["view", "unbuffered-log-channel-1.jsonl"]);
    person.sees("recording, live");
    person.sees("▶ 1× 00:01");
    assert!(!person.text().contains("some lines are unreadable"), "{}", person.text());
    person.types("n");
    person.sees("❚❚ PAUSED 00:03");
    person.types("g0:04\r");
    person.sees("❚❚ PAUSED 00:04");
    person.sees("wait at broken.rs");
    assert_eq!(person.quits(), 0);
    assert!(person.terminal_is_restored());
}

#[tokio::test]
async fn a_recording_that_is_lost_does_not_end_the_lab_and_shows_in_its_exit_status() {
    let mut person = Person::opens(&["lab", "middleware-order", "--record", "/dev/full"]);
    person.sees("the recording /dev/full is lost");
    person.sees("the release goes out");
    assert_eq!(person.quits(), 2);
    assert!(person.text().contains("/dev/full is lost"), "{}", person.text());
}

#[tokio::test]
async fn a_signal_restores_the_terminal() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let mut person = Person::opens(&["lab", "middleware-order"]);
        person.sees("the release goes out");
        kill(person.pid(), signal).expect("our child");
        assert_eq!(person.leaves(), code);
        assert!(person.terminal_is_restored());
    }
}

/// Set for the process that shall panic with the screen open.
const SHALL_PANIC: &str = "FIREDRILL_TEST_SHALL_PANIC";

/// Run by the test below in a process of its own; by itself it has nothing to do.
#[test]
fn the_screen_panics_where_it_is_asked_to() {
    if std::env::var_os(SHALL_PANIC).is_some() {
        let _screen = firedrill::tui::terminal::Screen::enter().expect("a terminal");
        let beside = std::thread::spawn(|| panic!("beside the screen"));
        assert!(beside.join().is_err());
        assert_eq!(firedrill::tui::terminal::panics().len(), 1);
        panic!("while the screen is open");
    }
}

#[test]
fn a_panic_restores_the_terminal_before_it_is_told() {
    let myself = std::env::current_exe().expect("this test has a path");
    let mut command = CommandBuilder::new(myself);
    command.args(["lab::the_screen_panics_where_it_is_asked_to", "--exact", "--nocapture"]);
    command.env(SHALL_PANIC, "yes");
    command.env("RUST_BACKTRACE", "0");
    let mut person = Person::watches(command);
    assert_ne!(person.leaves(), 0);
    assert!(person.terminal_is_restored());
    let text = person.text();
    assert!(text.contains("while the screen is open"), "{text}");
    assert!(!text.contains("beside the screen"), "{text}");
}
