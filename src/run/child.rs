//! One process that serves a lane, and its pipes.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

use super::{Address, Messages, process_group};
use firedrill_core::event::{self, ChildStart};
use firedrill_core::incident::fleet::Fleet;
use firedrill_core::sanitize::log_line;

/// The longest line that a child may write: more is not an event.
const LONGEST_LINE: u64 = 1 << 20;

/// Commands that may wait for a child that does not read.
const COMMANDS: usize = 64;

/// Messages of a child, and its end.
#[derive(Debug)]
pub enum Message {
    /// A line on its standard output.
    Line(String),
    /// A line on its standard error.
    Stderr(String),
    /// It ended.
    Exited(ExitStatus),
}

/// A child that runs, or ran. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    /// Its process.
    pub pid: u32,
    commands: Option<mpsc::Sender<Vec<u8>>>,
    kill: Option<oneshot::Sender<()>>,
}

impl Child {
    /// Starts a process, and tells it what to be; its messages carry `address`. Must be called within
    /// a runtime.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn start(
        program: &Path,
        begin: &ChildStart,
        address: Address,
        messages: &Messages,
    ) -> io::Result<Self> {
        process_group::bind()?;
        let mut start = Command::new(program);
        process_group::keep_from_terminal(&mut start);
        let mut process = start
            .arg("child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("RUST_BACKTRACE")
            .kill_on_drop(true)
            .spawn()?;
        let pid = process.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        let missing = || io::Error::other("it has no pipe");
        let stdin = process.stdin.take().ok_or_else(missing)?;
        let (commands, commanded) = mpsc::channel(COMMANDS);
        // The channel is new, and so has room.
        commands.try_send(line(begin)).ok();
        let (kill, killed) = oneshot::channel();
        tokio::spawn(command(stdin, commanded));
        let speaker = Speaker { messages: messages.clone(), address };
        tokio::spawn(async move {
            // What it has started ends with it.
            let kin = process_group::ProcessGroup::of(Some(pid));
            let status = supervise(&mut process, killed, &speaker).await;
            drop(kin);
            speaker.say(Message::Exited(status)).await;
        });
        Ok(Self { pid, commands: Some(commands), kill: Some(kill) })
    }

    /// Sends a command.
    ///
    /// # Errors
    ///
    /// When the child has ended, or reads no commands.
    pub fn command(&self, command: event::ParentSays) -> Result<(), &'static str> {
        let Some(commands) = &self.commands else {
            return Err("it is about to end");
        };
        commands.try_send(line(&command)).map_err(|_| "it reads no commands")
    }

    /// Shows the instances of its lane to a child that steers their release.
    ///
    /// # Errors
    ///
    /// When the child has ended, or does not read.
    pub fn show(&self, fleet: &Fleet) -> Result<(), &'static str> {
        let Some(commands) = &self.commands else {
            return Err("it is about to end");
        };
        commands.try_send(line(fleet)).map_err(|_| "it does not read")
    }

    /// Sends a command, once there is room for it.
    ///
    /// # Errors
    ///
    /// When the child has ended.
    pub async fn command_in_turn(&self, command: event::ParentSays) -> Result<(), &'static str> {
        let Some(commands) = &self.commands else {
            return Err("it is about to end");
        };
        commands.send(line(&command)).await.map_err(|_| "it has ended")
    }

    /// Closes its standard input, upon which it ends by itself.
    pub fn close(&mut self) {
        self.commands = None;
    }

    /// Returns true if it has not been told to end.
    pub fn is_open(&self) -> bool {
        self.commands.is_some()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(kill) = self.kill.take() {
            kill.send(()).ok();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Something as a line of JSON.
fn line(said: &impl Serialize) -> Vec<u8> {
    // Plain data with text keys always has a JSON form.
    let mut line = serde_json::to_vec(said).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Writes lines until there are no more; dropping the pipe then ends the child.
async fn command(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Signs a child's messages.
struct Speaker {
    messages: Messages,
    address: Address,
}

impl Speaker {
    async fn say(&self, message: Message) {
        // Without a listener the run is over, and so is the child.
        self.messages.send((self.address, message)).await.ok();
    }
}

/// Passes on what the child writes until it has ended.
async fn supervise(
    process: &mut tokio::process::Child,
    killed: oneshot::Receiver<()>,
    speaker: &Speaker,
) -> ExitStatus {
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    let out = async {
        let Some(stdout) = stdout else { return };
        let mut reader = BufReader::new(stdout);
        while let Some((line, whole)) = next_line(&mut reader).await {
            // A process that ends while it writes leaves part of a line, which says nothing.
            if whole {
                speaker.say(Message::Line(line)).await;
            }
        }
    };
    let err = async {
        let Some(stderr) = stderr else { return };
        let mut reader = BufReader::new(stderr);
        while let Some((line, _)) = next_line(&mut reader).await {
            if !line.is_empty() {
                speaker.say(Message::Stderr(log_line(&line))).await;
            }
        }
    };
    let pipes = async { tokio::join!(out, err) };
    let ended = async {
        tokio::select! {
            status = process.wait() => status,
            Ok(()) = killed => {
                process.start_kill().ok();
                process.wait().await
            }
        }
    };
    let mut pipes = std::pin::pin!(pipes);
    let status = tokio::select! {
        _ = &mut pipes => None,
        status = ended => Some(status),
    };
    let status = if let Some(status) = status {
        // What it wrote last is still in the pipes; but a grandchild may hold them open.
        tokio::time::timeout(Duration::from_millis(500), pipes).await.ok();
        status
    } else {
        // It closed its output, and with it its lane: there is nothing more to learn from it.
        let wait = tokio::time::timeout(Duration::from_secs(1), process.wait()).await;
        if wait.is_err() {
            process.start_kill().ok();
        }
        process.wait().await
    };
    status.unwrap_or_default()
}

/// The next line, without its end, or as much of it as an event can have; and whether it is a whole
/// one, or too long to become one. Bytes that are no text are replaced.
async fn next_line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<(String, bool)> {
    let mut line = Vec::new();
    let read = reader.take(LONGEST_LINE).read_until(b'\n', &mut line).await.ok()?;
    if read == 0 {
        return None;
    }
    let whole = line.last() == Some(&b'\n') || read as u64 == LONGEST_LINE;
    Some((String::from_utf8_lossy(&line).trim_end().to_owned(), whole))
}
