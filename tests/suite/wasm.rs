//! A virtual lane where there is no process, terminal or socket: under a WASI host, the same
//! events but for the size of the heap.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use firedrill::book::module::in_node;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::lane::unrolled::Unrolled;
use firedrill_core::plan::{Case, Plan};
use serde_json::{Value, json};

use crate::common::{catalogue, firedrill, skipped};

/// The module, where it has been built; else says how.
fn module() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let module = target.join("wasm32-wasip1/page/examples/lane.wasm");
    if which::which("node").is_err() {
        skipped("Node is not installed, so no lane has run under a WASI host");
        return None;
    }
    if !module.exists() {
        skipped(
            "no lane has run under a WASI host; first: cargo build \
             --profile page -p firedrill-incidents --example lane --target wasm32-wasip1",
        );
        return None;
    }
    Some(module)
}

/// A run up to ten seconds after the release of its broken variant.
fn run(id: &str) -> Plan {
    let manifest = &catalogue().find(id).expect("known").manifest;
    let duration_ms = Some(((manifest.release_s() + 10.0) * 1000.0) as u64);
    Plan { seed: 7, clock: Clock::Virtual, duration_ms, ..Plan::new(manifest) }
}

/// Returns a page's request for its first lane.
fn asked_by_a_page(run: &Plan) -> String {
    let manifests = Catalogue::for_pages(&firedrill_incidents::PACK, |_| None).expect("TOML");
    format!("{}\n", json!({ "manifests": manifests, "run": run, "lane": 0 }))
}

/// Returns the program's message to its own child for the same.
fn told_to_a_child(run: &Plan) -> String {
    let case = Case::new(catalogue(), run.clone()).expect("known");
    let end_ms = run.duration_ms.expect("it ends");
    let (begin, commands) = Unrolled::new(&case, end_ms).lanes.swap_remove(0);
    let commands = commands.iter().map(|command| json!(command));
    let lines = std::iter::once(json!(begin)).chain(commands).map(|line| line.to_string());
    lines.collect::<Vec<String>>().join("\n") + "\n"
}

fn events(mut command: Command, commands: &str) -> Vec<Value> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let commands = commands.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(commands.as_bytes()));
    let output = child.wait_with_output().expect("our child");
    writer.join().expect("no panic").expect("it reads");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| without_heap(serde_json::from_str(line).expect("an event"))).collect()
}

/// A pointer is half as wide there, and so the heap is smaller.
fn without_heap(mut event: Value) -> Value {
    match &mut event {
        Value::Object(fields) => {
            fields.remove("heap_bytes");
            fields.remove("resident_bytes");
            fields.values_mut().for_each(|value| *value = without_heap(value.take()));
        }
        Value::Array(items) => {
            for value in items {
                *value = without_heap(value.take());
            }
        }
        _ => {}
    }
    event
}

#[test]
fn a_lane_under_a_wasi_host_has_the_events_of_the_native_one() {
    let Some(module) = module() else { return };
    // Panics abort there, so the incident that is about them is left out.
    for id in catalogue().ids().filter(|id| *id != "missing-recover") {
        let run = run(id);
        let native = firedrill(&["child"]);
        let wasi = in_node(&module);
        let native = events(native, &told_to_a_child(&run));
        let wasi = events(wasi, &asked_by_a_page(&run));
        assert!(native.len() > 100, "{id}");
        let differs = native.iter().zip(&wasi).find(|(a, b)| a != b);
        assert_eq!(differs, None, "{id}");
        assert_eq!(native.len(), wasi.len(), "{id}");
    }
}
