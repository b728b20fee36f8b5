//! Helpers shared by several tests.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use firedrill::run::{Run, Spec};

use crate::pack;
use firedrill::tui::message::Command as ScreenCommand;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::{Event, EventKind};
use firedrill_core::plan::Plan;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

pub fn catalogue() -> &'static Catalogue {
    static READ: LazyLock<&Catalogue> =
        LazyLock::new(|| firedrill::pack::catalogue().expect("manifests are in order"));
    *READ
}

pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_firedrill"))
}

pub fn firedrill(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments);
    command
}

/// Ends a browser, or a server, with the test, in any case.
pub struct Ends(pub Child);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A run of an incident of the pack for tests, which is never started.
pub fn test_spec(incident: &str, variants: &[&str]) -> Spec {
    spec_of(pack::catalogue(), incident, variants)
}

/// A run of this incident with these lanes, its children served by the real program.
pub fn spec(incident: &str, variants: &[&str]) -> Spec {
    spec_of(catalogue(), incident, variants)
}

fn spec_of(catalogue: &'static Catalogue, incident: &str, variants: &[&str]) -> Spec {
    let entry = catalogue.find(incident).expect("the incident is known");
    let mut spec = Spec::of(catalogue, entry).expect("this program has a path");
    spec.venue.program = program();
    spec.case.plan.variants = variants.iter().map(|variant| (*variant).to_owned()).collect();
    spec
}

/// Says that a test is skipped because something is missing on this machine. Where everything is required, by
/// `FIREDRILL_REQUIRE=all`, that is a failure.
///
/// # Panics
///
/// When everything is required.
pub fn skipped(why: &str) {
    let required = std::env::var("FIREDRILL_REQUIRE").is_ok_and(|required| required == "all");
    assert!(!required, "{why}, and FIREDRILL_REQUIRE=all");
    firedrill::notice::note(&format!("SKIPPED: {why}"));
}

/// The same run with another plan.
pub fn planned(mut spec: Spec, change: impl FnOnce(&mut Plan)) -> Spec {
    change(&mut spec.case.plan);
    spec
}

/// The command that a key or a click led to; none: it led to none.
///
/// # Panics
///
/// When there are several.
pub fn only(mut commands: Vec<ScreenCommand>) -> Option<ScreenCommand> {
    assert!(commands.len() < 2, "{commands:?}");
    commands.pop()
}

/// Events of the run up to the first that `wanted` accepts, and including it.
///
/// # Panics
///
/// When it does not come within a minute.
pub async fn until(run: &mut Run, mut wanted: impl FnMut(&Event) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    let search = async {
        while let Some(event) = run.events.recv().await {
            let found = wanted(&event);
            seen.push(event);
            if found {
                return true;
            }
        }
        false
    };
    let found = tokio::time::timeout(Duration::from_mins(1), search).await;
    if found != Ok(true) {
        let rest: Vec<&Event> =
            seen.iter().filter(|event| !matches!(event.what, EventKind::Sample(_))).collect();
        panic!("it did not come; without samples there came {rest:#?}");
    }
    seen
}

/// Waits for a condition that another process will fulfil.
///
/// # Panics
///
/// When it does not within `limit`.
pub fn wait_for(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a program that is run in place of a child. A shell does it: what is open for writing in
/// this process, another test's child may hold open for a moment, and then it cannot be run.
pub fn script(directory: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = directory.path().join("child");
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
    let written = Command::new("sh").args(["-c", write, "sh", text]).arg(&path).status();
    assert!(written.expect("there is a shell").success());
    path
}

fn processes() -> System {
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    system
}

/// The processes that a process has started, and that still run.
pub fn children_of(pid: u32) -> Vec<sysinfo::Pid> {
    let pid = sysinfo::Pid::from_u32(pid);
    let system = processes();
    let ours = |p: &&sysinfo::Process| p.parent() == Some(pid) && p.thread_kind().is_none();
    system.processes().values().filter(ours).map(sysinfo::Process::pid).collect()
}

/// Returns true if none of these processes is running.
pub fn gone(children: &[sysinfo::Pid]) -> bool {
    let system = processes();
    let alive = |pid: &&sysinfo::Pid| {
        system.process(**pid).is_some_and(|p| p.status() != sysinfo::ProcessStatus::Zombie)
    };
    children.iter().find(alive).is_none()
}
