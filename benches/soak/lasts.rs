//! Checks that a long run does not grow.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use firedrill_core::timeline::slope;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Found, firedrill};

/// Before this nothing has settled.
const WARM_UP_S: f64 = 30.0;

/// Accepted growth per minute: MiB of the parent, MiB of the fixed lane, descriptors, threads. A timeline keeps
/// every sample for ten minutes, about 2 MiB a minute for two lanes, and no more after that.
const MOST: [f64; 4] = [3.0, 1.0, 0.5, 0.5];

/// Observed values over time.
#[derive(Default)]
struct Seen {
    parent_mib: Vec<(f64, f64)>,
    lane_mib: Vec<(f64, f64)>,
    descriptors: Vec<(f64, f64)>,
    threads: Vec<(f64, f64)>,
}

/// Watches a run of so many minutes: one lane crashes again and again, the other must not change.
pub fn minutes(minutes: u64) -> anyhow::Result<Found> {
    let lasts = format!("{}s", minutes * 60);
    let mut run = firedrill(&["run", "missing-recover", "--for", &lasts, "--rate", "100"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the program")?;
    let began = Instant::now();
    let mut seen = Seen::default();
    let status = loop {
        sleep(Duration::from_secs(1));
        if let Some(status) = run.try_wait()? {
            break status;
        }
        let at_min = began.elapsed().as_secs_f64() / 60.0;
        if at_min * 60.0 > WARM_UP_S {
            seen.look(run.id(), at_min);
        }
    };
    let slopes = [&seen.parent_mib, &seen.lane_mib, &seen.descriptors, &seen.threads]
        .map(|points| slope(points).unwrap_or(f64::NAN));
    let [parent, lane, descriptors, threads] = slopes;
    let well = slopes.iter().zip(MOST).all(|(slope, most)| *slope <= most) && status.success();
    let says = format!(
        "{minutes} min, {} looks; a minute: parent {parent:+.2} MiB, steady lane {lane:+.2} MiB, \
         descriptors {descriptors:+.2}, threads {threads:+.2}; {status}",
        seen.parent_mib.len(),
    );
    Ok(Found { well, says })
}

impl Seen {
    fn look(&mut self, parent: u32, at_min: f64) {
        let mut system = System::new();
        let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let pid = Pid::from_u32(parent);
        let mib = |process: &sysinfo::Process| process.memory() as f64 / 1024.0 / 1024.0;
        if let Some(process) = system.process(pid) {
            self.parent_mib.push((at_min, mib(process)));
        }
        let children = system.processes().values().filter(|p| p.parent() == Some(pid));
        // The lane that never crashes is the one that has run longest.
        if let Some(oldest) = children.max_by_key(|child| child.run_time()) {
            self.lane_mib.push((at_min, mib(oldest)));
        }
        // Where the system shows them in a folder.
        let count = |folder: &str| {
            fs::read_dir(format!("/proc/{parent}/{folder}")).ok().map(Iterator::count)
        };
        self.descriptors.extend(count("fd").map(|count| (at_min, count as f64)));
        self.threads.extend(count("task").map(|count| (at_min, count as f64)));
    }
}
