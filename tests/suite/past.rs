//! The past of a run: the screen as it was, whichever way one gets there, within bounds.

use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::{Control, Spec, Speed};
use firedrill::tui::message::{Command, Msg};
use firedrill::tui::model::{Lab, Model, Screen};
use firedrill::tui::update::{open, update};
use firedrill::tui::view;
use firedrill_core::event::{Clock, Event, EventKind, Sample};
use firedrill_core::plan::Case;
use firedrill_core::record::Encoder;
use firedrill_core::session::Effect;
use firedrill_core::session::history::Lines;
use firedrill_core::session::run_state::RunState;
use firedrill_core::session::track::{RunId, Source, Track};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{catalogue, only, spec};
use crate::virtual_clock::play;

fn draw(model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).expect("a buffer");
    terminal
        .draw(|frame| {
            view::draw(frame, model);
        })
        .expect("a buffer");
    terminal.backend().to_string()
}

fn press(model: &mut Model, code: KeyCode) -> Option<Command> {
    only(update(model, Msg::Key(KeyEvent::from(code))))
}

fn keys(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        press(model, if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) });
    }
}

fn lab(model: &mut Model) -> &mut Lab {
    match &mut model.screen {
        Screen::Lab(lab) => lab,
        Screen::Catalogue(_) => panic!("the lab is open"),
    }
}

/// Without the first line, which tells the time of the present too, and without the keys.
fn below(screen: &str) -> Vec<String> {
    let lines: Vec<&str> = screen.lines().collect();
    lines[1..lines.len() - 1].iter().map(|line| (*line).to_owned()).collect()
}

async fn recorded() -> (Spec, Vec<Event>) {
    let spec = spec("missing-recover", &["broken", "fixed"]);
    (spec.clone(), play(spec, 45).await)
}

fn opened(spec: &Spec, events: &[Event]) -> Model {
    let mut model = Model::new(catalogue(), (120, 36));
    open(&mut model, spec.clone());
    for event in events {
        update(&mut model, Msg::Run(RunId::Main, event.clone()));
    }
    model
}

#[tokio::test]
async fn the_past_looks_as_the_present_did() {
    let (spec, events) = recorded().await;
    for at_s in [2.0, 9.9, 10.0, 23.4, 44.9] {
        let at_ms = (at_s * 1000.0) as u64;
        let until: Vec<Event> = events.iter().filter(|e| e.at_ms <= at_ms).cloned().collect();
        let then = opened(&spec, &until);
        let mut now = opened(&spec, &events);
        keys(&mut now, &format!("g{at_s}\r"));
        assert_eq!(below(&draw(&now)), below(&draw(&then)), "at {at_s} s");
        // And by another way: from later on back, and from earlier on.
        keys(&mut now, "g40\rg5\r");
        keys(&mut now, &format!("g{at_s}\r"));
        assert_eq!(below(&draw(&now)), below(&draw(&then)), "at {at_s} s, the other way");
    }
}

#[tokio::test]
async fn a_live_lab_can_be_rewound_while_the_run_goes_on() {
    let (spec, events) = recorded().await;
    let (before, after): (Vec<Event>, Vec<Event>) =
        events.into_iter().partition(|event| event.at_ms <= 20_000);
    let mut model = opened(&spec, &before);
    press(&mut model, KeyCode::Left);
    let rewound = draw(&model);
    assert!(rewound.contains("00:15") && rewound.contains("the run is at 00:20"), "{rewound}");
    for event in after {
        update(&mut model, Msg::Run(RunId::Main, event));
    }
    let later = draw(&model);
    assert_eq!(below(&later), below(&rewound), "the past stands still");
    assert!(later.contains("the run is at 00:45"), "{later}");
    keys(&mut model, " ");
    update(&mut model, Msg::Passed(2000.0));
    assert!(draw(&model).contains("▶ 1× 00:17"), "{}", draw(&model));
    keys(&mut model, ">>");
    update(&mut model, Msg::Passed(1000.0));
    assert!(draw(&model).contains("▶ 5× 00:22"), "{}", draw(&model));
    press(&mut model, KeyCode::Char('f'));
    assert!(draw(&model).contains("00:45 · 100 req/s · live"), "{}", draw(&model));
}

#[tokio::test]
async fn a_recording_is_played_paused_stepped_and_searched() {
    let (spec, events) = recorded().await;
    let marks: Vec<u64> = events
        .iter()
        .filter(|event| {
            matches!(
                event.what,
                EventKind::Phase { .. }
                    | EventKind::Bug { .. }
                    | EventKind::Exit { code: Some(2), .. }
            )
        })
        .map(|event| event.at_ms)
        .collect();
    let case = &spec.case;
    let beginning = RunState::new(case);
    let (mut encoder, mut lines) = (Encoder::default(), Lines::default());
    for event in &events {
        lines.keep(&encoder.line(event), event);
    }
    let mut track = Track::recording(case, beginning, lines, 0);
    assert_eq!(track.shown_ms(), 0);
    assert!(track.pass(case, 1500.0));
    assert_eq!(track.shown_ms(), 1500);
    track.play_or_pause(case);
    assert!(!track.pass(case, 1500.0));
    track.step(case, true);
    track.step(case, true);
    track.step(case, false);
    assert_eq!(track.shown_ms(), 1600);
    track.to_mark(case, true);
    assert_eq!(track.shown_ms(), 3000, "the release");
    track.to_mark(case, true);
    let exit = marks.iter().find(|at| **at > 3000).copied();
    assert_eq!(Some(track.shown_ms()), exit);
    track.to_mark(case, false);
    assert_eq!(track.shown_ms(), 3000);
    track.shift(case, 1_000_000);
    let end = track.shown_ms();
    assert_eq!(end, 45_000);
    track.play_or_pause(case);
    assert_eq!(track.shown_ms(), 0, "at the end, play starts again");
}

/// Length at which kept data must be bounded.
const LONG: u64 = 500_000;

#[test]
fn what_falls_out_of_memory_is_said() {
    let spec = spec("pool-leak", &["broken"]);
    let mut model = Model::new(catalogue(), (120, 36));
    open(&mut model, spec);
    update(
        &mut model,
        Msg::Run(
            RunId::Main,
            Event {
                at_ms: 0,
                lane: None,
                what: EventKind::Phase { index: 0, says: String::new() },
            },
        ),
    );
    let line = "x".repeat(80);
    for tick in 0..LONG {
        let what = if tick % 10 == 0 {
            EventKind::Sample(Sample::default())
        } else {
            EventKind::Log { line: line.clone() }
        };
        update(&mut model, Msg::Run(RunId::Main, Event { at_ms: tick * 20, lane: Some(0), what }));
    }
    let begins_ms = lab(&mut model).session.main.history.begins_ms();
    assert!(begins_ms > LONG * 20 / 2, "most of it does not fit: {begins_ms}");
    keys(&mut model, "g0\r");
    assert_eq!(lab(&mut model).session.main.shown_ms(), begins_ms);
    let screen = draw(&model);
    assert!(screen.contains("was dropped to save memory"), "{screen}");
    // What is left of it can be recorded.
    let kept: Vec<Event> = lab(&mut model).session.main.history.events().collect();
    assert_eq!(kept.last().map(|event| event.at_ms), Some((LONG - 1) * 20));
}

#[tokio::test]
async fn a_time_lapse_goes_on_from_the_live_run_and_leads_back() {
    let (spec, events) = recorded().await;
    let mut model = opened(&spec, &events[..events.len() / 2]);
    let Some(Command::Session(Effect::Control(RunId::Main, control))) =
        press(&mut model, KeyCode::Char(' '))
    else {
        panic!("the run is told to switch the bug off")
    };
    let start = press(&mut model, KeyCode::Char('v'));
    let Some(Command::Session(Effect::Start { run: RunId::Lapse, plan, pacing })) = start else {
        panic!("a simulated run starts")
    };
    let now_ms = lab(&mut model).session.main.history.ends_ms();
    assert_eq!((plan.clock, pacing.from_ms), (Clock::Virtual, now_ms));
    assert_eq!(pacing.controls, [(now_ms, control)]);
    // Its events show, the live run's do not.
    let case = Case { plan, ..spec.case.clone() };
    let virtual_run = Spec { case, pacing, ..spec };
    for event in play(virtual_run, 60).await {
        update(&mut model, Msg::Run(RunId::Lapse, event));
    }
    let screen = draw(&model);
    assert!(screen.contains("10× 01:00") && screen.contains("simulated time"), "{screen}");
    assert!(screen.contains("[ ] no bug on"), "the switch is part of it: {screen}");
    let faster = press(&mut model, KeyCode::Char('>'));
    assert!(
        matches!(
            faster,
            Some(Command::Session(Effect::Control(RunId::Lapse, Control::SetSpeed(_))))
        ),
        "{faster:?}"
    );
    // It stands still while its past is looked at, and then goes on as fast as before.
    let held = press(&mut model, KeyCode::Left);
    let still = Control::SetSpeed(Speed::Times(0.0));
    assert!(
        matches!(&held, Some(Command::Session(Effect::Control(RunId::Lapse, c))) if *c == still),
        "{held:?}"
    );
    assert!(draw(&model).contains("simulated time, paused at 01:00"), "{}", draw(&model));
    let on = press(&mut model, KeyCode::Char('f'));
    let again = Control::SetSpeed(Speed::Times(20.0));
    assert!(
        matches!(&on, Some(Command::Session(Effect::Control(RunId::Lapse, c))) if *c == again),
        "{on:?}"
    );
    // Also when the past is played to its end.
    press(&mut model, KeyCode::Left);
    keys(&mut model, " ");
    let on = only(update(&mut model, Msg::Passed(60_000.0)));
    assert!(
        matches!(&on, Some(Command::Session(Effect::Control(RunId::Lapse, c))) if *c == again),
        "{on:?}"
    );
    let off = press(&mut model, KeyCode::Char(' '));
    assert!(
        matches!(
            off,
            Some(Command::Session(Effect::Control(RunId::Lapse, Control::SetBug { .. })))
        ),
        "{off:?}"
    );
    let record = press(&mut model, KeyCode::Char('S'));
    assert!(matches!(record, Some(Command::Record(Some(RunId::Lapse)))), "{record:?}");
    assert!(matches!(
        press(&mut model, KeyCode::Char('v')),
        Some(Command::Session(Effect::End(RunId::Lapse)))
    ));
    assert_eq!(lab(&mut model).session.track().source, Source::Live);
    assert!(draw(&model).contains("· live"));
}
