//! Parents that are killed at any moment, and their children.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use firedrill_core::random::RandomStream;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Found, SEED, firedrill};

/// Time limit for children to notice that their parent is gone.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The latest moment of a kill.
const LATEST_MS: f64 = 2500.0;

const RUNS: [&[&str]; 4] = [
    &["run", "unbuffered-log-channel", "--for", "60s"],
    &["run", "missing-recover", "--for", "60s"],
    &["run", "canary-too-small", "--for", "60s"],
    &["run", "pool-leak", "--clock", "virtual", "--for", "1h", "--rate", "2000"],
];

/// Kills so many parents.
pub fn kills(times: u64) -> anyhow::Result<Found> {
    let dice = RandomStream::new(SEED, "kills");
    let (mut most_children, mut slowest, mut orphans) = (0, Duration::ZERO, 0);
    for n in 0..times {
        let mut parent = firedrill(RUNS[n as usize % RUNS.len()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the program")?;
        sleep(Duration::from_millis((dice.uniform() * LATEST_MS) as u64));
        let children = children_of(parent.id());
        most_children = most_children.max(children.len());
        parent.kill()?;
        parent.wait()?;
        let began = Instant::now();
        while !gone(&children) && began.elapsed() < GONE_WITHIN {
            sleep(Duration::from_millis(10));
        }
        slowest = slowest.max(began.elapsed());
        orphans += u64::from(!gone(&children));
    }
    let says = format!(
        "{times} parents killed, of up to {most_children} children: {orphans} left an orphan; the last \
         child was gone within {slowest:.1?}"
    );
    Ok(Found { well: orphans == 0 && most_children > 0, says })
}

fn processes() -> System {
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    system
}

fn children_of(pid: u32) -> Vec<Pid> {
    let system = processes();
    let ours = |p: &&sysinfo::Process| p.parent() == Some(Pid::from_u32(pid));
    system.processes().values().filter(ours).map(sysinfo::Process::pid).collect()
}

fn gone(children: &[Pid]) -> bool {
    let system = processes();
    let alive = |pid: &Pid| {
        system.process(*pid).is_some_and(|p| p.status() != sysinfo::ProcessStatus::Zombie)
    };
    !children.iter().any(alive)
}
