//! A learner's code that says more than anybody can read: the program that listens must not grow.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::packages::{ID, package};
use super::{Found, firedrill};

/// MiB by which the parent may grow.
const MOST_MIB: f64 = 64.0;

/// The floods: a name, and code that runs in each request until the run ends.
const FLOODS: [(&str, &str); 3] = [
    (
        "errors",
        "    loop { eprintln!(\"a line that nobody asked for\"); tokio::task::yield_now().await; }",
    ),
    (
        "names",
        "    for n in 0_u64.. { metrics::counter!(format!(\"made_up_{n}\")).increment(1); tokio::task::yield_now().await; }",
    ),
    (
        "labels",
        "    for n in 0_u64.. { metrics::counter!(\"made_up\", \"n\" => n.to_string()).increment(1); tokio::task::yield_now().await; }",
    ),
];

/// Listens to each flood for so many seconds, live.
pub fn floods(seconds: u64) -> anyhow::Result<Found> {
    let mut says = Vec::new();
    let mut well = true;
    for (name, code) in FLOODS {
        let code = format!("{code}\n    #[allow(unreachable_code)]");
        let package = package(&format!("flood-of-{name}"), Some(&code))?;
        let lasts = format!("{seconds}s");
        let mut run = firedrill(&["run", ID, "--for", &lasts, "--with"])
            .arg(&package)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the program")?;
        let began = Instant::now();
        let (mut first, mut most) = (None, 0.0_f64);
        let status = loop {
            sleep(Duration::from_millis(200));
            if let Some(status) = run.try_wait()? {
                break status;
            }
            let mib = resident_mib(run.id());
            if began.elapsed() > Duration::from_secs(2) {
                first = first.or(mib);
            }
            most = most.max(mib.unwrap_or_default());
            if began.elapsed() > Duration::from_secs(seconds + 60) {
                run.kill()?;
                well = false;
            }
        };
        let grown = most - first.unwrap_or_default();
        // The verdict may be anything; a run that could not be made is no test.
        well &= grown <= MOST_MIB && status.code().is_some_and(|code| code < 2);
        says.push(format!("{name} {grown:+.0} MiB ({status})"));
    }
    let says = format!("{seconds} s each, growth of the parent: {}", says.join(", "));
    Ok(Found { well, says })
}

fn resident_mib(pid: u32) -> Option<f64> {
    let mut system = System::new();
    let pid = Pid::from_u32(pid);
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    Some(system.process(pid)?.memory() as f64 / f64::from(1 << 20))
}
