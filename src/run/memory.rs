//! Resident memory of the children.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Reads the resident memory of processes.
#[derive(Debug)]
pub struct Memory(System);

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// A reader that has read nothing yet.
    pub fn new() -> Self {
        Self(System::new())
    }

    /// Bytes of each process, in order; none for one that is not there.
    pub fn resident(&mut self, pids: impl Iterator<Item = Option<u32>>) -> Vec<Option<u64>> {
        let pids: Vec<Option<Pid>> = pids.map(|pid| pid.map(Pid::from_u32)).collect();
        let known: Vec<Pid> = pids.iter().flatten().copied().collect();
        let what = ProcessRefreshKind::nothing().with_memory();
        self.0.refresh_processes_specifics(ProcessesToUpdate::Some(&known), true, what);
        let bytes = |pid: Option<Pid>| {
            self.0.process(pid?).map(sysinfo::Process::memory).filter(|bytes| *bytes > 0)
        };
        pids.into_iter().map(bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process_and_not_one_that_is_gone() {
        let read = Memory::new().resident([Some(std::process::id()), None].into_iter());
        assert!(read[0].is_some_and(|bytes| bytes > 1 << 20), "{read:?}");
        assert_eq!(read[1], None);
    }
}
