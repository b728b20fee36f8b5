//! External termination is handled whatever blocks the program, and no process is left.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use firedrill::run::{Control, Run};
use firedrill_core::event::Clock;
use firedrill_core::plan::Plan;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::common::{catalogue, children_of, firedrill, gone, program, script, spec, wait_for};
use crate::person::Person;

type Terminal = (Box<dyn MasterPty + Send>, Box<dyn portable_pty::Child + Send + Sync>);

/// The program in a terminal whose output nobody reads.
fn unread(arguments: &[&str], path: Option<&Path>) -> Terminal {
    let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(program());
    command.args(arguments);
    command.env("TERM", "xterm-256color");
    if let Some(path) = path {
        let old = std::env::var("PATH").expect("there is a path");
        command.env("PATH", format!("{}:{old}", path.display()));
    }
    (pair.master, pair.slave.spawn_command(command).expect("it starts"))
}

fn pid(child: &dyn portable_pty::Child) -> Pid {
    let pid = child.process_id().expect("it runs");
    Pid::from_raw(i32::try_from(pid).expect("a process id"))
}

fn lines(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

#[test]
fn a_closed_terminal_ends_the_lab_and_its_recording_has_its_end() {
    let folder = tempfile::tempdir().expect("writable");
    let file = folder.path().join("r.jsonl");
    let record = ["lab", "middleware-order", "--record", file.to_str().expect("text")];
    let (terminal, mut lab) = unread(&record, None);
    wait_for("a recording", Duration::from_secs(30), || lines(&file) > 50);
    drop(terminal);
    assert_eq!(lab.wait().expect("our child").exit_code(), 129);
    let output = firedrill(&["report", file.to_str().expect("text")]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "the recording is whole: {said}");
}

#[test]
fn a_lab_whose_terminal_takes_no_output_hears_a_signal() {
    let (_terminal, mut lab) = unread(&["lab", "middleware-order"], None);
    let mut children = Vec::new();
    wait_for("its lanes", Duration::from_secs(30), || {
        children = children_of(lab.process_id().expect("it runs"));
        children.len() == 2
    });
    // Long enough for a terminal's buffer to be full: it holds less than one frame.
    std::thread::sleep(Duration::from_secs(1));
    kill(pid(&*lab), Signal::SIGTERM).expect("our child");
    let mut code = None;
    wait_for("it leaves", Duration::from_secs(20), || {
        code = lab.try_wait().expect("our child");
        code.is_some()
    });
    assert_eq!(code.map(|status| status.exit_code()), Some(143));
    wait_for("the lanes end", Duration::from_secs(10), || gone(&children));
}

#[test]
fn a_run_whose_standard_error_takes_no_output_hears_a_signal() {
    let (_unread, full) = nix::unistd::pipe().expect("a pipe");
    let full = File::from(full);
    // As much as a pipe holds.
    (&full).write_all(&vec![b'\n'; 65_536]).expect("room");
    let mut run = firedrill(&["run", "missing-recover", "--for", "60s"])
        .stdout(Stdio::null())
        .stderr(full)
        .spawn()
        .expect("it starts");
    wait_for("its lanes", Duration::from_secs(30), || children_of(run.id()).len() == 2);
    kill(Pid::from_raw(i32::try_from(run.id()).expect("a process id")), Signal::SIGTERM)
        .expect("our child");
    wait_for("it ends", Duration::from_secs(20), || run.try_wait().expect("our child").is_some());
}

#[test]
fn a_run_whose_report_nobody_takes_ends_when_it_is_told_to() {
    let (_unread, full) = nix::unistd::pipe().expect("a pipe");
    let full = File::from(full);
    (&full).write_all(&vec![b'\n'; 65_536]).expect("room");
    let mut run = firedrill(&["run", "missing-recover", "--for", "60s"])
        .stdout(full)
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("its lanes", Duration::from_secs(30), || children_of(run.id()).len() == 2);
    kill(Pid::from_raw(i32::try_from(run.id()).expect("a process id")), Signal::SIGTERM)
        .expect("our child");
    assert_eq!(run.wait().expect("our child").code(), Some(143));
}

#[test]
fn a_second_interrupt_ends_a_run_that_hangs() {
    let arguments = ["run", "pool-leak", "--clock", "virtual", "--for", "1h", "--rate", "2000"];
    let mut command = firedrill(&arguments);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut children = Vec::new();
    wait_for("its lanes", Duration::from_secs(30), || {
        children = children_of(run.id());
        children.len() == 2
    });
    let as_pid = |pid: u32| Pid::from_raw(i32::try_from(pid).expect("a process id"));
    for child in &children {
        kill(as_pid(child.as_u32()), Signal::SIGSTOP).expect("its child");
    }
    kill(as_pid(run.id()), Signal::SIGINT).expect("our child");
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.try_wait().expect("our child").is_none(), "it waits for its lanes");
    kill(as_pid(run.id()), Signal::SIGINT).expect("our child");
    assert_eq!(run.wait().expect("our child").code(), Some(130));
    for child in &children {
        kill(as_pid(child.as_u32()), Signal::SIGCONT).expect("a lane");
    }
    wait_for("the lanes end", Duration::from_secs(10), || gone(&children));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_lane_that_hangs_is_not_waited_for_when_the_run_is_told_to_end() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut spec = spec("pool-leak", &["broken", "fixed"]);
    spec.case.plan.clock = Clock::Virtual;
    spec.venue.program = script(&directory, "exec sleep 60");
    let mut run = Run::start(spec).expect("the parent starts");
    run.control.send(Control::Stop).await.expect("it listens");
    while run.events.recv().await.is_some() {}
    let said = run.ended().await.expect_err("no lane answers").to_string();
    assert!(said.contains("for 3s: its code blocks"), "{said}");
}

/// The state that the system gives a process, by its letter.
fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn a_lab_that_is_suspended_gives_the_terminal_back_and_takes_it_again() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let mut person = Person::opens(&["lab", "pool-leak"]);
    person.sees("A broken");
    for by_key in [true, false] {
        if by_key {
            person.types("\u{1a}");
        } else {
            kill(person.pid(), Signal::SIGTSTP).expect("our child");
        }
        let pid = person.pid();
        wait_for("it stops", Duration::from_secs(10), || state(pid) == Some('T'));
        person.is_still(200);
        assert!(person.terminal_is_restored());
        std::thread::sleep(Duration::from_secs(2));
        kill(pid, Signal::SIGCONT).expect("our child");
        person.waits("the lab again", |text| text.contains("A broken"));
        // In the whole log: other lines may come after it. Each key waits for the screen of the one
        // before: Escape and a letter that are read at once are that letter with Alt.
        person.types("L");
        person.waits("the log", |text| {
            text.contains("┌ events ─") && text.contains("was suspended for")
        });
        person.types("\u{1b}");
        person.waits("the log is closed", |text| {
            text.contains("A broken") && !text.contains("┌ events ─")
        });
    }
    // What cannot be heard: the terminal is taken as it was left, and redrawn.
    kill(person.pid(), Signal::SIGSTOP).expect("our child");
    let pid = person.pid();
    wait_for("it stops", Duration::from_secs(10), || state(pid) == Some('T'));
    person.is_still(200);
    person.screen = vt100::Parser::new(36, 120, 0);
    kill(pid, Signal::SIGCONT).expect("our child");
    person.sees("A broken");
    assert_eq!(person.quits(), 0);
    assert!(person.terminal_is_restored());
}

#[test]
fn a_letter_with_a_modifier_and_a_paste_are_no_keys() {
    let mut person = Person::opens(&["lab", "pool-leak"]);
    person.sees("A broken");
    // Alt-q, Ctrl-R, an answer that nobody asked for, and a paste.
    person.types("\u{1b}q\u{12}\u{1b}]0;qx\u{7}");
    person.types("\u{1b}[200~look at the bugs, quick\n\u{1b}[201~");
    person.watches_for(Duration::from_secs(1));
    assert!(person.child.try_wait().expect("our child").is_none(), "it goes on");
    assert!(!person.text().contains("does nothing here"), "{}", person.text());
    person.types("\u{3}");
    assert_eq!(person.leaves(), 0);
    let mut person = Person::opens(&[]);
    person.sees("search");
    person.types("/pool");
    person.sees("pool");
    person.types(" of\u{17}\u{3}");
    assert_eq!(person.leaves(), 0, "Ctrl-C leaves the search, too");
    assert!(person.terminal_is_restored());
}

#[test]
fn a_lab_that_a_page_asked_for_is_not_the_pages() {
    let book = tempfile::tempdir().expect("writable");
    fs::create_dir(book.path().join("firedrill")).expect("writable");
    fs::write(book.path().join("index.html"), "<html><head></head></html>").expect("writable");
    for (end, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let folder = book.path().to_str().expect("text");
        let mut person = Person::opens(&["book", "--no-open", folder]);
        person.sees("http://127.0.0.1:");
        let text = person.text();
        let host = text.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let host = host.expect("an address").to_owned();
        let send = |request: String| {
            let mut stream = std::net::TcpStream::connect(&host).expect("it listens");
            stream.write_all(request.as_bytes()).expect("it reads");
            stream
        };
        let mut page = String::new();
        let get = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        send(get).read_to_string(&mut page).expect("it answers");
        let word = page.split("SERVED=\"").nth(1).and_then(|rest| rest.split('"').next());
        let word = word.expect("a word");
        let entry = catalogue().find("pool-leak").expect("it is known");
        let plan = serde_json::to_string(&Plan::new(&entry.manifest)).expect("plain data");
        let asks = send(format!(
            "POST /firedrill/lab HTTP/1.1\r\nHost: {host}\r\nX-Firedrill: {word}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{plan}",
            plan.len()
        ));
        person.sees("A broken");
        // The page is closed.
        drop(asks);
        person.watches_for(Duration::from_secs(1));
        assert!(person.screen.screen().alternate_screen(), "the lab goes on:\n{}", person.text());
        kill(person.pid(), end).expect("our child");
        assert_eq!(person.leaves(), code);
        assert!(person.terminal_is_restored(), "after {end}");
    }
}

#[test]
fn tokio_console_ends_with_the_lab_whatever_ends_that() {
    let folder = tempfile::tempdir().expect("writable");
    let at = folder.path().display();
    let console = script(&folder, &format!("echo $$ >> {at}/pids\nexec sleep 600"));
    fs::rename(console, folder.path().join("tokio-console")).expect("writable");
    let pids = folder.path().join("pids");
    for (n, (signal, code)) in
        [(Signal::SIGTERM, Some(143)), (Signal::SIGKILL, None)].iter().enumerate()
    {
        let (terminal, mut lab) =
            unread(&["lab", "middleware-order", "--console"], Some(folder.path()));
        // Its output must be read here: tokio-console gets a terminal that takes some.
        let mut output = terminal.try_clone_reader().expect("readable");
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let mut keyboard = terminal.take_writer().expect("writable");
        wait_for("tokio-console", Duration::from_secs(30), || {
            // Until the lane is ready the key does nothing.
            keyboard.write_all(b"t").expect("it reads");
            std::thread::sleep(Duration::from_millis(200));
            lines(&pids) == n + 1
        });
        let text = fs::read_to_string(&pids).expect("written");
        let console = text.lines().last().and_then(|line| line.parse().ok()).expect("a pid");
        kill(pid(&*lab), *signal).expect("our child");
        let status = lab.wait().expect("our child");
        if let Some(code) = code {
            assert_eq!(status.exit_code(), *code);
        }
        let console = [sysinfo::Pid::from_u32(console)];
        wait_for("tokio-console ends", Duration::from_secs(20), || gone(&console));
    }
}
