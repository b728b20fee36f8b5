//! The book in a real browser: its charts run there as the program runs them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::book::{built, copy, lane};
use crate::common::{Ends, firedrill, skipped};
use crate::devtools::chromium;

/// Script that operates a page and returns its observations.
const TRIES: &str = r#"
<script>
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
const said = console.error;
console.error = (...words) => { errors.push(words.join(" ")); said(...words); };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
addEventListener("load", async () => {
  while (document.documentElement.dataset.firedrill !== "ready") await sleep(20);
  const block = document.querySelector(".fd-live");
  const rows = () => Object.fromEntries([...block.querySelectorAll(".fd-table tbody tr")].map((row) =>
    [row.cells[0].textContent, [...row.cells].slice(1).map((cell) => cell.textContent)]));
  const drawn = () => Number(block.dataset.drawn ?? 0);
  const top = () => Math.min(...[...block.querySelectorAll("svg")][0].querySelector("polyline.tasks")
    .getAttribute("points").split(" ").map((point) => Number(point.split(",")[1])));
  const change = async (input, value) => {
    const before = drawn();
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    const began = performance.now();
    while (drawn() === before && performance.now() - began < 20000) await sleep(5);
    await sleep(100);
    return { rows: rows(), ms: Number(block.dataset.ms), top: top(), command: block.querySelector(".fd-command code").textContent,
      figures: [...document.querySelectorAll(".fd-figure")].slice(0, 6).map((figure) => figure.textContent) };
  };
  const begin = { rows: rows(), top: top() };
  const drag = document.querySelector(".fd-drag");
  const more = await change(drag, 400);
  const fewer = await change(drag, 40);
  const slider = block.querySelectorAll("input[type=range]")[0];
  const second = await change(slider, 750);
  const controls = [...block.querySelectorAll("input, button, summary")];
  const form = document.querySelector("form.fd-question");
  const asks = {};
  if (form) {
    const answer = form.querySelector(".fd-answer");
    asks.hidden = answer.hidden;
    form.querySelector("input[data-right=false]").checked = true;
    form.requestSubmit();
    asks.told = !answer.hidden;
    asks.state = form.dataset.state;
    asks.word = form.querySelector(".fd-word").textContent;
  }
  const hosts = performance.getEntriesByType("resource").map((entry) => entry.name);
  const report = { begin, more, fewer, second, errors, asks, hosts: [...new Set(hosts)],
    named: controls.every((control) => control.tabIndex >= 0), lab: block.textContent.includes("open in the lab"),
    wide: document.documentElement.scrollWidth - innerWidth, status: block.querySelector(".fd-status").textContent };
  await fetch("REPORT", { method: "POST", mode: "no-cors", body: JSON.stringify(report) });
});
</script>"#;

/// Operates a page in a window of this width.
fn tried(
    browser: &Path,
    folder: &Path,
    address: &str,
    listener: &TcpListener,
    width: u16,
) -> Value {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--window-size={width},900"))
        .arg(format!("--user-data-dir={}", folder.join(format!("profile-{width}")).display()))
        .args(["--remote-debugging-port=0", address])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _browser = Ends(command.spawn().expect("the browser starts"));
    listener.set_nonblocking(true).expect("a listener");
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        assert!(Instant::now() < deadline, "{address} has said nothing");
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        if let Some(report) = posted(stream) {
            return report;
        }
    }
}

/// Returns the data posted on a connection.
fn posted(stream: TcpStream) -> Option<Value> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").ok()?;
    serde_json::from_slice(&body).ok()
}

/// The run that a page's command names, as the program runs it.
fn native(command: &str) -> Value {
    let arguments = command.split(' ').skip(1);
    let output = firedrill(&[]).args(arguments).arg("--json").output().expect("it runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// A figure of a row, as a number.
fn figure(tried: &Value, row: &str, lane: usize) -> f64 {
    let text = tried["rows"][row][lane].as_str().unwrap_or_else(|| panic!("{row}: {tried}"));
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{row}: {text}"))
}

/// Checks that a page and the program compute the same for one command.
fn agrees(tried: &Value) {
    let native = native(tried["command"].as_str().expect("a command"));
    for lane in 0..2 {
        let there = &native["lanes"][lane];
        let count = |name: &str| there["requests"][name].as_f64().expect("a count");
        assert!((figure(tried, "requests sent", lane) - count("sent")).abs() < 0.5, "{tried}");
        assert!((figure(tried, "ok", lane) - count("ok")).abs() < 0.5, "{tried}");
        assert!((figure(tried, "timed out", lane) - count("timed_out")).abs() < 0.5, "{tried}");
        let peak = there["tasks"]["peak"].as_f64().expect("a peak");
        assert!((figure(tried, "tasks, peak", lane) - peak).abs() <= 0.5 + peak * 1e-3, "{tried}");
    }
    // What grows is as large there, though pointers are half as wide: and so a kill comes when it comes here.
    let there = &native["lanes"][0];
    let ends = there["exits"].as_array().map_or(0, Vec::len) as f64;
    assert!((figure(tried, "exits", 0) - ends).abs() < 0.5, "{tried}");
    let rows = tried["rows"].as_object().expect("a table");
    let row = rows.keys().find(|row| row.starts_with("memory, peak")).expect("a row of memory");
    let (text, peak) = (rows[row][0].as_str(), there["memory_bytes"]["peak"].as_f64());
    if let (Some(mib), Some(peak)) = (text.and_then(|text| text.strip_suffix(" MiB")), peak) {
        let bytes = mib.parse::<f64>().expect("a number") * 1_048_576.0;
        assert!((bytes / peak - 1.0).abs() < 0.03, "{row}: {bytes}, natively {peak}: {tried}");
    }
}

#[test]
fn charts_run_in_a_browser_as_the_program_runs_them() {
    let Some(browser) = chromium() else { return };
    if !lane().exists() {
        skipped("the lane for browsers is not built: cargo run --release --example book");
        return;
    }
    if which::which("wasm-opt").is_ok() && lane().ends_with("target/lane.wasm") {
        // It has the code of every incident, some 6 kB each when it is compressed, the walks, the shifts and the labs.
        let mut sent = GzEncoder::new(Vec::new(), Compression::best());
        sent.write_all(&fs::read(lane()).expect("it is there")).expect("memory");
        let size = sent.finish().expect("memory").len();
        assert!(size <= 900_000, "the lane for browsers has {size} bytes, compressed");
    }
    let folder = tempfile::tempdir().expect("writable");
    let book = folder.path().join("book");
    copy(built(), &book);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let report = format!("http://{}/", listener.local_addr().expect("bound"));
    let tries = TRIES.replace("REPORT", &report);
    let start = book.join("start.html");
    let chapter = book.join("incidents/unbuffered-log-channel.html");
    let text = fs::read_to_string(&chapter).expect("a page");
    for page in [&start, &chapter] {
        let text = fs::read_to_string(page).expect("a page");
        fs::write(page, text.replacen("</body>", &format!("{tries}</body>"), 1)).expect("writable");
    }

    // From a folder, without any server; then served, in a narrow window.
    let file = format!("file://{}", start.display());
    let from_a_folder = tried(&browser, folder.path(), &file, &listener, 1200);
    let mut server = firedrill(&["book", "--no-open"]);
    server.arg(&book).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Ends(server.spawn().expect("it starts"));
    let mut address = String::new();
    let stdout = server.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut address).expect("an address");
    let served = format!("{}incidents/unbuffered-log-channel.html", address.trim());
    let served = tried(&browser, folder.path(), &served, &listener, 500);
    for (tried, is_served) in [(&from_a_folder, false), (&served, true)] {
        assert_eq!(tried["errors"], serde_json::json!([]), "{tried}");
        let own = |host: &Value| {
            let host = host.as_str().unwrap_or_default();
            host.starts_with("file:")
                || host.starts_with("blob:")
                || host.starts_with("http://127.0.0.1:")
        };
        let hosts = tried["hosts"].as_array().expect("a list");
        assert!(hosts.iter().all(own), "{hosts:?}");
        assert_eq!(tried["lab"], is_served, "only what is served can open the lab");
        assert_eq!(tried["named"], true, "each control can be reached by the keyboard");
        assert!(tried["wide"].as_f64() <= Some(1.0), "it scrolls sideways: {tried}");
        // More load: the curve is steeper, and so are the figures of sentences. Where a process is killed at its
        // cap, the page has scaled the heap, and is near and not equal.
        let changes: &[&str] = if is_served { &["fewer"] } else { &["more", "fewer", "second"] };
        for change in changes {
            agrees(&tried[*change]);
        }
        let growth = |change: &str| figure(&tried[change], "tasks, growth a second", 0);
        assert!((growth("more") / 390.0 - 1.0).abs() < 0.02, "{tried}");
        assert!((growth("fewer") / 30.0 - 1.0).abs() < 0.05, "{tried}");
        let asks = &tried["asks"];
        if is_served {
            // Sentences follow.
            let figures = |change: &str| tried[change]["figures"].to_string();
            assert!(figures("more") != figures("fewer"), "{tried}");
            assert_eq!((&asks["hidden"], &asks["told"]), (&true.into(), &true.into()), "{asks}");
            assert_eq!(asks["state"], "wrong");
            assert!(asks["word"].as_str().is_some_and(|word| word.len() > 20), "{asks}");
        }
        let began = Instant::now();
        native(tried["second"]["command"].as_str().expect("a command"));
        let there_ms = began.elapsed().as_millis();
        firedrill::notice::note(&format!(
            "a second change in the browser: {} ms; the program, its start included: {there_ms} ms",
            tried["second"]["ms"]
        ));
    }
    pictured(&browser, folder.path(), &book, &text);
}

/// Pictures of a chapter, in light and in dark, wide and narrow.
fn pictured(browser: &Path, folder: &Path, book: &Path, text: &str) {
    for (name, class, width) in
        [("light", "light", "1200,1600"), ("dark-narrow", "navy", "500,1600")]
    {
        let shown = text.replacen("class=\"light ", &format!("class=\"{class} "), 1);
        let page = book.join(format!("incidents/{name}.html"));
        fs::write(&page, shown).expect("writable");
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("book-{name}.png"));
        let status = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--disable-background-networking", "--no-first-run"])
            .arg(format!("--user-data-dir={}", folder.join(name).display()))
            .arg(format!("--window-size={width}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("the browser starts").success());
        assert!(fs::metadata(picture).expect("a picture").len() > 10_000);
    }
}
