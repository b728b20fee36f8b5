//! Benchmarks of an exercise: the first build of a package, and the time from a save to the verdict.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::{FIREDRILL, tell};

/// From nothing but crates that cargo has fetched to the first verdict; then from saves to verdicts: one that
/// fails at once, and one that holds in all trials.
pub fn exercise() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    once(folder.path(), 1)?;
    let first_s = started.elapsed().as_secs_f64();
    let wanted = "<= 60 s on two cores";
    tell("first build and verdict", &format!("{first_s:.1} s"), wanted, first_s <= 60.0);
    let (mut fails, mut holds) = (Vec::new(), Vec::new());
    for round in 0..3 {
        fails.push(saved(folder.path(), "buffered.rs", round, 1)?);
        holds.push(saved(folder.path(), "fixed.rs", round, 0)?);
    }
    let worst = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let (fails_s, holds_s) = (worst(&fails), worst(&holds));
    let measured = format!("fails {fails_s:.1} s, holds {holds_s:.1} s, at most, of 3 each");
    tell("save to verdict", &measured, "<= 8 s on two cores", holds_s.max(fails_s) <= 8.0);
    Ok(())
}

/// Saves a form of the incident's in the exercise's place, and waits for the verdict; the seconds that takes.
fn saved(folder: &Path, form: &str, round: u32, status: i32) -> anyhow::Result<f64> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents/unbuffered_log_channel");
    let text = fs::read_to_string(tree.join(form))?;
    // Each save is another text, so that there is something to build.
    let text = format!("{text}// save {round}\n");
    fs::write(folder.join("unbuffered-log-channel/src/exercise.rs"), text)?;
    let started = Instant::now();
    once(folder, status)?;
    Ok(started.elapsed().as_secs_f64())
}

fn once(folder: &Path, status: i32) -> anyhow::Result<()> {
    let mut command = std::process::Command::new(FIREDRILL);
    command.args(["try", "unbuffered-log-channel", "--once"]).current_dir(folder);
    command.env("XDG_STATE_HOME", folder.join("state"));
    let output = command.output().context("it starts")?;
    if output.status.code() != Some(status) {
        bail!("{}", String::from_utf8_lossy(&output.stdout));
    }
    // A file system that tells times in whole milliseconds is to see the next save.
    std::thread::sleep(Duration::from_millis(20));
    Ok(())
}
