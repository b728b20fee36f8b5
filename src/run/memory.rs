//! Memory and processors that the children take.

use firedrill_core::prose::figures::mib;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

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

/// Checks that the machine carries so many processes at their caps.
///
/// # Errors
///
/// When it does not.
pub fn enough(processes: usize, cap_bytes: u64) -> Result<(), TooLittleMemory> {
    let mut system = System::new();
    system.refresh_memory();
    fits(processes, cap_bytes, system.available_memory())
}

fn fits(processes: usize, cap_bytes: u64, available_bytes: u64) -> Result<(), TooLittleMemory> {
    let needed_bytes = processes as u64 * cap_bytes;
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
        let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&known), true, what);
        let look = |pid: Option<Pid>| {
            let process = self.system.process(pid?)?;
            // The system counts in hundredths of a second: finer than a tenth of a percent is noise.
            let cpu_percent = (f64::from(process.cpu_usage()) / self.cpus * 10.0).round() / 10.0;
            Some(Resident { bytes: process.memory(), cpu_percent }).filter(|seen| seen.bytes > 0)
        };
        pids.into_iter().map(look).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_both_figures() {
        assert_eq!(fits(2, 100 << 20, 200 << 20), Ok(()));
        let said = fits(5, 160 << 20, 512 << 20).expect_err("too many").to_string();
        assert!(said.contains("800 MiB") && said.contains("512 MiB"), "{said}");
    }

    #[test]
    fn reads_this_process_and_not_one_that_is_gone() {
        let read = Memory::new().resident([Some(std::process::id()), None].into_iter());
        assert!(read[0].is_some_and(|seen| seen.bytes > 1 << 20), "{read:?}");
        assert_eq!(read[1], None);
    }
}
