//! Memory and processors that the children take.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

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
            let cpu_percent = f64::from(process.cpu_usage()) / self.cpus;
            Some(Resident { bytes: process.memory(), cpu_percent }).filter(|seen| seen.bytes > 0)
        };
        pids.into_iter().map(look).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process_and_not_one_that_is_gone() {
        let read = Memory::new().resident([Some(std::process::id()), None].into_iter());
        assert!(read[0].is_some_and(|seen| seen.bytes > 1 << 20), "{read:?}");
        assert_eq!(read[1], None);
    }
}
