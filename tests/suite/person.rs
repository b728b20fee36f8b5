//! A person at a pseudo-terminal, who types and looks.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::common::program;

/// Somebody at a terminal of 120 columns and 36 rows.
pub struct Person {
    pub screen: vt100::Parser,
    pub output: Receiver<Vec<u8>>,
    pub keyboard: Box<dyn Write + Send>,
    pub terminal: Box<dyn MasterPty + Send>,
    pub child: Box<dyn Child + Send + Sync>,
    _state: tempfile::TempDir,
}

/// In the name of a folder that keeps what is remembered from one run to the next.
pub const KEPT: &str = "kept-by-a-test";

pub fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Person {
    pub fn opens(arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(program());
        command.args(arguments);
        Self::watches(command)
    }

    /// Opens it with what is remembered in a folder whose name holds [`KEPT`].
    pub fn remembers(state: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(program());
        command.args(arguments);
        command.env("XDG_STATE_HOME", state);
        Self::watches(command)
    }

    pub fn opens_in(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(program());
        command.args(arguments);
        command.cwd(folder);
        Self::watches(command)
    }

    pub fn watches(mut command: CommandBuilder) -> Self {
        // The tests do not use the developer's own progress.
        let state = tempfile::tempdir().expect("writable");
        if command.get_env("XDG_STATE_HOME").is_none_or(|set| !set.to_string_lossy().contains(KEPT))
        {
            command.env("XDG_STATE_HOME", state.path());
        }
        let pair = native_pty_system().openpty(size(36, 120)).expect("a pseudo-terminal");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("it starts");
        let mut reader = pair.master.try_clone_reader().expect("readable");
        let keyboard = pair.master.take_writer().expect("writable");
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if send.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(36, 120, 0);
        Self { screen, output, keyboard, terminal: pair.master, child, _state: state }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("it reads");
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub fn sees(&mut self, what: &str) {
        self.waits(what, |text| text.contains(what));
    }

    pub fn waits(&mut self, what: &str, holds: impl Fn(&str) -> bool) {
        // Minutes of virtual time may have to pass first, on a machine that has other things to do.
        self.waits_until(what, Duration::from_mins(3), holds);
    }

    pub fn waits_for(&mut self, what: &str, limit: Duration) {
        self.waits_until(what, limit, |text| text.contains(what));
    }

    fn waits_until(&mut self, what: &str, limit: Duration, holds: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + limit;
        while !holds(&self.text()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(why) => panic!("{what}: not on the screen, {why}:\n{}", self.text()),
            }
        }
    }

    /// Takes in what is still on its way: a held screen is silent once it is drawn.
    pub fn is_still(&mut self, ms: u64) {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(ms)) {
            self.screen.process(&bytes);
        }
    }

    /// Takes in what comes in so much time: a screen that goes on is never silent.
    pub fn watches_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok(bytes) =
            self.output.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.screen.process(&bytes);
        }
    }

    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("it runs");
        Pid::from_raw(i32::try_from(pid).expect("a process id"))
    }

    /// Presses `q`. Returns the exit code.
    pub fn quits(&mut self) -> u32 {
        self.keyboard.write_all(b"q").expect("it reads");
        let deadline = Instant::now() + Duration::from_secs(40);
        while self.child.try_wait().expect("our child").is_none() {
            self.watches_for(Duration::from_millis(50));
            assert!(
                Instant::now() < deadline,
                "it does not leave; its threads wait in {}:\n{}",
                threads(self.pid()),
                self.text()
            );
        }
        self.leaves()
    }

    /// Waits for the end; returns the exit code.
    pub fn leaves(&mut self) -> u32 {
        let code = self.child.wait().expect("our child").exit_code();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(500)) {
            self.screen.process(&bytes);
        }
        code
    }

    pub fn terminal_is_restored(&self) -> bool {
        let screen = self.screen.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
    }
}

/// The threads of a process, each with the kernel function that it waits in, where the system shows them.
fn threads(pid: Pid) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let threads = tasks.map(|task| {
        let (name, place) = (read(task.path().join("comm")), read(task.path().join("wchan")));
        format!("{} ({})", name.trim(), place.trim())
    });
    threads.collect::<Vec<_>>().join(", ")
}
