//! Programs that start others beside them, killed at any moment under a shell: no process is left, and the terminal
//! is as it was.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use firedrill_core::plan::Plan;
use firedrill_core::random::RandomStream;
use nix::sys::signal::{Signal, kill};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::packages::{ID, folder, package};
use super::{FIREDRILL, Found, SEED};

/// The name of a variable that all processes of one trial inherit.
const MARK: &str = "FIREDRILL_SOAK";

/// Time limit for everything to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// The latest moment of a kill.
const LATEST_MS: f64 = 5000.0;

const SIGNALS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGKILL];

/// Code that never gives its processor back.
const LOOPS: &str = "    loop {}\n    #[allow(unreachable_code)]";

/// A command that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The exercise, with its lab open.
    Try,
    /// The exercise, built and judged once.
    TryOnce,
    /// A run with a learner's lane.
    RunWith,
    /// The book, with the lab open.
    Book,
}

/// Kills so many programs.
pub fn terminals(times: u64) -> anyhow::Result<Found> {
    let packages = [package("killed", None)?, package("killed-when-it-loops", Some(LOOPS))?];
    let dice = RandomStream::new(SEED, "terminals");
    let kinds = [Kind::Try, Kind::TryOnce, Kind::RunWith, Kind::Book];
    let (mut wrong, mut most) = (Vec::new(), [0; 4]);
    for n in 0..times as usize {
        let (kind, signal) = (kinds[n % kinds.len()], SIGNALS[n / kinds.len() % SIGNALS.len()]);
        let after = Duration::from_millis(500 + (dice.uniform() * LATEST_MS) as u64);
        let trial = Trial::begin(kind, &packages, n)?;
        let ended = trial.ends(kind, signal, after)?;
        let seen = &mut most[n % kinds.len()];
        *seen = ended.processes.max(*seen);
        if let Some(why) = ended.wrong {
            wrong.push(format!("{kind:?} by {signal} after {after:.1?}: {why}"));
        }
    }
    let says = format!(
        "{times} kills under a shell, of try ({} processes), try --once ({}), run --with ({}) and book ({}): {} left \
         something{}",
        most[0],
        most[1],
        most[2],
        most[3],
        wrong.len(),
        wrong.iter().map(|wrong| ["\n        ", wrong].concat()).collect::<String>()
    );
    // Of those that run, each starts others.
    let killed = &most[..kinds.len().min(times as usize)];
    let well = wrong.is_empty() && killed.iter().all(|processes| *processes > 1);
    Ok(Found { well, says })
}

/// A program that was killed.
struct Ended {
    /// Number of its processes, itself among them, at the moment of the kill.
    processes: usize,
    /// The things that it left, if it left any.
    wrong: Option<String>,
}

/// A shell at a pseudo-terminal, with the program below it.
struct Trial {
    mark: String,
    screen: Arc<Mutex<vt100::Parser>>,
    keyboard: Box<dyn Write + Send>,
    shell: Box<dyn portable_pty::Child + Send + Sync>,
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
    settings: PathBuf,
}

impl Trial {
    fn begin(kind: Kind, [package, loops]: &[PathBuf; 2], n: usize) -> anyhow::Result<Self> {
        let mark = format!("{}-{n}", std::process::id());
        let settings = folder()?.join("settings");
        for name in ["before", "after"] {
            fs::remove_file(settings.with_extension(name)).ok();
        }
        let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/book");
        let does = match kind {
            Kind::Try => format!("try {ID} --folder {}", package.display()),
            Kind::TryOnce => format!("try {ID} --once --folder {}", loops.display()),
            Kind::RunWith => format!("run {ID} --with {} --for 30s", loops.display()),
            Kind::Book => {
                ensure!(book.is_dir(), "build the book first: cargo run --release --example book");
                format!("book {} --no-open --port 0", book.display())
            }
        };
        // Not as the leader of a session: the shell is that.
        let script = format!(
            "stty -g >{at}.before; {FIREDRILL} {does}; read line; stty -g >{at}.after; sleep 1",
            at = settings.display()
        );
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &script]);
        command.cwd(folder()?);
        command.env(MARK, &mark);
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", folder()?.join("state"));
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let shell = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let keyboard = pair.master.take_writer()?;
        let screen = Arc::new(Mutex::new(vt100::Parser::new(36, 120, 0)));
        let seen = Arc::clone(&screen);
        spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if let Ok(mut screen) = seen.lock() {
                    screen.process(&chunk[..read]);
                }
            }
        });
        Ok(Self { mark, screen, keyboard, shell, _terminal: pair.master, settings })
    }

    fn text(&self) -> String {
        self.screen.lock().map(|screen| screen.screen().contents()).unwrap_or_default()
    }

    /// Kills the program, and returns what it left.
    fn ends(mut self, kind: Kind, signal: Signal, after: Duration) -> anyhow::Result<Ended> {
        let shell = Pid::from_u32(self.shell.process_id().context("the shell runs")?);
        // The shell runs `stty` first.
        let program = within(Duration::from_secs(20), || {
            let ours = |process: &&Marked| process.parent == Some(shell) && process.is_firedrill;
            marked(&self.mark).iter().find(ours).map(|process| process.pid)
        });
        let program = program.context("the program did not start")?;
        match kind {
            Kind::Try => {
                within(Duration::from_mins(1), || self.text().contains("lab").then_some(()));
                self.keyboard.write_all(b"l")?;
            }
            Kind::Book => {
                within(Duration::from_secs(20), || {
                    self.text().contains("Ctrl-C ends it").then_some(())
                });
                let page = open_lab(&self.text())?;
                // The page is closed once the lab is there.
                within(Duration::from_secs(20), || (marked(&self.mark).len() > 2).then_some(()));
                drop(page);
            }
            Kind::TryOnce | Kind::RunWith => {}
        }
        sleep(after);
        let pid = nix::unistd::Pid::from_raw(i32::try_from(program.as_u32())?);
        let left = || {
            let all = marked(&self.mark).into_iter().map(|process| process.pid);
            all.filter(|pid| *pid != shell).collect::<Vec<_>>()
        };
        let processes = left().len();
        // It may have ended by itself.
        kill(pid, signal).ok();
        let gone = within(GONE_WITHIN, || left().is_empty().then_some(())).is_some();
        let mut wrong = Vec::new();
        if !gone {
            wrong.push(format!("processes {:?}", left()));
        }
        self.keyboard.write_all(b"\n")?;
        let settings = |name: &str| fs::read_to_string(self.settings.with_extension(name)).ok();
        let told = |name: &str| settings(name).filter(|text| text.ends_with('\n'));
        let later = within(Duration::from_secs(10), || told("after"));
        if later.is_none() || later != told("before") {
            wrong.push("other settings of the terminal".to_owned());
        }
        if let Ok(screen) = self.screen.lock() {
            let screen = screen.screen();
            if screen.alternate_screen() {
                wrong.push("the alternate screen".to_owned());
            }
            if screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None {
                wrong.push("mouse reports".to_owned());
            }
        }
        self.shell.kill().ok();
        self.shell.wait()?;
        for pid in left() {
            kill(nix::unistd::Pid::from_raw(i32::try_from(pid.as_u32())?), Signal::SIGKILL).ok();
        }
        let wrong = (!wrong.is_empty()).then(|| wrong.join(", "));
        Ok(Ended { processes, wrong })
    }
}

/// Asks the book that has printed its address for the lab, as its pages do. Returns the connection, without the answer.
fn open_lab(printed: &str) -> anyhow::Result<TcpStream> {
    let address = printed.split_once("http://").and_then(|(_, rest)| rest.split('/').next());
    let address = address.with_context(|| format!("no address was printed:\n{printed}"))?;
    let ask = |request: String| -> anyhow::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    };
    let mut page = String::new();
    ask(format!("GET /index.html HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))?
        .read_to_string(&mut page)?;
    let word = page.split_once("FIREDRILL_SERVED=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (word, _) = word.context("the page does not say that it is served")?;
    let plan = Plan::new(&firedrill::pack::catalogue()?.find(ID)?.manifest);
    let body = serde_json::to_string(&plan)?;
    ask(format!(
        "POST /firedrill/lab HTTP/1.1\r\nHost: {address}\r\nx-firedrill: {word}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// A process with the mark in its environment.
struct Marked {
    pid: Pid,
    parent: Option<Pid>,
    is_firedrill: bool,
}

fn marked(mark: &str) -> Vec<Marked> {
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing()
        .with_environ(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let wanted = format!("{MARK}={mark}");
    let has = |process: &&sysinfo::Process| {
        process.environ().iter().any(|pair| pair.to_string_lossy() == wanted)
            && process.status() != sysinfo::ProcessStatus::Zombie
    };
    let of = |process: &sysinfo::Process| Marked {
        pid: process.pid(),
        parent: process.parent(),
        is_firedrill: process.exe() == Some(Path::new(FIREDRILL)),
    };
    system.processes().values().filter(has).map(of).collect()
}

/// Waits until there is a value.
fn within<T>(time: Duration, mut value: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        let found = value();
        if found.is_some() || began.elapsed() > time {
            return found;
        }
        sleep(Duration::from_millis(50));
    }
}
