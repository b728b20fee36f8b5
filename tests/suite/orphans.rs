//! No child survives its parent, whatever ends the parent.

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{children_of, firedrill, gone, wait_for};

/// A live run, and a virtual one that has much to do.
const RUNS: [&[&str]; 2] = [
    &["run", "pool-leak", "--for", "60s"],
    &["run", "pool-leak", "--clock", "virtual", "--for", "1h", "--rate", "2000"],
];

fn start(arguments: &[&str]) -> (Child, Vec<sysinfo::Pid>) {
    let mut parent = firedrill(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut children = Vec::new();
    wait_for("two children", Duration::from_secs(20), || {
        assert!(parent.try_wait().expect("our child").is_none(), "the parent ended early");
        children = children_of(parent.id());
        children.len() == 2
    });
    (parent, children)
}

#[test]
fn when_the_parent_is_killed() {
    for arguments in RUNS {
        let (mut parent, children) = start(arguments);
        parent.kill().expect("our child");
        parent.wait().expect("our child");
        wait_for("the children end", Duration::from_secs(20), || gone(&children));
    }
}

#[test]
fn when_the_parent_is_interrupted() {
    for (signal, arguments) in [Signal::SIGINT, Signal::SIGTERM].into_iter().zip(RUNS) {
        let (mut parent, children) = start(arguments);
        let pid = Pid::from_raw(i32::try_from(parent.id()).expect("a process id"));
        kill(pid, signal).expect("our child");
        wait_for("the parent ends", Duration::from_secs(30), || {
            parent.try_wait().expect("our child").is_some()
        });
        assert!(gone(&children));
    }
}
