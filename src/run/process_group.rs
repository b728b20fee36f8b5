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
pub struct ProcessGroup {
    #[cfg_attr(not(unix), expect(dead_code, reason = "the job ends them"))]
    group: Option<u32>,
}

impl ProcessGroup {
    /// The kin of a child that was started apart from the terminal: its group bears its number.
    pub fn of(pid: Option<u32>) -> Self {
        Self { group: pid }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.and_then(|group| i32::try_from(group).ok()) {
            use nix::sys::signal::{Signal, killpg};
            // Where nobody is left of it, there is nobody to end.
            killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL).ok();
        }
    }
}

/// Takes in, from now on, what processes of ours leave behind when they end: what a learner's code starts may
/// have left its group. Where the system has no such thing, groups have to do.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    if nix::sys::prctl::set_child_subreaper(true).is_ok() {
        strays::ADOPTED.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Ends what was left behind since [`adopt`]. To be called when no child of ours is to go on.
pub fn end_strays() {
    #[cfg(target_os = "linux")]
    strays::end();
}

#[cfg(target_os = "linux")]
mod strays {
    use std::sync::atomic::{AtomicBool, Ordering};

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::waitpid;
    use nix::unistd::Pid;
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

    /// True if this process adopts orphans of its children.
    pub(super) static ADOPTED: AtomicBool = AtomicBool::new(false);

    /// Times that it is looked: who is ended leaves its own behind.
    const LOOKS: u32 = 20;

    pub(super) fn end() {
        if !ADOPTED.load(Ordering::Relaxed) {
            return;
        }
        let ours = sysinfo::Pid::from_u32(std::process::id());
        let mut system = System::new();
        for _ in 0..LOOKS {
            let what = ProcessRefreshKind::nothing().without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
            let strays = system.processes().values();
            let strays = strays.filter(|p| p.parent() == Some(ours) && p.thread_kind().is_none());
            let strays = strays.filter_map(|p| i32::try_from(p.pid().as_u32()).ok());
            let strays: Vec<Pid> = strays.map(Pid::from_raw).collect();
            if strays.is_empty() {
                return;
            }
            for stray in strays {
                // It may have ended by itself; then there is only its status to take.
                kill(stray, Signal::SIGKILL).ok();
                waitpid(stray, None).ok();
            }
        }
    }
}
