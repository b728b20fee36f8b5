//! The screens, drawn from given events at three sizes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use firedrill::run::{Control, Spec};
use firedrill::tui::message::{Command, Msg};
use firedrill::tui::model::{Model, Overlay, Screen};
use firedrill::tui::update::{open, update};
use firedrill::tui::view;
use firedrill_core::event::{
    ChainShown, Event, EventKind, ExitCause, InstanceSample, LoadTick, LogTail, Metric, Outcomes,
    Ready, Sample, ServerSample, WaitSite,
};
use firedrill_core::incident::manifest::Symptom;
use firedrill_core::session::Effect;
use firedrill_core::session::track::RunId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{only, test_spec as spec};
use crate::pack::catalogue;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 50)];

fn draw(model: &mut Model) -> String {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    terminal.draw(|frame| model.layout = view::draw(frame, model)).expect("a buffer");
    terminal.backend().to_string()
}

fn model(size: (u16, u16)) -> Model {
    Model::new(catalogue(), size)
}

fn lab(size: (u16, u16), spec: Spec) -> Model {
    let mut model = model(size);
    open(&mut model, spec);
    model
}

fn press(model: &mut Model, code: KeyCode) -> Option<Command> {
    only(update(model, Msg::Key(KeyEvent::from(code))))
}

fn happen(model: &mut Model, at_ms: u64, lane: impl Into<Option<usize>>, what: EventKind) {
    update(model, Msg::Run(RunId::Main, Event { at_ms, lane: lane.into(), what }));
}

/// A sample as the incident's theory has it, `t` ticks after the release; none: as if healthy.
fn sample(ticks_of_bug: Option<u64>) -> Sample {
    let stuck = ticks_of_bug.map_or(0, |ticks| ticks * 19);
    let source = include_str!("../data/broken.rs");
    let line = source.lines().position(|line| line.contains(".parked(")).expect("it waits");
    let site = WaitSite {
        file: "incidents/unbuffered_log_channel/broken.rs".to_owned(),
        line: line as u32 + 1,
        label: "log channel".to_owned(),
        waiting: stuck,
    };
    let queue = [("log_queue".to_owned(), 1.0), ("log_queue_capacity".to_owned(), 1.0)];
    Sample {
        server: Some(ServerSample {
            tasks: 2 + stuck,
            connections: 3,
            heap_bytes: 4 << 20,
            metrics: queue.into(),
            wait_sites: if stuck > 0 { vec![site] } else { Vec::new() },
            ..ServerSample::default()
        }),
        resident_bytes: Some((15 << 20) + stuck * 27_000),
        load: LoadTick {
            sent: 20,
            outcomes: Outcomes {
                ok: if stuck > 0 { 1 } else { 20 },
                timed_out: if stuck > 0 { 19 } else { 0 },
                ..Outcomes::default()
            },
            in_flight: 400,
            latency_us: vec![(2_000, if stuck > 0 { 1 } else { 20 })],
            unanswered_us: if stuck > 0 { vec![(2_000_000, 19)] } else { Vec::new() },
            ..LoadTick::default()
        },
        ..Sample::default()
    }
}

/// A run of twenty seconds whose first lane is killed at the cap at the end.
fn play(model: &mut Model, killed: bool) {
    for lane in 0..2 {
        happen(model, 0, lane, EventKind::Starting { attempt: 1, instance: 0 });
        happen(
            model,
            0,
            lane,
            EventKind::Ready(Ready { port: Some(4000), pid: Some(100), ..Ready::default() }),
        );
        for name in ["log_queue", "log_queue_capacity"] {
            let metric = Metric {
                name: name.to_owned(),
                unit: String::new(),
                says: "lines that wait for the writer".to_owned(),
                incident: "unbuffered-log-channel".to_owned(),
                counter: false,
                highest: false,
            };
            happen(model, 0, lane, EventKind::Metric(metric));
        }
    }
    let says = |index: usize| catalogue().entries[0].manifest.phases[index].says.clone();
    happen(model, 0, None, EventKind::Phase { index: 0, says: says(0) });
    for tick in 0..200 {
        let at_ms = tick * 100;
        if tick == 30 {
            happen(model, at_ms, None, EventKind::Phase { index: 1, says: says(1) });
            let incident = "unbuffered-log-channel".to_owned();
            let variant = Some("broken".to_owned());
            happen(model, at_ms, 0, EventKind::Bug { incident, variant });
        }
        happen(model, at_ms, 0, EventKind::Sample(sample(tick.checked_sub(30))));
        happen(model, at_ms, 1, EventKind::Sample(sample(None)));
    }
    if killed {
        let cause = ExitCause::OutOfMemory { resident_bytes: 161 << 20, cap_bytes: 160 << 20 };
        happen(model, 20_000, 0, EventKind::Exit { cause, code: None, instance: 0 });
        happen(model, 20_000, 0, EventKind::Restart { count: 1, after_ms: 500, instance: 0 });
        happen(model, 20_100, 0, EventKind::Sample(Sample::default()));
    }
}

#[test]
fn the_catalogue() {
    for size in SIZES {
        insta::assert_snapshot!(format!("catalogue_{}x{}", size.0, size.1), draw(&mut model(size)));
    }
}

#[test]
fn the_lab_with_a_bug_and_after_the_kill() {
    for size in SIZES {
        for killed in [false, true] {
            let mut model = lab(size, spec("unbuffered-log-channel", &["broken", "fixed"]));
            play(&mut model, killed);
            let state = if killed { "killed" } else { "stuck" };
            insta::assert_snapshot!(format!("lab_{state}_{}x{}", size.0, size.1), draw(&mut model));
        }
    }
}

#[test]
fn what_lies_over_the_lab() {
    for (name, key) in
        [("help", '?'), ("bugs", 'b'), ("code", 'c'), ("metrics", 'm'), ("events", 'L')]
    {
        let mut model = lab((80, 24), spec("unbuffered-log-channel", &["broken", "fixed"]));
        play(&mut model, false);
        press(&mut model, KeyCode::Char(key));
        insta::assert_snapshot!(format!("over_{name}"), draw(&mut model));
        press(&mut model, KeyCode::Esc);
        assert_eq!(model.overlay, None);
    }
}

/// Two lanes that serve, each with these metrics.
fn with_metrics(size: (u16, u16), incident: &str, metrics: &[(&str, f64)]) -> Model {
    let mut model = lab(size, spec(incident, &["broken", "fixed"]));
    let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let server = ServerSample { metrics, ..ServerSample::default() };
    for lane in 0..2 {
        let ready = Ready { port: Some(4000), pid: Some(100), ..Ready::default() };
        happen(&mut model, 0, lane, EventKind::Ready(ready));
        for tick in 1..=100 {
            let server = Some(server.clone());
            let outcomes = Outcomes { ok: 7, failed: 3, ..Outcomes::default() };
            let load = LoadTick { sent: 10, outcomes, ..LoadTick::default() };
            let sample = Sample { server, load, ..Sample::default() };
            happen(&mut model, tick * 100, lane, EventKind::Sample(sample));
        }
    }
    model
}

#[test]
fn charts_of_a_pools_slots_and_of_a_state_and_the_log_and_the_chain() {
    for size in [(80, 24), (120, 36)] {
        let pool = [
            ("pool_in_use", 5.0),
            ("pool_in_use_capacity", 8.0),
            ("pool_lost", 3.0),
            ("pool_waiting", 40.0),
        ];
        let mut model = with_metrics(size, "pool-leak", &pool);
        let screen = draw(&mut model);
        assert!(screen.contains("pool 3 lost 2 used 3 free 40 wait"), "{screen}");
        let mut model = with_metrics(size, "middleware-order", &[("audit_rejections", 2.0)]);
        let layer = |slot: &str, owner: &str| (slot.to_owned(), owner.to_owned());
        let routes = vec![layer("log", "service"), layer("auth", "middleware-order")];
        let chain = ChainShown { routes, store: Vec::new() };
        happen(&mut model, 10_000, 0, EventKind::Chain(chain));
        let lines = vec!["201 POST /a".to_owned(), "201 POST /b".to_owned()];
        let wrong = Some("401 GET /c?access_token=x".to_owned());
        happen(&mut model, 10_000, 0, EventKind::LogTail(LogTail { lines, wrong }));
        let screen = draw(&mut model);
        assert!(screen.contains("log → auth"), "{screen}");
        assert!(screen.contains("door open"), "{screen}");
        assert!(screen.contains("✖ 401 GET /c?access_token=x"), "{screen}");
        assert!(screen.contains("201 POST /b"), "{screen}");
    }
}

#[test]
fn each_instance_has_a_chart_on_a_key() {
    for size in SIZES {
        let mut model = lab(size, spec("unbuffered-log-channel", &["broken", "fixed"]));
        play(&mut model, false);
        press(&mut model, KeyCode::Char('i'));
        assert!(draw(&mut model).contains("every lane has one instance"));
        let Some(Command::Session(Effect::Control(
            RunId::Main,
            Control::Scale { lane: 0, instances: 2 },
        ))) = press(&mut model, KeyCode::Char(']'))
        else {
            panic!("it scales out")
        };
        // The next press counts from what was asked, not from what is there yet.
        let third = press(&mut model, KeyCode::Char(']'));
        assert!(matches!(
            third,
            Some(Command::Session(Effect::Control(_, Control::Scale { instances: 3, .. })))
        ));
        let second = press(&mut model, KeyCode::Char('['));
        assert!(matches!(
            second,
            Some(Command::Session(Effect::Control(_, Control::Scale { instances: 2, .. })))
        ));
        let instance = |version: &str, tasks| InstanceSample {
            version: version.to_owned(),
            share_percent: 50.0,
            serves: true,
            tasks,
            ..InstanceSample::default()
        };
        for tick in 200..300 {
            let instances = vec![instance("broken", tick), instance("before", 3)];
            let sample = Sample { instances, ..sample(Some(tick)) };
            happen(&mut model, tick * 100, 0, EventKind::Sample(sample));
        }
        press(&mut model, KeyCode::Char('i'));
        let screen = draw(&mut model);
        assert!(screen.contains("1 broken  50 %"), "{screen}");
        assert!(screen.contains("2 before  50 %"), "{screen}");
    }
}

#[test]
fn help_that_does_not_fit_can_be_scrolled() {
    let mut model = lab((80, 24), spec("unbuffered-log-channel", &["broken", "fixed"]));
    press(&mut model, KeyCode::Char('?'));
    assert!(!draw(&mut model).contains("leave the program"));
    for _ in 0..10 {
        press(&mut model, KeyCode::Down);
    }
    let screen = draw(&mut model);
    assert!(screen.contains("leave the program") && screen.contains("marks:"), "{screen}");
}

#[test]
fn every_lane_can_be_reached_where_not_all_fit() {
    let all = ["broken", "buffered", "cancelled", "fixed"];
    let mut model = lab((80, 24), spec("unbuffered-log-channel", &all));
    for name in all {
        assert!(draw(&mut model).contains(&format!(
            "▸ {} {name}",
            ['A', 'B', 'C', 'D'][all.iter().position(|n| *n == name).expect("one of them")]
        )));
        press(&mut model, KeyCode::Tab);
    }
    assert!(draw(&mut model).contains("▸ A broken"));
}

#[test]
fn a_small_terminal_says_what_it_needs() {
    let text = draw(&mut model((60, 20)));
    assert!(text.contains("60x20") && text.contains("80x24"), "{text}");
}

#[test]
fn no_size_and_no_key_makes_it_panic() {
    let keys = "b vcmefz+-?r24jki[]d".chars();
    for size in [(1, 1), (10, 3), (79, 23), (80, 24), (81, 25), (100, 30), (300, 100)] {
        let mut model = lab(size, spec("unbuffered-log-channel", &["broken", "fixed"]));
        play(&mut model, true);
        for key in keys.clone() {
            press(&mut model, KeyCode::Char(key));
            draw(&mut model);
            for code in [
                KeyCode::Right,
                KeyCode::Up,
                KeyCode::Down,
                KeyCode::PageUp,
                KeyCode::PageDown,
                KeyCode::Tab,
            ] {
                press(&mut model, code);
                draw(&mut model);
            }
            press(&mut model, KeyCode::Esc);
            if matches!(model.screen, Screen::Catalogue(_)) {
                open(&mut model, spec("unbuffered-log-channel", &["broken", "fixed"]));
            }
        }
    }
}

#[test]
fn each_incident_can_be_reached_and_tells_its_symptom_at_every_size() {
    for size in SIZES {
        let mut model = Model::new(crate::common::catalogue(), size);
        for entry in &crate::common::catalogue().entries {
            let text = draw(&mut model);
            let under_cursor = format!("▶ {}", entry.manifest.seen_as());
            assert!(text.contains(&under_cursor), "{under_cursor}\n{text}");
            let story = text.split(&format!(" {} ─", entry.manifest.seen_as())).nth(1);
            let words = entry.manifest.summary.split(' ').take(4).collect::<Vec<_>>().join(" ");
            assert!(story.is_some_and(|story| story.contains(&words)), "{words}\n{text}");
            press(&mut model, KeyCode::Down);
        }
    }
}

#[test]
fn a_symptom_narrows_the_catalogue() {
    let mut model = model((80, 24));
    let all = catalogue().entries.len();
    let mut shown = 0;
    for symptom in Symptom::ALL {
        press(&mut model, KeyCode::Tab);
        let text = draw(&mut model);
        let with = catalogue().entries.iter().filter(|entry| entry.manifest.symptom == symptom);
        let first = with.clone().next().map(|entry| format!("▶ {}", entry.manifest.seen_as()));
        let first = first.unwrap_or_else(|| "no incident matches".to_owned());
        let with = with.count();
        assert!(text.contains(&format!("{}: {with} of {all}", symptom.word())), "{text}");
        assert!(text.contains(&first), "{text}");
        shown += with;
    }
    assert_eq!(shown, all, "each incident has one symptom");
    press(&mut model, KeyCode::Tab);
    assert!(!draw(&mut model).contains(&format!("of {all}")), "all are shown again");
}

#[test]
fn the_search_narrows_the_catalogue() {
    let mut model = model((80, 24));
    for key in "/leak".chars() {
        press(&mut model, KeyCode::Char(key));
    }
    let text = draw(&mut model);
    assert!(text.contains("search: leak"), "{text}");
    assert!(text.contains("Connection pool leak") && !text.contains("Missing recover"), "{text}");
    press(&mut model, KeyCode::Enter);
    let Some(Command::Session(Effect::Start { plan, .. })) = press(&mut model, KeyCode::Enter)
    else {
        panic!("it starts")
    };
    assert_eq!(plan.incident, "pool-leak");
}

#[test]
fn keys_ask_for_what_they_say() {
    let mut model = lab((80, 24), spec("unbuffered-log-channel", &["broken", "fixed"]));
    play(&mut model, false);
    let incident = "unbuffered-log-channel".to_owned();
    let told = |command| match command {
        Some(Command::Session(Effect::Control(_, control))) => control,
        other => panic!("{other:?}"),
    };
    let off = Control::SetBug { lane: 0, incident: incident.clone(), variant: None };
    assert_eq!(told(press(&mut model, KeyCode::Char(' '))), off);
    press(&mut model, KeyCode::Char('2'));
    let on = Control::SetBug { lane: 1, incident, variant: Some("broken".to_owned()) };
    assert_eq!(told(press(&mut model, KeyCode::Char(' '))), on);
    assert_eq!(told(press(&mut model, KeyCode::Char('+'))), Control::SetRate(300.0));
    assert_eq!(told(press(&mut model, KeyCode::Char('-'))), Control::SetRate(150.0));
    let restart = Control::Restart { lane: 1, console: false };
    assert_eq!(told(press(&mut model, KeyCode::Char('r'))), restart);
    // What ends a run is asked for once more.
    assert!(press(&mut model, KeyCode::Char('R')).is_none());
    assert!(draw(&mut model).contains("Start the run again?"));
    assert!(matches!(
        press(&mut model, KeyCode::Enter),
        Some(Command::Session(Effect::Start { .. }))
    ));
    play(&mut model, false);
    assert!(press(&mut model, KeyCode::Esc).is_none());
    assert!(press(&mut model, KeyCode::Esc).is_none(), "esc is no");
    assert!(press(&mut model, KeyCode::Esc).is_none());
    assert!(matches!(press(&mut model, KeyCode::Enter), Some(Command::Session(Effect::End(_)))));
    // No key is silent.
    press(&mut model, KeyCode::Char('y'));
    assert!(model.note.as_ref().is_some_and(|note| note.contains("`y` does nothing here")));
    assert!(matches!(press(&mut model, KeyCode::Char('q')), Some(Command::Quit)));
}

#[test]
fn a_frozen_screen_stands_still_while_the_run_goes_on() {
    let mut model = lab((80, 24), spec("unbuffered-log-channel", &["broken", "fixed"]));
    play(&mut model, false);
    press(&mut model, KeyCode::Char('f'));
    let frozen = draw(&mut model);
    assert!(frozen.contains("PAUSED"));
    happen(&mut model, 25_000, 0, EventKind::Sample(sample(Some(220))));
    // The first line tells how late it is now.
    let below = |screen: &str| screen.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(below(&draw(&mut model)), below(&frozen));
    press(&mut model, KeyCode::Char('f'));
    assert!(draw(&mut model).contains("00:25"));
}

#[test]
fn a_run_that_fails_to_start_says_why_and_leads_back() {
    let mut model = lab((80, 24), spec("pool-leak", &["broken", "fixed"]));
    update(
        &mut model,
        Msg::RunEnded(RunId::Main, Some("lane `broken` did not start: no licence".to_owned())),
    );
    assert!(draw(&mut model).contains("no licence"));
    assert!(matches!(press(&mut model, KeyCode::Esc), Some(Command::Session(Effect::End(_)))));
    assert!(matches!(model.screen, Screen::Catalogue(_)));
    assert!(!matches!(model.overlay, Some(Overlay::Message(_))));
}

fn click(model: &mut Model, column: u16, row: u16) -> Option<Command> {
    let kind = MouseEventKind::Down(MouseButton::Left);
    draw(model);
    let click = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    only(update(model, Msg::Mouse(click)))
}

#[test]
fn the_mouse_selects_what_it_points_at() {
    let mut model = model((80, 24));
    assert!(click(&mut model, 10, 6).is_none());
    assert!(draw(&mut model).contains("▶ Connection pool leak"));
    let Some(Command::Session(Effect::Start { plan, .. })) = click(&mut model, 10, 6) else {
        panic!("it starts")
    };
    assert_eq!(plan.incident, "pool-leak");
    // A key in the bar is pressed by a click on it.
    let mut model = self::model((80, 24));
    let bar = draw(&mut model).lines().nth(23).expect("a bar").to_owned();
    let at = bar.chars().collect::<String>().find("l lab").expect("the lab's key");
    let at = bar[..at].chars().filter(|c| *c != '"').count() as u16;
    let Some(Command::Session(Effect::Start { plan, .. })) = click(&mut model, at, 23) else {
        panic!("it starts")
    };
    assert_eq!(plan.incident, "unbuffered-log-channel");
    click(&mut model, 60, 10);
    assert!(draw(&mut model).contains("▸ B fixed"));
    click(&mut model, 5, 10);
    assert!(draw(&mut model).contains("▸ A broken"));
}
