//! `firedrill doctor`: what this machine can and cannot do.

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;

use super::USAGE;
use crate::instruments;
use crate::run::free_memory::{FreeMemory, free_memory};
use crate::supervise::INSTALL_CONSOLE;
use crate::terminal_size;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::child::files;
use firedrill_core::child::replay::WATCHES;
use firedrill_core::figures::{count, mib};
use firedrill_core::incident::manifest::MAX_RATE_PER_S;

struct Finding {
    well: bool,
    name: &'static str,
    says: String,
}

/// Prints the findings; the status tells whether a run can work here.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn print(catalogue: &Catalogue) -> io::Result<ExitCode> {
    let findings = [
        loopback(),
        open_files(catalogue),
        memory(catalogue),
        system(),
        processors(),
        terminal(),
        console(),
    ];
    let mut out = io::stdout().lock();
    let needed = 3;
    for (i, finding) in findings.iter().enumerate() {
        let mark = match (finding.well, i < needed) {
            (true, _) => "ok     ",
            (false, true) => "problem",
            (false, false) => "note   ",
        };
        writeln!(out, "{mark}  {:<14}  {}", finding.name, finding.says)?;
    }
    let well = findings[..needed].iter().all(|finding| finding.well);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
}

/// Local ports of which a run of the usual rate keeps clear.
const ENOUGH_PORTS: u32 = 5000;

fn loopback() -> Finding {
    let (well, says) = match connects() {
        Err(error) => (false, format!("cannot connect to 127.0.0.1: {error}")),
        Ok(()) => match local_ports() {
            Some(ports) if ports < ENOUGH_PORTS => (
                false,
                format!(
                    "connections to 127.0.0.1 work, from {} local ports alone: at high rates the load generator runs out \
                     of them (net.ipv4.ip_local_port_range)",
                    count(ports.into())
                ),
            ),
            _ => (true, "connections to 127.0.0.1 work".to_owned()),
        },
    };
    Finding { well, name: "loopback", says }
}

/// Listens, connects, and accepts.
fn connects() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let _client = TcpStream::connect(listener.local_addr()?)?;
    listener.accept().map(drop)
}

/// Local ports that connections may be made from, where the system tells.
fn local_ports() -> Option<u32> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u32>().ok());
    Some(ends.next_back()?.saturating_sub(ends.next()?) + 1)
}

fn open_files(catalogue: &Catalogue) -> Finding {
    let in_flight = |rate_per_s: f64, timeout_ms: u64| rate_per_s * timeout_ms as f64 / 1000.0;
    let loads = catalogue.entries.iter().map(|entry| &entry.manifest.load);
    let most = loads.map(|load| in_flight(load.rate_per_s, load.client_timeout_ms) * 2.0);
    let needed = files::needed(most.fold(0.0, f64::max));
    match files::limits() {
        Ok(None) => {
            let says = "unlimited".to_owned();
            Finding { well: true, name: "open files", says }
        }
        Ok(Some((soft, hard))) => {
            let free = hard.saturating_sub(files::needed(0.0)) as f64;
            // Two seconds of timeout.
            let rate = |lanes: f64| count((free / 2.0 / lanes).min(MAX_RATE_PER_S) as u64);
            let says = format!(
                "{} allowed, raised by a run to at most {}: up to {} req/s to two lanes, {} to four",
                count(soft),
                count(hard),
                rate(2.0),
                rate(4.0)
            );
            Finding { well: hard >= needed, name: "open files", says }
        }
        Err(error) => Finding { well: false, name: "open files", says: error.to_string() },
    }
}

fn memory(catalogue: &Catalogue) -> Finding {
    let caps = catalogue.entries.iter().map(|entry| entry.manifest.memory.cap_bytes());
    let needed = 2 * caps.max().unwrap_or(0);
    let FreeMemory { bytes, is_limited } = free_memory();
    let limit = if is_limited { " within the limit of this control group (cgroup)" } else { "" };
    let says = format!("{} available{limit}, two lanes take at most {}", mib(bytes), mib(needed));
    Finding { well: bytes >= needed, name: "memory", says }
}

/// Returns the limitations of this system or build.
fn system() -> Finding {
    let name = std::env::consts::OS;
    let mut lacks = Vec::new();
    if !WATCHES {
        lacks.push("`check` cannot watch for calls that block a virtual lane");
    }
    if cfg!(not(target_os = "linux")) {
        lacks.push(
            "if the program file is replaced during a run, new lanes start from the new file",
        );
    }
    if cfg!(windows) {
        lacks.push("a recording cannot be read while it is written");
    }
    if lacks.is_empty() {
        return Finding { well: true, name: "system", says: name.to_owned() };
    }
    Finding { well: false, name: "system", says: format!("{name}: {}", lacks.join("; ")) }
}

fn processors() -> Finding {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let says = match cpus {
        1 => {
            "1: the load generator and the servers share it, so latencies will be noisy".to_owned()
        }
        n => n.to_string(),
    };
    Finding { well: cpus > 1, name: "processors", says }
}

fn terminal() -> Finding {
    if !io::stdout().is_terminal() {
        let says =
            "standard output is not a terminal: `firedrill run` works, the lab does not".to_owned();
        return Finding { well: false, name: "terminal", says };
    }
    let ((width, height), assumed) = terminal_size::size();
    let colours = if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        "no colours (NO_COLOR is set)".to_owned()
    } else {
        match crossterm::style::available_color_count() {
            u16::MAX => "true colour".to_owned(),
            n => format!("{n} colours"),
        }
    };
    let well = width >= 80 && height >= 24 && !assumed;
    let small = if width >= 80 && height >= 24 { "" } else { "; the lab needs 80x24" };
    let untold = if assumed { ", assumed: the terminal does not report its size" } else { "" };
    let says = format!("{width}x{height}{untold}, {colours}{small}");
    Finding { well, name: "terminal", says }
}

fn console() -> Finding {
    let built = instruments::BUILT;
    let (well, says) = match (which::which("tokio-console"), built) {
        (Ok(path), true) => (true, path.display().to_string()),
        (Ok(_), false) => (false, format!("installed, but {}", instruments::MISSING)),
        (Err(_), _) => (false, format!("not installed; {INSTALL_CONSOLE}")),
    };
    Finding { well, name: "tokio-console", says }
}
