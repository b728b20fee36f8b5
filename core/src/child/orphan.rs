//! A child does not outlive its parent, whatever its code does: a thread of its own looks who the parent is. The end of
//! standard input, which ends a child in order, is read by code that a lane's may hold up.

use std::io;

/// Ends this process, and what it has started, once its parent has ended.
///
/// # Errors
///
/// When there is no thread for it.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the wall's time, also where a lane's is paused")]
pub fn end_with_parent() -> io::Result<()> {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// Time between two looks.
    const LOOK: Duration = Duration::from_millis(250);

    /// The heap is measured to the byte: what the thread allocates at its start is to be the same each time.
    static LOOKS: AtomicBool = AtomicBool::new(false);

    // Checked at the first start: a parent that has ended since then is another one.
    let parent = nix::unistd::getppid();
    #[cfg(target_os = "linux")]
    // What leaves its own parent comes to us; where the system has no such thing, the group has to do.
    nix::sys::prctl::set_child_subreaper(true).ok();
    let look = move || {
        LOOKS.store(true, Ordering::Release);
        loop {
            std::thread::sleep(LOOK);
            if nix::unistd::getppid() != parent {
                end();
            }
        }
    };
    std::thread::Builder::new().name("orphan".to_owned()).spawn(look)?;
    while !LOOKS.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    Ok(())
}

/// A job of the system's ends the children here.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn end_with_parent() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn end() -> ! {
    use nix::sys::signal::{Signal, kill, killpg};
    use nix::unistd::{getpgrp, getpid};

    /// Times that it is looked: who is ended leaves its own behind.
    const LOOKS: u32 = 20;

    for _ in 0..LOOKS {
        let started = started();
        if started.is_empty() {
            break;
        }
        for pid in started {
            // It may have ended by itself.
            kill(pid, Signal::SIGKILL).ok();
            nix::sys::wait::waitpid(pid, None).ok();
        }
    }
    if getpgrp() == getpid() {
        // This process is one of them.
        killpg(getpid(), Signal::SIGKILL).ok();
    }
    std::process::exit(1)
}

/// The processes whose parent this is, where the system tells.
#[cfg(unix)]
fn started() -> Vec<nix::unistd::Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children =
        threads.filter_map(|of| std::fs::read_to_string(of.path().join("children")).ok());
    let children: Vec<String> = children.collect();
    let pids = children.iter().flat_map(|line| line.split_whitespace());
    pids.filter_map(|pid| Some(nix::unistd::Pid::from_raw(pid.parse().ok()?))).collect()
}
