//! A program that the terminal is lent to: whatever state it leaves the terminal in, that is put right.

use std::io;
use std::process::ExitStatus;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture};
use crossterm::queue;
use crossterm::terminal::{EndSynchronizedUpdate, LeaveAlternateScreen};
use tokio::process::{Child, Command};

use crate::supervise::{GRACE, dismiss};

/// A program that the terminal is lent to.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    lent: Lent,
}

impl Guest {
    /// Lends it the terminal, which is in no mode of ours.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn invite(command: &mut Command) -> io::Result<Self> {
        let lent = Lent::new();
        Ok(Self { child: command.spawn()?, lent })
    }

    /// Waits until it has ended. May be dropped and called again.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.lent.take_back();
        Ok(status)
    }

    /// Asks it to end, waits for that, and takes the terminal back.
    pub async fn dismiss(mut self) {
        // Its supervisor waits, too. Where that is in vain the system has no such process any more.
        dismiss(&mut self.child, GRACE * 2).await.ok();
        self.lent.take_back();
    }
}

/// Returns the escape sequences that leave the alternate screen and all modes.
pub fn farewell() -> Vec<u8> {
    let mut last = Vec::new();
    // Into memory, which takes everything.
    queue!(last, EndSynchronizedUpdate, DisableBracketedPaste, DisableMouseCapture).ok();
    queue!(last, LeaveAlternateScreen, crossterm::cursor::Show).ok();
    last
}

/// The terminal's mode while another program has it. That program may be killed, and leave it as it pleases.
#[derive(Debug)]
pub struct Lent {
    #[cfg(unix)]
    mode: Option<nix::sys::termios::Termios>,
}

impl Lent {
    /// As the terminal is now.
    #[cfg(unix)]
    pub fn new() -> Self {
        Self { mode: nix::sys::termios::tcgetattr(io::stdin()).ok() }
    }

    /// As the terminal is now: here its mode belongs to who writes.
    #[cfg(not(unix))]
    pub fn new() -> Self {
        Self {}
    }

    /// Makes it so again, where it is not: a program that ended by itself has cleaned up.
    #[cfg(unix)]
    pub fn take_back(&self) {
        use std::io::Write;

        use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
        let Some(mode) = &self.mode else { return };
        let flags = |mode: &nix::sys::termios::Termios| (mode.local_flags, mode.input_flags);
        let left = tcgetattr(io::stdin()).is_ok_and(|now| flags(&now) == flags(mode));
        if !left {
            // A terminal that is gone needs no restoring.
            tcsetattr(io::stdin(), SetArg::TCSANOW, mode).ok();
            let mut out = io::stdout();
            out.write_all(&farewell()).and_then(|()| out.flush()).ok();
        }
    }

    /// Makes it so again.
    #[cfg(not(unix))]
    pub fn take_back(&self) {}
}

impl Default for Lent {
    fn default() -> Self {
        Self::new()
    }
}
