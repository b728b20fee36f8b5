//! A virtual lane where there is no process, terminal or socket: under a WASI host, the same
//! events but for the size of the heap.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use firedrill::book::module::{each_line_in_node, in_node};
use firedrill::book::{played, walks};
use firedrill::run::Spec;
use firedrill_core::catalogue::Catalogue;
use firedrill_core::event::Clock;
use firedrill_core::lane::unrolled::Unrolled;
use firedrill_core::page::walk::Recording;
use firedrill_core::plan::{Case, Plan};
use serde_json::{Value, json};

use crate::common::{Ends, catalogue, firedrill, program, skipped};

/// The module, where it has been built; else says how.
fn module() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let module = target.join("wasm32-wasip1/page/firedrill_page.wasm");
    if which::which("node").is_err() {
        skipped("Node is not installed, so no lane has run under a WASI host");
        return None;
    }
    if !module.exists() {
        skipped(
            "no lane has run under a WASI host; first: cargo build \
             --profile page -p firedrill-page --target wasm32-wasip1",
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
    let lane = json!({ "manifests": manifests, "run": run, "lane": 0 });
    format!("{}\n", json!({ "lane": lane }))
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

/// A walk under a WASI host, as a page takes it.
struct Visitor {
    node: Ends,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Visitor {
    fn ask(&mut self, request: &Value) -> Value {
        let stdin = self.node.0.stdin.as_mut().expect("piped");
        writeln!(stdin, "{request}").expect("it reads");
        let answer = self.answers.next().expect("an answer").expect("text");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Opens a walk. Returns what it shows.
    fn open(module: &Path, id: &str, recording: Option<&Recording>) -> (Self, Value) {
        let mut node = each_line_in_node(module);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut node = Ends(node.spawn().expect("it starts"));
        let answers = BufReader::new(node.0.stdout.take().expect("piped")).lines();
        let mut visitor = Self { node, answers };
        let manifests = Catalogue::for_pages(&firedrill_incidents::PACK, |_| None).expect("TOML");
        let data = walks::data(catalogue(), catalogue().find(id).expect("known"));
        let walk = json!({ "plan": data["opens"]["plan"], "seed": 0, "recording": recording });
        let (taught, sources) = (&data["taught"], &data["sources"]);
        let open = json!({
            "manifests": manifests, "taught": taught, "sources": sources, "walk": walk,
        });
        let shown = visitor.ask(&json!({ "open_walk": open }));
        (visitor, shown)
    }

    /// Does something, and lets time pass to the result of the page. Returns what is shown then.
    fn input(&mut self, input: &str) -> Value {
        let mut shown = self.ask(&json!({ "walk": { "Input": input } }));
        while shown["running"] == true {
            shown = self.ask(&json!({ "walk": "Faster" }));
        }
        shown
    }
}

/// The text of HTML, without the marks of code that a terminal shows.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    for (entity, c) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
        text = text.replace(entity, c);
    }
    text.replace('`', "")
}

/// A walk in a page shows the figures and the texts that the same walk shows in a terminal, and the chapter, which is
/// built of it.
fn shows_what_the_terminal_shows(module: &Path, id: &str) {
    let entry = catalogue().find(id).expect("known");
    let plan = Plan { clock: Clock::Virtual, ..Plan::new(&entry.manifest) };
    let mut spec = Spec::new(Case::new(catalogue(), plan).expect("known")).expect("it can run");
    spec.venue.program = program();
    let runtime = firedrill::run::runtime().expect("a runtime");
    let played = runtime.block_on(played::play(spec)).expect("it is played");
    let (mut visitor, mut shown) =
        Visitor::open(module, id, played.recorded.as_ref().map(|(_, runs)| runs));
    for (at, step) in entry.manifest.walk.iter().enumerate() {
        let number = format!("page {} of {}", at + 1, entry.manifest.pages());
        assert_eq!(shown["progress"], number.as_str(), "{id}");
        if let Some(asked) = &step.asks {
            shown = visitor.input("Skip");
            let page = text_of(shown["page"].as_str().expect("HTML"));
            let question = &played.questions[asked];
            let texts = [&question.asking.prompt, &question.says, &question.why];
            let figures = question.figures.iter().map(|(_, figure)| figure);
            for text in texts.into_iter().chain(figures) {
                let text = text.replace('`', "");
                assert!(page.contains(&text), "{id}, {number}: no {text:?} in {page:?}");
            }
        } else if step.until.is_some() {
            visitor.input("Next");
        }
        shown = visitor.input("Next");
    }
    assert!(shown["page"].as_str().is_some_and(|page| page.contains("In Rust")), "{id}: {shown}");
}

#[test]
fn a_walk_in_a_page_shows_what_the_terminal_shows() {
    let Some(module) = module() else { return };
    for id in catalogue().ids() {
        shows_what_the_terminal_shows(&module, id);
    }
}
