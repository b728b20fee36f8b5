//! Runs a program that has the terminal (tokio-console), and ends it when whoever started us has ended:
//! a program that is killed cannot end others, so this waits beside it.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use crate::run::signals::Termination;
use anyhow::Context;
use tokio::process::Command;
use tokio::time::interval;

/// The command that installs tokio-console.
pub const INSTALL_CONSOLE: &str = "cargo install --locked tokio-console";

/// Time between two looks at who started us.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the program to its end, or to that of whoever started us.
///
/// # Errors
///
/// When it cannot be started.
pub async fn attend(program: &OsString, arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let mut ends = crate::run::signals::terminations(|| {})?;
    let mut attended = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut looks = interval(LOOK);
    let parent = parent();
    loop {
        tokio::select! {
            status = attended.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            signal = ends.recv() => {
                attended.kill().await?;
                return Ok(ExitCode::from(signal.map_or(1, Termination::status)));
            }
            _ = looks.tick() => if self::parent() != parent {
                attended.kill().await?;
                return Ok(ExitCode::FAILURE);
            },
        }
    }
}

/// Who started us, or who looks after us since they ended.
#[cfg(unix)]
fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Here a program ends with the job that it belongs to.
#[cfg(not(unix))]
fn parent() -> i32 {
    0
}
