//! Memory and processors that the children take.

use std::time::Duration;

use firedrill_core::event::TICK;
use firedrill_core::prose::figures::mib;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::time::Instant;

/// Processes that may grow to more than the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{processes} processes may take {} at their caps, and the machine has {} available: \
     fewer lanes or instances would fit",
    mib(*.needed_bytes), mib(*.available_bytes)
)]
pub struct TooLittleMemory {
    /// How many processes.
    pub processes: usize,
    /// What they take at most.
    pub needed_bytes: u64,
    /// What there is.
    pub available_bytes: u64,
}

/// Checks that the machine carries so many processes with so much memory together.
///
/// # Errors
///
/// When it does not.
pub fn enough(processes: usize, needed_bytes: u64) -> Result<(), TooLittleMemory> {
    let mut system = System::new();
    system.refresh_memory();
    fits(processes, needed_bytes, system.available_memory())
}

fn fits(processes: usize, needed_bytes: u64, available_bytes: u64) -> Result<(), TooLittleMemory> {
    // Where the system does not tell, the cap is all there is to trust.
    if available_bytes == 0 || needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(TooLittleMemory { processes, needed_bytes, available_bytes })
}

/// What a process takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resident {
    /// Its resident memory.
    pub bytes: u64,
    /// Share of all processors that it used since the last look, in percent.
    pub cpu_percent: f64,
}

/// Reads what processes take.
#[derive(Debug)]
pub struct Memory {
    system: System,
    cpus: f64,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// A reader that has read nothing yet.
    pub fn new() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { system: System::new(), cpus: cpus as f64 }
    }

    /// What each process takes, in order; none for one that is not there.
    pub fn resident(&mut self, pids: impl Iterator<Item = Option<u32>>) -> Vec<Option<Resident>> {
        let pids: Vec<Option<Pid>> = pids.map(|pid| pid.map(Pid::from_u32)).collect();
        let known: Vec<Pid> = pids.iter().flatten().copied().collect();
        look(&mut self.system, known, ProcessRefreshKind::nothing().with_memory().with_cpu());
        let seen = |pid: Option<Pid>| {
            let process = self.system.process(pid?)?;
            // The system counts in hundredths of a second: finer than a tenth of a percent is noise.
            let cpu_percent = (f64::from(process.cpu_usage()) / self.cpus * 10.0).round() / 10.0;
            Some(Resident { bytes: process.memory(), cpu_percent }).filter(|seen| seen.bytes > 0)
        };
        pids.into_iter().map(seen).collect()
    }
}

/// Looks at these processes, and at those looked at before: one that is gone is forgotten only when it is
/// looked for, and each that is not holds a file open.
fn look(system: &mut System, mut pids: Vec<Pid>, what: ProcessRefreshKind) {
    pids.extend(system.processes().keys());
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
}

/// Watches processes between two samples, the more closely the faster they grow: a cap is overshot by
/// what a process takes between two looks.
#[derive(Debug, Default)]
pub struct Guard {
    system: System,
    /// The last look, and what each process took then.
    last: Option<(Instant, Vec<(u32, u64)>)>,
}

impl Guard {
    /// What each of these processes takes, with its cap, in order; and how long the next look may wait.
    pub fn look(&mut self, processes: &[(u32, u64)]) -> (Vec<u64>, Duration) {
        let pids: Vec<Pid> = processes.iter().map(|(pid, _)| Pid::from_u32(*pid)).collect();
        look(&mut self.system, pids.clone(), ProcessRefreshKind::nothing().with_memory());
        let taken = |pid: &Pid| self.system.process(*pid).map_or(0, sysinfo::Process::memory);
        let taken: Vec<u64> = pids.iter().map(taken).collect();
        let now = Instant::now();
        let mut soonest = TICK;
        if let Some((at, before)) = &self.last {
            let passed = now - *at;
            for ((pid, cap_bytes), bytes) in processes.iter().zip(&taken) {
                if let Some((_, before)) = before.iter().find(|(known, _)| known == pid) {
                    soonest = soonest.min(wait((*before, *bytes, *cap_bytes), passed));
                }
            }
        }
        let pids = processes.iter().map(|(pid, _)| *pid);
        self.last = Some((now, pids.zip(taken.iter().copied()).collect()));
        (taken, soonest)
    }
}

/// The shortest wait between two looks.
const CLOSEST: Duration = Duration::from_millis(4);

/// How long to wait until a process is looked at again, that grew so in `passed`: half of the time
/// until it would be at its cap, should it go on like this.
fn wait((before, now, cap_bytes): (u64, u64, u64), passed: Duration) -> Duration {
    let grown = now.saturating_sub(before) as f64;
    let left = cap_bytes.saturating_sub(now) as f64;
    if grown <= 0.0 {
        return TICK;
    }
    Duration::try_from_secs_f64(passed.as_secs_f64() * left / grown / 2.0)
        .unwrap_or(TICK)
        .clamp(CLOSEST, TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_both_figures() {
        assert_eq!(fits(2, 200 << 20, 200 << 20), Ok(()));
        let said = fits(5, 800 << 20, 512 << 20).expect_err("too many").to_string();
        assert!(said.contains("800 MiB") && said.contains("512 MiB"), "{said}");
    }

    #[test]
    fn who_grows_fast_is_looked_at_often() {
        let tick = Duration::from_millis(100);
        assert_eq!(wait((50, 50, 160), tick), TICK);
        assert_eq!(wait((50, 51, 160), tick), TICK);
        // 10 a tick, 40 are left: in two ticks it is half-way; TICK is the most.
        assert_eq!(wait((110, 120, 160), tick), TICK);
        assert_eq!(wait((140, 150, 160), tick), tick / 2);
        assert_eq!(wait((150, 159, 160), tick / 2), CLOSEST);
        assert_eq!(wait((150, 200, 160), tick), CLOSEST);
    }

    #[test]
    fn processes_that_are_gone_are_forgotten() {
        let (mut memory, mut guard) = (Memory::new(), Guard::default());
        for _ in 0..3 {
            let mut process = std::process::Command::new(std::env::current_exe().expect("a path"))
                .arg("--list")
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("this program starts");
            memory.resident([Some(process.id())].into_iter());
            guard.look(&[(process.id(), u64::MAX)]);
            process.wait().expect("our child");
        }
        memory.resident(std::iter::empty());
        guard.look(&[]);
        assert_eq!((memory.system.processes().len(), guard.system.processes().len()), (0, 0));
    }

    #[test]
    fn reads_this_process_and_not_one_that_is_gone() {
        let read = Memory::new().resident([Some(std::process::id()), None].into_iter());
        assert!(read[0].is_some_and(|seen| seen.bytes > 1 << 20), "{read:?}");
        assert_eq!(read[1], None);
    }
}
