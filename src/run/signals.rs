//! External termination of the program: an interrupt, a request to terminate, a closed terminal.
//!
//! The first is passed to the running command, which then ends in order. If it is not taken within a
//! second (the program is held up, perhaps by output that nobody reads), or when another one comes, the
//! program ends at once: its children end with it.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

/// Longest delay of a signal.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// Reasons for termination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// Ctrl-C.
    Interrupted,
    /// Somebody asks it to end.
    Terminated,
    /// Its terminal was closed.
    HungUp,
}

impl Termination {
    /// In words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::HungUp => "hung up",
        }
    }

    /// The exit status of a program that ends for it: 128 and the number of the Unix signal.
    pub fn status(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::HungUp => 129,
        }
    }
}

/// Starts to listen for termination. `leave` is called if the program ends at once. Must be called within a
/// runtime.
///
/// # Errors
///
/// When the system does not let us listen.
pub fn terminations(leave: fn()) -> io::Result<mpsc::Receiver<Termination>> {
    let (to, terminations) = mpsc::channel(1);
    let hear = Hear { to, heard: Arc::default(), leave };
    system::listen(&hear)?;
    Ok(terminations)
}

/// Reasons for a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It is asked to give the terminal back to the shell.
    Stop,
    /// It goes on.
    Go,
}

/// Starts to listen for pauses. Must be called within a runtime.
///
/// # Errors
///
/// When the system does not let us listen.
pub fn pauses() -> io::Result<mpsc::Receiver<Pause>> {
    let (to, pauses) = mpsc::channel(4);
    system::listen_for_pauses(&to)?;
    Ok(pauses)
}

impl std::fmt::Display for Termination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.says())
    }
}

/// Reason of a failure.
impl std::error::Error for Termination {}

impl From<Termination> for ExitCode {
    fn from(what: Termination) -> Self {
        Self::from(what.status())
    }
}

#[derive(Debug, Clone)]
struct Hear {
    to: mpsc::Sender<Termination>,
    heard: Arc<AtomicBool>,
    leave: fn(),
}

impl Hear {
    fn hear(&self, what: Termination) {
        let again = self.heard.swap(true, Ordering::SeqCst);
        if again || self.to.try_send(what).is_err() {
            self.end(what);
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(HEARD_WITHIN).await;
            if this.to.capacity() == 0 {
                this.end(what);
            }
        });
    }

    fn end(&self, what: Termination) -> ! {
        (self.leave)();
        std::process::exit(what.status().into());
    }
}

#[cfg(unix)]
mod system {
    use super::{Hear, Termination, io};
    use tokio::signal::unix::{SignalKind, signal};

    pub(super) fn listen(hear: &Hear) -> io::Result<()> {
        for (kind, what) in [
            (SignalKind::interrupt(), Termination::Interrupted),
            (SignalKind::terminate(), Termination::Terminated),
            (SignalKind::hangup(), Termination::HungUp),
        ] {
            let (mut arriving, hear) = (signal(kind)?, hear.clone());
            tokio::spawn(async move {
                while arriving.recv().await.is_some() {
                    hear.hear(what);
                }
            });
        }
        Ok(())
    }

    pub(super) fn listen_for_pauses(
        to: &tokio::sync::mpsc::Sender<super::Pause>,
    ) -> io::Result<()> {
        use super::Pause;
        let kinds = [(nix::libc::SIGTSTP, Pause::Stop), (nix::libc::SIGCONT, Pause::Go)];
        for (kind, what) in kinds {
            let (mut arriving, to) = (signal(SignalKind::from_raw(kind))?, to.clone());
            tokio::spawn(async move {
                // Of several at once one is enough.
                while arriving.recv().await.is_some() && !to.is_closed() {
                    to.try_send(what).ok();
                }
            });
        }
        Ok(())
    }

    /// Stops this program until its shell lets it go on.
    pub fn stand_still() {
        // A system that does not stop it lets it go on.
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP).ok();
    }

    /// Lets a write beyond the limit on file sizes fail, where the system would end the program. Must be
    /// called within a runtime.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn outlive_file_limit() -> io::Result<()> {
        // A listener in place of the system's own is enough: nobody has to listen.
        signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).map(drop)
    }
}

#[cfg(windows)]
mod system {
    use super::{Hear, Termination, io};
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

    pub(super) fn listen(hear: &Hear) -> io::Result<()> {
        macro_rules! listen {
            ($signal:ident, $what:expr) => {
                let (mut arriving, hear) = ($signal()?, hear.clone());
                tokio::spawn(async move {
                    while arriving.recv().await.is_some() {
                        hear.hear($what);
                    }
                });
            };
        }
        listen!(ctrl_c, Termination::Interrupted);
        listen!(ctrl_break, Termination::Terminated);
        listen!(ctrl_close, Termination::HungUp);
        listen!(ctrl_logoff, Termination::HungUp);
        listen!(ctrl_shutdown, Termination::Terminated);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as where a shell stops programs")]
    pub(super) fn listen_for_pauses(
        to: &tokio::sync::mpsc::Sender<super::Pause>,
    ) -> io::Result<()> {
        // Kept, so that a receiver waits forever.
        let to = to.clone();
        tokio::spawn(async move { to.closed().await });
        Ok(())
    }

    /// Here no shell stops a program.
    pub fn stand_still() {}

    /// This system has no limit on file sizes that would end a program.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn outlive_file_limit() -> io::Result<()> {
        Ok(())
    }
}

pub use system::{outlive_file_limit, stand_still};
