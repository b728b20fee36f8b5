//! Recordings: whatever can be read is shown, what is missing is said with its line, and nothing
//! makes the program panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::Spec;
use firedrill::tui::message::Msg;
use firedrill::tui::model::{Lab, Model, Screen};
use firedrill::tui::update::update;
use firedrill::tui::view;
use firedrill_core::event::EventKind;
use firedrill_core::page::{self, PageData};
use firedrill_core::record::{Recording, Unreadable, read, scan};
use firedrill_core::session::history::Lines;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::{catalogue, firedrill};

fn nasty(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nasty").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(nasty(name)).expect("it is in the tree")
}

/// Shows a recording in every way there is: plays it, jumps about, opens what lies over it, at
/// three sizes; and makes the page. Returns the last screens' text and the page.
fn show(bytes: &[u8], recording: &Recording) -> (String, String) {
    let Ok(spec) = Spec::recorded(catalogue(), &recording.header) else {
        return (String::new(), String::new());
    };
    let Recording { header, events, faults } = recording;
    let mut told = PageData::new(&spec.case.entry.manifest, header);
    for event in events {
        told.push(event.clone());
    }
    let page = page::render(&spec.case, header, &told, faults);
    let mut lines = Lines::default();
    let (_, faults) = scan(bytes, |line, event| lines.keep(line, &event)).expect("read before");
    let lab = Lab::recorded(spec, lines, &faults);
    let mut model = Model::new(catalogue(), (80, 24));
    model.screen = Screen::Lab(Box::new(lab));
    let mut text = String::new();
    for size in [(80, 24), (120, 36), (200, 50)] {
        model.size = size;
        for key in " nnN>>g9\r .,,<cme\u{1b}z".chars() {
            let code = match key {
                '\r' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                key => KeyCode::Char(key),
            };
            update(&mut model, Msg::Key(KeyEvent::from(code)));
            update(&mut model, Msg::Passed(700.0));
            let screen = draw(&model);
            if key == 'L' || key == ' ' {
                text += &screen;
            }
            if matches!(key, 'c' | 'm' | 'L') {
                update(&mut model, Msg::Key(KeyEvent::from(KeyCode::Esc)));
            }
        }
    }
    (text, page)
}

fn draw(model: &Model) -> String {
    let (width, height) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a buffer");
    terminal
        .draw(|frame| {
            view::draw(frame, model);
        })
        .expect("a buffer");
    terminal.backend().to_string()
}

#[test]
fn what_is_readable_of_a_nasty_file_is_shown_and_what_is_missing_is_said() {
    for (name, expected) in [
        ("header-only.jsonl", "line 1: there is no event in the file"),
        ("newer.jsonl", "line 1: the format is version 99, this program knows 1"),
        ("newer.jsonl", "line 22: not an event: unknown variant `teleported`"),
        ("older.jsonl", "line 1: the format is version 0, which never was"),
        ("garbage.jsonl", ": not an event: "),
        ("not-text.jsonl", ": not text"),
        ("cut.jsonl", "cut off: the recording was ended while it was written"),
        ("backwards.jsonl", "earlier than the event before"),
        ("unknown-lane.jsonl", "for lane number 8, and there are 2"),
        ("huge.jsonl", "counts that no run has"),
        ("deep.jsonl", ": not an event: "),
        (
            "unknown-variant.jsonl",
            "stops at 5.0 s without its end: it was cut, or is still written",
        ),
        ("blank-lines.jsonl", "line 2: not an event"),
    ] {
        let recording = read(&bytes(name)[..]).unwrap_or_else(|why| panic!("{name}: {why}"));
        let said = recording.faults.lines().join("\n");
        assert!(said.contains(expected), "{name}: {said}");
        let (screens, page) = show(&bytes(name), &recording);
        if !expected.is_empty() {
            assert!(
                screens.contains('⚠'),
                "{name}: the screen does not say that something is missing"
            );
            assert!(page.contains("Not all of the recording could be read"), "{name}");
        }
        assert!(!page.contains("<script"), "{name}: text of a recording is no markup");
    }
}

#[test]
fn what_a_file_says_neither_moves_the_terminal_nor_gets_into_a_shell() {
    let folder = tempfile::tempdir().expect("writable");
    let page = folder.path().join("page.html");
    let output = firedrill(&["report", "-o"])
        .arg(&page)
        .arg(nasty("escapes.jsonl"))
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unknown variant `␛]52;"), "{said}");
    let page = fs::read_to_string(page).expect("it is written");
    let recording = read(&bytes("escapes.jsonl")[..]).expect("its header is in order");
    let (screens, _) = show(&bytes("escapes.jsonl"), &recording);
    for text in [&said, &*page, &screens] {
        let hidden = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(hidden, None);
    }
    let command = page.split("firedrill run ").nth(1).and_then(|rest| rest.split('<').next());
    assert_eq!(
        command,
        Some(
            "unbuffered-log-channel --clock virtual --variants fixed --rate 200 --seed 1 --for 1s"
        )
    );
}

#[test]
fn of_other_files_it_is_said_why_they_cannot_be_shown() {
    for (name, expected) in [
        ("empty.jsonl", "line 1: the file is empty"),
        ("no-recording.jsonl", "line 1: not a recording of firedrill"),
        ("other-json.jsonl", "line 1: not a recording of firedrill: missing field `firedrill`"),
        ("binary.jsonl", "line 1: not a recording of firedrill"),
        ("newer-shape.jsonl", "line 1: the format is version 99, this program knows up to 1"),
        ("no-lanes.jsonl", "line 1: a recording has one to four lanes, this one says 0"),
        ("ten-lanes.jsonl", "line 1: a recording has one to four lanes, this one says 10"),
        ("unknown-incident.jsonl", "did you mean `pool-leak`?"),
        ("there-is-none.jsonl", "No such file"),
    ] {
        for command in ["report", "view"] {
            let output = firedrill(&[command]).arg(nasty(name)).output().expect("it starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains(expected) && said.contains(name), "{command} {name}: {said}");
            assert_eq!(output.status.code(), Some(2), "{command} {name}");
        }
    }
}

/// The rows of a screen that hold a word.
fn rows<'a>(screen: &'a str, word: &str) -> Vec<&'a str> {
    screen.lines().filter(|row| row.contains(word)).collect()
}

#[test]
fn the_code_view_marks_the_line_at_which_a_recording_says_that_tasks_wait() {
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("log.jsonl");
    let path = file.to_str().expect("a readable path");
    let run =
        ["run", "unbuffered-log-channel", "--clock", "virtual", "--for", "8s", "--record", path];
    firedrill(&run).output().expect("it runs");
    let bytes = std::fs::read(&file).expect("it was recorded");
    let recording = read(&bytes[..]).expect("a whole recording");
    let mut sites =
        recording.events.iter().filter(|event| event.lane == Some(0)).filter_map(|event| {
            let EventKind::Sample(sample) = &event.what else { return None };
            sample.server.as_ref()?.wait_sites.iter().max_by_key(|site| site.waiting).cloned()
        });
    let site = sites.next_back().expect("tasks wait");
    let spec = Spec::recorded(catalogue(), &recording.header).expect("it is known");
    let mut lines = Lines::default();
    let (_, faults) =
        scan(&bytes[..], |line, event| lines.keep(line, &event)).expect("read before");
    let mut model = Model::new(catalogue(), (200, 50));
    model.screen = Screen::Lab(Box::new(Lab::recorded(spec, lines, &faults)));
    for key in "g8".chars().map(KeyCode::Char).chain([KeyCode::Enter, KeyCode::Char('c')]) {
        update(&mut model, Msg::Key(KeyEvent::from(key)));
    }
    let screen = draw(&model);
    let waiting = format!("◀ {} wait here", firedrill_core::figures::count(site.waiting));
    assert_eq!(rows(&screen, &waiting).len(), 1, "{screen}");
    // The row above the count is the line that the recording names; the fix stands on the other side.
    let all: Vec<&str> = screen.lines().collect();
    let at = all.iter().position(|row| row.contains(&waiting)).expect("it is there");
    let above = all[..at].iter().rev().find(|row| row.contains("▶")).expect("a marked line");
    assert!(above.contains(&format!(" {} ", site.line)) && above.contains("cause"), "{screen}");
    assert_eq!(rows(&screen, "fix  ▶").len(), 1, "{screen}");
    insta::assert_snapshot!("code_both_forms_200x50", screen);
}

/// A recording of a short virtual run.
fn good() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("run.jsonl");
    let run = ["run", "missing-recover", "--clock", "virtual", "--for", "6s", "--record"];
    firedrill(&run).arg(&file).output().expect("it starts");
    fs::read(file).expect("it is recorded")
}

#[test]
fn a_recording_cut_anywhere_is_whole_up_to_its_last_line() {
    let good = good();
    let whole = read(&good[..]).expect("it is whole");
    assert_eq!(whole.faults.all, 0, "{:?}", whole.faults);
    let header = good.iter().position(|byte| *byte == b'\n').expect("it has lines") + 1;
    let line_ends: Vec<usize> =
        (0..good.len()).filter(|at| good[*at] == b'\n').map(|at| at + 1).collect();
    for cut in (header..good.len()).step_by(97).chain(line_ends.iter().copied()) {
        let recording = read(&good[..cut]).expect("the header is there");
        let lines = line_ends.iter().filter(|end| **end <= cut).count();
        let rest = cut > *line_ends.iter().rfind(|end| **end <= cut).expect("the header's");
        // The header and the end are no events; a line may be whole but for its end.
        let ended = usize::from(cut == good.len());
        let extra = recording.events.len() + 1 + ended - lines;
        assert!(extra <= 1, "cut at {cut}");
        assert_eq!(recording.events[..], whole.events[..recording.events.len()]);
        if recording.events.len() == whole.events.len() {
            continue;
        }
        let faults = recording.faults.lines();
        if rest && extra == 0 {
            let expected = format!("line {}: cut off", lines + 1);
            assert!(faults[0].starts_with(&expected), "{faults:?}");
        }
        // Also where it was cut between two lines.
        let last = faults.last().expect("something is missing");
        assert!(last.contains("without its end") || last.contains("no event"), "{faults:?}");
    }
    for cut in 0..header - 1 {
        assert!(matches!(read(&good[..cut]), Err(Unreadable::Empty | Unreadable::NoHeader(_))));
    }
}

#[test]
fn a_hole_between_whole_lines_is_said() {
    let good = good();
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    let hole = [&lines[..60], &lines[100..]].concat().concat();
    let faults = read(&hole[..]).expect("the header is there").faults.lines();
    assert_eq!(faults.len(), 2, "one a lane: {faults:?}");
    assert!(faults[0].contains(" has no sample between "), "{faults:?}");
    // A single line of a virtual run is missed too.
    let text = |line: &&[u8]| String::from_utf8_lossy(line).contains("\"event\":\"sample\"");
    let sample = 60 + lines[60..].iter().position(text).expect("there are samples");
    let one = [&lines[..sample], &lines[sample + 1..]].concat().concat();
    let faults = read(&one[..]).expect("the header is there").faults.lines();
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn a_line_without_end_takes_no_more_memory_than_a_line_may() {
    let mut bytes = good();
    let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
    let tail = bytes.split_off(bytes.len() / 2);
    bytes.extend(std::iter::repeat_n(b'a', 3 << 20));
    bytes.extend(tail);
    let recording = read(&bytes[..]).expect("the header is there");
    assert!(recording.faults.lines()[0].ends_with("longer than any event"));
    assert_eq!(recording.events.len(), lines - 3);
}

#[test]
fn a_report_overwrites_nothing_but_a_report() {
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("run.jsonl");
    fs::write(&file, good()).expect("writable");
    let report = |output: &Path| {
        firedrill(&["report"]).arg(&file).arg("-o").arg(output).output().expect("it starts")
    };
    let page = folder.path().join("run.html");
    assert_eq!(report(&page).status.code(), Some(0));
    assert_eq!(report(&page).status.code(), Some(0));
    let letter = folder.path().join("letter.html");
    fs::write(&letter, "<p>precious").expect("writable");
    for precious in [&letter, &file] {
        let before = fs::read(precious).expect("readable");
        let output = report(precious);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("will not be overwritten"), "{said}");
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(fs::read(precious).expect("readable"), before);
    }
}

fn recorded_to(file: &Path) -> Output {
    let run = ["run", "middleware-order", "--clock", "virtual", "--record"];
    firedrill(&run).arg(file).output().expect("it starts")
}

#[test]
fn a_file_in_another_format_is_named_for_what_it_is() {
    let utf_16: Vec<u8> = "\u{feff}{}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, word) in [
        (&[0x1f, 0x8b, 8, 0][..], "it is compressed"),
        (&utf_16, "it is in UTF-16"),
        (b"{\"log\":{\"version\":\"1.2\"}}\n", "it is an HTTP archive (HAR)"),
        (b"<!doctype html>\n", "it is a page"),
    ] {
        let why = read(bytes).map(|_| ()).expect_err("it is another format").to_string();
        assert!(why.contains(word), "{why}");
    }
}

#[cfg(unix)]
#[test]
fn a_recording_is_read_from_standard_input() {
    let file = tempfile::NamedTempFile::new().expect("writable");
    fs::write(file.path(), good()).expect("writable");
    let page = |name: &Path, input: Stdio| {
        let mut command = firedrill(&["report", "--output", "-"]);
        command.arg(name).stdin(input).output().expect("it starts").stdout
    };
    let piped = page(Path::new("-"), fs::File::open(file.path()).expect("readable").into());
    assert!(!piped.is_empty() && piped == page(file.path(), Stdio::null()));
}

#[test]
fn a_full_disk_loses_the_recording_and_not_the_run() {
    let output = recorded_to(Path::new("/dev/full"));
    let (said, report) =
        (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(said.matches("/dev/full is lost from").count(), 1, "{said}");
    assert!(report.contains("The verdict held."), "{report}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn nothing_but_a_recording_is_overwritten() {
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("thesis.txt");
    fs::write(&file, "ten years of work").expect("writable");
    let output = recorded_to(&file);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("will not be overwritten"));
    assert_eq!(fs::read_to_string(&file).expect("still there"), "ten years of work");
    let file = folder.path().join("run.jsonl");
    assert_eq!(recorded_to(&file).status.code(), Some(0));
    assert_eq!(recorded_to(&file).status.code(), Some(0));
    assert_eq!(recorded_to(&folder.path().join("no/such/folder")).status.code(), Some(2));
}

/// A recording's first line, and that of a lane that serves.
fn beginning() -> String {
    let text = fs::read_to_string(nasty("cut.jsonl")).expect("it is in the tree");
    format!("{}\n", text.lines().next().expect("a header"))
}

/// The last fault of a file that continues like this forever.
fn endless(line: &str) -> String {
    struct Again(Vec<u8>, usize);
    impl std::io::Read for Again {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let from = &self.0[self.1..];
            let n = from.len().min(into.len());
            into[..n].copy_from_slice(&from[..n]);
            self.1 = (self.1 + n) % self.0.len();
            Ok(n)
        }
    }
    let input = std::io::Read::chain(std::io::Cursor::new(beginning()), Again(line.into(), 0));
    let (_, faults) = scan(input, |_, _| {}).expect("its first line is in order");
    faults.lines().into_iter().find(|line| line.contains("the file ")).unwrap_or_default()
}

#[test]
fn a_file_without_end_is_read_to_a_ceiling() {
    assert!(endless("\0").contains("256 MiB"), "{}", endless("\0"));
    assert!(endless("garbage\n").contains("lines that say nothing"), "{}", endless("garbage\n"));
    let param = "{\"at_ms\":1,\"event\":\"param\",\"name\":\"store_ms\",\"value\":1}\n";
    assert!(endless(param).contains("200,000 events beside samples"), "{}", endless(param));
    #[cfg(unix)]
    for command in ["view", "report"] {
        let output = firedrill(&[command, "/dev/zero"]).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("line 1"), "{said}");
    }
}

#[test]
fn what_a_sample_may_name_is_bounded_and_what_is_too_much_leaves_no_trace() {
    let sample = |at_ms: usize, server: &str| {
        let other = "\"tasks\":1,\"connections\":1,\"heap_bytes\":1";
        format!(
            "{{\"at_ms\":{at_ms},\"lane\":0,\"event\":\"sample\",\"server\":{{{other},{server}}},\"load\":{{}}}}\n"
        )
    };
    let named = |n: usize| {
        let each: Vec<String> = (0..n).map(|i| format!("\"metric_{i}\":1")).collect();
        format!("\"metrics\":{{{}}}", each.join(","))
    };
    let waits = |n: usize| {
        let site =
            |i| format!("{{\"file\":\"a.rs\",\"line\":{i},\"label\":\"a lock\",\"waiting\":1}}");
        format!("\"wait_sites\":[{}]", (0..n).map(site).collect::<Vec<_>>().join(","))
    };
    for (server, refused) in [
        (named(900), None),
        (named(5000), Some("more than 1000 metrics")),
        (waits(900), None),
        (waits(5000), Some("more than 1000 wait sites")),
        (format!("\"metrics\":{{\"{}\":1}}", "x".repeat(600)), Some("more than 512 bytes")),
    ] {
        // Two thousand samples more, in which nothing is new.
        let mut text = beginning() + &sample(100, &server);
        (2..2000).for_each(|i| text += &sample(i * 100, "\"metrics\":{}"));
        let (mut events, mut most) = (0, 0);
        let (_, faults) = scan(text.as_bytes(), |_, event| {
            events += 1;
            if let firedrill_core::event::EventKind::Sample(sample) = event.what {
                most = most.max(sample.server.map_or(0, |server| server.metrics.len()));
            }
        })
        .expect("its first line is in order");
        let said = faults.lines().join("; ");
        match refused {
            None => assert_eq!((events, said.contains("more than")), (1999, false), "{said}"),
            Some(why) => assert!(events == 1998 && most == 0 && said.contains(why), "{said}"),
        }
    }
}

#[test]
fn parameters_without_end_cost_no_more_than_their_lines() {
    let mut text = beginning();
    for i in 0..50_000 {
        let line = format!("{{\"at_ms\":{i},\"event\":\"param\",\"name\":\"p{i}\",\"value\":1}}\n");
        text.push_str(&line);
    }
    let recording = read(text.as_bytes()).expect("its first line is in order");
    let spec = Spec::recorded(catalogue(), &recording.header).expect("its incident is known");
    let mut told = PageData::new(&spec.case.entry.manifest, &recording.header);
    for event in &recording.events {
        told.push(event.clone());
    }
    // Each name with all those before it would be a thousand million values.
    page::render(&spec.case, &recording.header, &told, &recording.faults);
}
