//! Memory and processors that the children take.

use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firedrill_core::event::TICK;
use firedrill_core::figures::mib;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::free_memory::free_memory;

/// Processes that may grow to more than the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{processes} processes may take {} at their caps, and {} are available: \
     fewer lanes or instances would fit",
    mib(*.needed_bytes), mib(*.available_bytes)
)]
pub struct TooLittleMemory {
    /// Number of processes.
    pub processes: usize,
    /// Their maximum memory.
    pub needed_bytes: u64,
    /// Available memory.
    pub available_bytes: u64,
}

/// Checks that the machine carries so many processes with so much memory together.
///
/// # Errors
///
/// When it does not.
pub fn enough(processes: usize, needed_bytes: u64) -> Result<(), TooLittleMemory> {
    fits(processes, needed_bytes, free_memory().bytes)
}

fn fits(processes: usize, needed_bytes: u64, available_bytes: u64) -> Result<(), TooLittleMemory> {
    // Where the system does not tell, the cap is all there is to trust.
    if available_bytes == 0 || needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(TooLittleMemory { processes, needed_bytes, available_bytes })
}

/// Memory of a process.
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

    /// Returns the memory of each process, in order; none for a missing process.
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
    // One that is named twice would be taken for gone.
    let others: Vec<Pid> =
        system.processes().keys().filter(|pid| !pids.contains(pid)).copied().collect();
    pids.extend(others);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
}

/// A process that is held to its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Its lane and instance.
    pub of: (usize, usize),
    /// The process.
    pub pid: u32,
    /// Its cap.
    pub cap_bytes: u64,
}

/// A process that was killed at its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub held: Held,
    /// Its memory.
    pub bytes: u64,
}

/// Holds processes to their caps, from a thread of its own, which has nothing else to do: a cap is overshot by
/// what a process takes between two looks. Dropping it ends the thread.
#[derive(Debug)]
pub struct Guard {
    held: Arc<Mutex<Vec<Held>>>,
    /// Its end is the thread's.
    _ends: std::sync::mpsc::Sender<()>,
}

impl Guard {
    /// Starts the thread, which tells of a process before it kills it.
    ///
    /// # Errors
    ///
    /// When the system has no thread for it.
    pub fn start(reached: mpsc::Sender<Reached>) -> io::Result<Self> {
        let held: Arc<Mutex<Vec<Held>>> = Arc::default();
        let (ends, ended) = std::sync::mpsc::channel();
        let watched = Arc::clone(&held);
        let watch = move || {
            let mut looks = Looks::default();
            let mut wait = TICK;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let held = watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
                wait = looks.look(&held, &reached);
            }
        };
        std::thread::Builder::new().name("memory".to_owned()).spawn(watch)?;
        Ok(Self { held, _ends: ends })
    }

    /// Holds these processes to their caps from now on, and no others.
    pub fn hold(&self, held: Vec<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

/// Results of the measuring thread.
#[derive(Debug, Default)]
struct Looks {
    system: System,
    /// The last look, and what each process took then.
    last: Option<(Instant, Vec<(u32, u64)>)>,
}

impl Looks {
    /// Looks at these processes, kills those at their caps, and tells how long the next look may wait.
    fn look(&mut self, held: &[Held], reached: &mpsc::Sender<Reached>) -> Duration {
        let pids: Vec<Pid> = held.iter().map(|held| Pid::from_u32(held.pid)).collect();
        look(&mut self.system, pids, ProcessRefreshKind::nothing().with_memory());
        let now = Instant::now();
        let (mut soonest, mut taken) = (TICK, Vec::with_capacity(held.len()));
        for held in held {
            let Some(process) = self.system.process(Pid::from_u32(held.pid)) else { continue };
            let bytes = process.memory();
            if bytes >= held.cap_bytes {
                // Told first, so that its end is never heard of before its cause. Without a listener the run
                // is over.
                reached.try_send(Reached { held: *held, bytes }).ok();
                process.kill();
                continue;
            }
            taken.push((held.pid, bytes));
            let before = self.last.as_ref().and_then(|(at, before)| {
                let (_, bytes) = before.iter().find(|(pid, _)| *pid == held.pid)?;
                Some((*bytes, now - *at))
            });
            if let Some((before, passed)) = before {
                soonest = soonest.min(wait((before, bytes, held.cap_bytes), passed));
            }
        }
        self.last = Some((now, taken));
        soonest
    }
}

/// The shortest wait between two looks.
const CLOSEST: Duration = Duration::from_millis(2);

/// Returns the time until the next check of a process that grew like this in `passed`: a quarter of the time until
/// it would reach its limit.
fn wait((before, now, cap_bytes): (u64, u64, u64), passed: Duration) -> Duration {
    let grown = now.saturating_sub(before) as f64;
    let left = cap_bytes.saturating_sub(now) as f64;
    if grown <= 0.0 {
        return TICK;
    }
    Duration::try_from_secs_f64(passed.as_secs_f64() * left / grown / 4.0)
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
        // 10 a tick, 40 are left: that is four ticks.
        assert_eq!(wait((110, 120, 160), tick), TICK);
        assert_eq!(wait((130, 140, 160), tick), tick / 2);
        assert_eq!(wait((150, 159, 160), tick / 2), CLOSEST);
        assert_eq!(wait((150, 200, 160), tick), CLOSEST);
    }

    #[test]
    fn processes_that_are_gone_are_forgotten() {
        let (mut memory, mut looks) = (Memory::new(), Looks::default());
        let (reached, _told) = mpsc::channel(1);
        for _ in 0..3 {
            let mut process = std::process::Command::new(std::env::current_exe().expect("a path"))
                .arg("--list")
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("this program starts");
            memory.resident([Some(process.id())].into_iter());
            let held = Held { of: (0, 0), pid: process.id(), cap_bytes: u64::MAX };
            looks.look(&[held], &reached);
            process.wait().expect("our child");
        }
        memory.resident(std::iter::empty());
        looks.look(&[], &reached);
        assert_eq!((memory.system.processes().len(), looks.system.processes().len()), (0, 0));
    }

    #[test]
    fn reads_this_process_and_not_one_that_is_gone() {
        let mut memory = Memory::new();
        // Time and again.
        for _ in 0..3 {
            let read = memory.resident([Some(std::process::id()), None].into_iter());
            assert!(read[0].is_some_and(|seen| seen.bytes > 1 << 20), "{read:?}");
            assert_eq!(read[1], None);
        }
    }
}
