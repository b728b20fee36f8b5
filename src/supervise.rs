//! Programs that end with their parent, however that ends: tokio-console, an editor, the lab that another
//! command opens, cargo and what it starts.
//!
//! A program that is killed cannot end others, so another process waits beside it ([`supervise`]). One that the
//! terminal is lent to is a [`crate::guest::Guest`].

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

use crate::run::process_group;
use crate::run::signals::{Termination, terminations};
use crate::run::spec::this_program;

/// The command that installs tokio-console.
pub const INSTALL_CONSOLE: &str = "cargo install --locked tokio-console";

/// Time between two looks at who started us.
const LOOK: Duration = Duration::from_millis(100);

/// Time limit for a program that was asked to end: it may have a terminal to restore.
pub const GRACE: Duration = Duration::from_secs(2);

/// Runs the program to its end, or to that of our parent; what it has started ends with it.
///
/// # Errors
///
/// When it cannot be started.
pub async fn supervise(program: &OsString, arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    process_group::adopt();
    let mut ends = terminations(process_group::end_strays)?;
    let mut supervised = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut looks = interval(LOOK);
    let parent = parent();
    let code = loop {
        tokio::select! {
            status = supervised.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                break code.map_or(ExitCode::FAILURE, ExitCode::from);
            }
            signal = ends.recv() => {
                dismiss(&mut supervised, GRACE).await?;
                break ExitCode::from(signal.map_or(1, Termination::status));
            }
            _ = looks.tick() => if self::parent() != parent {
                dismiss(&mut supervised, GRACE).await?;
                break ExitCode::FAILURE;
            },
        }
    };
    process_group::end_strays();
    Ok(code)
}

/// Asks a program to end, and ends it after a time.
///
/// # Errors
///
/// When the system refuses.
pub async fn dismiss(program: &mut Child, grace: Duration) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(pid) = program.id().and_then(|pid| i32::try_from(pid).ok()) {
        use nix::sys::signal::{Signal, kill};
        // It has ended by itself, if not.
        kill(nix::unistd::Pid::from_raw(pid), Signal::SIGTERM).ok();
        // One that is stopped would not hear of it.
        kill(nix::unistd::Pid::from_raw(pid), Signal::SIGCONT).ok();
    }
    match timeout(grace, program.wait()).await {
        Ok(ended) => ended.map(drop),
        Err(_) => program.kill().await,
    }
}

/// A command that runs a program supervised.
///
/// # Errors
///
/// When this program cannot be found.
pub fn supervised(program: impl AsRef<OsStr>) -> io::Result<Command> {
    let mut command = Command::new(this_program()?);
    command.arg("supervise").arg(program);
    Ok(command)
}

/// Returns the process id of the parent, or of the process that adopted us.
#[cfg(unix)]
fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Here a program ends with the job that it belongs to.
#[cfg(not(unix))]
fn parent() -> i32 {
    0
}
