//! The terminal: how soon it is there, what a frame costs, and what the program takes at rest.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use crossterm::event::{KeyCode, KeyEvent};
use firedrill::run::Spec;
use firedrill::tui::message::Msg;
use firedrill::tui::model::Model;
use firedrill::tui::update::{open, update};
use firedrill::tui::view;
use firedrill_core::event::{Event, EventKind, LoadTick, Outcomes, Sample, ServerSample};
use firedrill_core::session::track::RunId;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{FIREDRILL, tell};

/// Starts the program in a pseudo-terminal of 200 x 50.
fn in_terminal(
    arguments: &[&str],
) -> anyhow::Result<(Box<dyn portable_pty::Child + Send + Sync>, portable_pty::PtyPair)> {
    let size = portable_pty::PtySize { rows: 50, cols: 200, pixel_width: 0, pixel_height: 0 };
    let pair = portable_pty::native_pty_system().openpty(size)?;
    let mut command = portable_pty::CommandBuilder::new(FIREDRILL);
    command.args(arguments);
    command.env("TERM", "xterm-256color");
    Ok((pair.slave.spawn_command(command)?, pair))
}

/// Milliseconds from the start of the program to its first frame, ten times, in order.
pub fn first_frames(arguments: &[&str]) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..10 {
        let start = Instant::now();
        let (mut child, pair) = in_terminal(arguments)?;
        let mut reader = pair.master.try_clone_reader()?;
        let mut seen = Vec::new();
        let mut chunk = vec![0; 65_536];
        while !String::from_utf8_lossy(&seen).contains("quit") {
            let read = reader.read(&mut chunk)?;
            seen.extend_from_slice(&chunk[..read]);
        }
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        child.kill()?;
        child.wait()?;
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

pub fn first_frame() -> anyhow::Result<()> {
    let times = first_frames(&[])?;
    let measured = format!("{:.0} ms median, {:.0} ms at most, of 10", times[5], times[9]);
    tell("launch to first frame", &measured, "<= 100 ms", times[5] <= 100.0);
    Ok(())
}

/// Draws a lab of four lanes with this many seconds of data; returns milliseconds a frame.
fn frame_ms(seconds: u64) -> anyhow::Result<f64> {
    let catalogue = firedrill::pack::catalogue()?;
    let mut model = Model::new(catalogue, (200, 50));
    let mut spec = Spec::of(catalogue, &catalogue.entries[0])?;
    spec.case.plan.variants =
        ["broken", "buffered", "cancelled", "fixed"].map(str::to_owned).to_vec();
    open(&mut model, spec);
    for tick in 0..seconds * 10 {
        for lane in 0..4 {
            let server = ServerSample { tasks: tick * 19 % 5000, ..ServerSample::default() };
            let load = LoadTick {
                sent: 20,
                outcomes: Outcomes { ok: 20, ..Outcomes::default() },
                latency_us: vec![(1500 + tick % 700, 10), (2500, 10)],
                ..LoadTick::default()
            };
            let resident_bytes = Some((20 << 20) + tick % 1000 * 100_000);
            let what = EventKind::Sample(Sample {
                server: Some(server),
                resident_bytes,
                load,
                ..Sample::default()
            });
            update(
                &mut model,
                Msg::Run(RunId::Main, Event { at_ms: tick * 100, lane: Some(lane), what }),
            );
        }
    }
    update(&mut model, Msg::Key(KeyEvent::from(KeyCode::Char('z'))));
    let mut terminal = Terminal::new(TestBackend::new(200, 50))?;
    terminal.draw(|frame| {
        view::draw(frame, &model);
    })?;
    let frames = 200;
    let start = Instant::now();
    for _ in 0..frames {
        terminal.draw(|frame| {
            view::draw(frame, &model);
        })?;
    }
    Ok(start.elapsed().as_secs_f64() * 1000.0 / f64::from(frames))
}

pub fn frame() -> anyhow::Result<()> {
    let (ten, twenty) = (frame_ms(600)?, frame_ms(1200)?);
    let measured = format!("{ten:.2} ms with ten minutes, {twenty:.2} ms with twenty");
    let steady = twenty <= ten * 1.2;
    tell("frame at 200x50, four lanes", &measured, "<= 2 ms, no growth", ten <= 2.0 && steady);
    Ok(())
}

pub fn rest() -> anyhow::Result<()> {
    let arguments = ["lab", "middleware-order", "--variants", "fixed,fixed", "--rate", "1"];
    let (mut parent, pair) = in_terminal(&arguments)?;
    let mut reader = pair.master.try_clone_reader()?;
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    std::thread::sleep(Duration::from_secs(5));
    let pid = parent.process_id().context("it runs")?;
    let mut system = sysinfo::System::new();
    let what = sysinfo::ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::All, true, what);
    let ours = |process: &&sysinfo::Process| {
        let parent = process.parent().map(sysinfo::Pid::as_u32);
        process.thread_kind().is_none() && (process.pid().as_u32() == pid || parent == Some(pid))
    };
    let sizes: Vec<u64> =
        system.processes().values().filter(ours).map(sysinfo::Process::memory).collect();
    parent.kill()?;
    parent.wait()?;
    if sizes.len() != 3 {
        bail!("expected three processes, found {}", sizes.len());
    }
    let mib = sizes.iter().sum::<u64>() as f64 / 1024.0 / 1024.0;
    let measured = format!("{mib:.1} MiB resident together");
    tell("parent and two healthy children at rest", &measured, "<= 80 MiB", mib <= 80.0);
    Ok(())
}
