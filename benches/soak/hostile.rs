//! Command lines that nobody meant, recordings that nobody wrote.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use firedrill_core::random::RandomStream;

use super::{Found, SEED, firedrill};

/// Time limit of a command line. A command that takes longer is killed, which is not an error.
const PATIENCE: Duration = Duration::from_secs(3);

/// Time limit for reading a recording.
const READ_WITHIN: Duration = Duration::from_secs(30);

const VERBS: [&str; 13] = [
    "run",
    "run",
    "run",
    "lab",
    "view",
    "report",
    "list",
    "check",
    "serve",
    "new",
    "doctor",
    "picture",
    "completions",
];

const NAMES: [&str; 12] = [
    "unbuffered-log-channel",
    "missing-recover",
    "pool-leak",
    "middleware-order",
    "retry-storm",
    "canary-too-small",
    "metric-cardinality",
    "pool-laek",
    "/dev/null",
    "/nowhere.jsonl",
    "bash",
    "\u{1b}]0;title\u{7}",
];

/// Number of incident ids among the names.
const INCIDENTS: usize = 7;

/// Number of options that belong to runs.
const OF_RUNS: usize = 8;

/// Options, and what stands behind them: what is meant, and what is not.
const OPTIONS: [(&str, &[&str]); 14] = [
    ("--clock", &["virtual", "live", "sundial"]),
    ("--for", &["1s", "2s", "0s", "-1s", "1e9h", "99999999999999999999s"]),
    ("--rate", &["100", "5000", "0", "-5", "NaN", "1e308"]),
    ("--seed", &["1", "18446744073709551615", "18446744073709551616", "-1"]),
    ("--set", &["store_ms=5", "store_ms=-1", "store_ms=NaN", "=", "nothing=1", "store_ms"]),
    (
        "--variants",
        &["broken,fixed", "fixed", "broken,broken,broken,broken,broken", ",", "nothing"],
    ),
    ("--json", &[]),
    ("--record", &["r.jsonl", "/dev/null", "/nowhere/at/all.jsonl", "."]),
    ("--seeds", &["1", "0", "-1"]),
    ("--skip-live", &[]),
    ("--port", &["0", "1", "65536"]),
    ("--bugs", &["pool-leak=broken", "pool-leak=", "=broken", "nothing=fixed"]),
    ("--", &[]),
    ("--no-such-option", &["1"]),
];

/// A command line with a verb, most often with what it is about, and up to three options.
fn command_line(dice: &RandomStream) -> Vec<&'static str> {
    let mut words = vec![pick(dice, &VERBS)];
    let runs = matches!(words[0], "run" | "lab" | "picture");
    if dice.hits(if runs { 95.0 } else { 40.0 }) {
        // Most often an incident.
        let names = if dice.hits(80.0) { &NAMES[..INCIDENTS] } else { &NAMES[..] };
        words.push(pick(dice, names));
    }
    // What would take minutes is bounded first; a later option may say otherwise.
    if words[0] == "run" && dice.hits(80.0) {
        words.extend(["--for", "1s"]);
    }
    for _ in 0..(dice.uniform() * 4.0) as usize {
        let known = if runs && dice.hits(90.0) { &OPTIONS[..OF_RUNS] } else { &OPTIONS[..] };
        let (option, values) = pick(dice, known);
        words.push(option);
        if !values.is_empty() && dice.hits(95.0) {
            words.push(pick(dice, values));
        }
    }
    words
}

fn pick<T: Copy>(dice: &RandomStream, from: &[T]) -> T {
    from[(dice.uniform() * from.len() as f64) as usize]
}

/// Runs so many command lines of random parts.
pub fn commands(times: u64) -> anyhow::Result<Found> {
    let dice = RandomStream::new(SEED, "command lines");
    let folder = tempfile::tempdir()?;
    let (mut worst, mut ended, mut killed) = (Vec::new(), [0; 3], 0);
    for _ in 0..times {
        let words = command_line(&dice);
        let child = firedrill(&words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the program")?;
        let (code, said) = outcome(child, PATIENCE)?;
        match code {
            None => killed += 1,
            Some(code @ 0..=2) => ended[code as usize] += 1,
            Some(_) => {}
        }
        if code.is_some_and(|code| !(0..=2).contains(&code))
            || said.contains("panicked")
            || said.contains('\u{1b}')
        {
            worst.push(format!("{words:?}: {code:?}"));
        }
    }
    let [well, no, usage] = ended;
    let says = format!(
        "{times} command lines: status 0 {well}, 1 {no}, 2 {usage}, still running after {PATIENCE:?} \
         {killed}; wrong {}{}",
        worst.len(),
        first(&worst)
    );
    Ok(Found { well: worst.is_empty(), says })
}

/// Makes pages of so many recordings with damage of every kind.
pub fn recordings(times: u64) -> anyhow::Result<Found> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("whole.jsonl");
    let whole = file.to_str().context("a path that is text")?;
    let arguments =
        ["run", "missing-recover", "--clock", "virtual", "--for", "12s", "--record", whole];
    let made = firedrill(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(made.code().is_some_and(|code| code < 2), "no recording to damage: {made}");
    let whole = fs::read(&file)?;
    let damaged = folder.path().join("damaged.jsonl");
    let path = damaged.to_str().context("a path that is text")?;
    let dice = RandomStream::new(SEED, "damage");
    let (mut worst, mut shown, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for n in 0..times {
        fs::write(&damaged, damage(&whole, &dice))?;
        let began = Instant::now();
        let child = firedrill(&["report", path, "-o", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the program")?;
        let (code, said) = outcome(child, READ_WITHIN)?;
        slowest = slowest.max(began.elapsed());
        shown += u64::from(code == Some(0));
        if !matches!(code, Some(0 | 2)) || said.contains("panicked") {
            worst.push(format!("number {n}: {code:?}"));
        }
    }
    let says = format!(
        "{times} damaged recordings: {shown} shown, {} refused, the slowest in {slowest:.1?}; wrong {}{}",
        times - shown,
        worst.len(),
        first(&worst)
    );
    Ok(Found { well: worst.is_empty(), says })
}

fn first(worst: &[String]) -> String {
    worst.first().map_or(String::new(), |first| format!(", first {first}"))
}

/// Its exit code, or none if it had to be killed; and what it said on standard error.
fn outcome(mut child: Child, patience: Duration) -> anyhow::Result<(Option<i32>, String)> {
    let mut stderr = child.stderr.take().context("piped")?;
    let said = std::thread::spawn(move || {
        let mut said = Vec::new();
        // What was read until then is what there is.
        stderr.read_to_end(&mut said).ok();
        String::from_utf8_lossy(&said).into_owned()
    });
    let began = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait()? {
            // Killed by a signal that was not ours.
            break Some(status.code().unwrap_or(-1));
        }
        if began.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            break None;
        }
        sleep(Duration::from_millis(2));
    };
    Ok((code, said.join().unwrap_or_default()))
}

/// A copy with one to three damages.
fn damage(whole: &[u8], dice: &RandomStream) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = |bytes: &[u8]| (dice.uniform() * bytes.len() as f64) as usize;
    for _ in 0..=(dice.uniform() * 3.0) as usize {
        let place = at(&bytes);
        match (dice.uniform() * 7.0) as usize {
            0 => bytes.truncate(place),
            1 => {
                bytes.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << (place % 8));
            }
            2 => drop(bytes.drain(place..(place + 500).min(bytes.len()))),
            3 => {
                let number = ["-1", "1e308", "18446744073709551615", "null", "[]", "\"\\u001b\""];
                bytes.splice(place..place, pick(dice, &number).bytes());
            }
            4 => {
                let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                let other = (dice.uniform() * lines.len() as f64) as usize;
                let one = (dice.uniform() * lines.len() as f64) as usize;
                lines.swap(one, other);
                bytes = lines.join(&b'\n');
            }
            5 => {
                let part = bytes[place..(place + 20_000).min(bytes.len())].to_vec();
                bytes.splice(place..place, part);
            }
            _ => {
                // A digit more makes a number ten times as large.
                if let Some(digit) = bytes[place..].iter().position(u8::is_ascii_digit) {
                    bytes.splice(place + digit..place + digit, *b"9999");
                }
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}
