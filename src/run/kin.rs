//! Children end with their parent, whatever ends that.
//!
//! A child ends by itself when its standard input does, which its parent's end closes. On Windows the system
//! sees to it as well: all belong to one job, which ends with the process that made it.

use std::io;

use tokio::process::Command;

/// Makes the children that this process starts from now on end with it.
///
/// # Errors
///
/// When the system refuses.
#[cfg(windows)]
pub fn bind() -> io::Result<()> {
    use std::sync::OnceLock;
    use win32job::{ExtendedLimitInfo, Job};
    // Kept open until this process ends.
    static JOB: OnceLock<Result<Job, String>> = OnceLock::new();
    let made = JOB.get_or_init(|| {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = Job::create_with_limit_info(&limits).map_err(|error| error.to_string())?;
        job.assign_current_process().map_err(|error| error.to_string())?;
        Ok(job)
    });
    made.as_ref().map(|_| ()).map_err(|error| io::Error::other(error.clone()))
}

/// Here a child sees the end of its standard input, which is enough.
///
/// # Errors
///
/// Never.
#[cfg(not(windows))]
pub fn bind() -> io::Result<()> {
    Ok(())
}

/// Keeps Ctrl-C at the terminal from a child: it is for the parent alone.
pub fn keep_from_terminal(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP` of the Windows API, which also switches Ctrl-C off.
        const NEW_GROUP: u32 = 0x200;
        command.creation_flags(NEW_GROUP);
    }
}

/// The processes of a child's group: it, and what it started. Dropping this ends all that are left of them.
#[derive(Debug)]
pub struct Kin {
    #[cfg_attr(not(unix), expect(dead_code, reason = "the job ends them"))]
    group: Option<u32>,
}

impl Kin {
    /// The kin of a child that was started apart from the terminal: its group bears its number.
    pub fn of(pid: Option<u32>) -> Self {
        Self { group: pid }
    }
}

impl Drop for Kin {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.and_then(|group| i32::try_from(group).ok()) {
            use nix::sys::signal::{Signal, killpg};
            // Where nobody is left of it, there is nobody to end.
            killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL).ok();
        }
    }
}
