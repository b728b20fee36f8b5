//! Processors: real ones live, a simulated budget of them on the virtual clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

/// Models of CPU time.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// This function keeps the calling thread busy for a time.
    Real(fn(Duration)),
    /// A piece of work takes one of the simulated processors for its time.
    Simulated,
}

/// The processors of one process.
#[derive(Debug)]
pub(super) struct Cpu {
    work: Work,
    free: Semaphore,
    worked_ns: AtomicU64,
}

impl Cpu {
    pub(super) fn new(work: Work, cpus: usize) -> Self {
        Self { work, free: Semaphore::new(cpus), worked_ns: AtomicU64::new(0) }
    }

    pub(super) async fn work(&self, time: Duration) {
        match self.work {
            Work::Real(burn) => burn(time),
            Work::Simulated => {
                // Never closed, so there is always a processor, sooner or later.
                let _busy = self.free.acquire().await;
                tokio::time::sleep(time).await;
            }
        }
        self.worked_ns.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(super) fn worked(&self) -> Duration {
        Duration::from_nanos(self.worked_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn simulated_work_takes_its_time_on_as_many_processors_as_there_are() {
        let cpu = Cpu::new(Work::Simulated, 2);
        let ten = || cpu.work(Duration::from_millis(10));
        let start = tokio::time::Instant::now();
        tokio::join!(ten(), ten(), ten(), ten());
        assert_eq!(start.elapsed(), Duration::from_millis(20));
        assert_eq!(cpu.worked(), Duration::from_millis(40));
    }
}
