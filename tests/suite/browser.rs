//! The page of a recording in a real browser: on a phone, on paper, without a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{firedrill, skipped};

/// A page of a short run with three lanes.
fn page(folder: &Path) -> PathBuf {
    page_of(folder, "unbuffered-log-channel", "broken,buffered,fixed", "40s")
}

fn page_of(folder: &Path, incident: &str, variants: &str, long: &str) -> PathBuf {
    let file = folder.join("run.jsonl");
    let run = ["run", incident, "--clock", "virtual", "--for", long];
    let variants = ["--variants", variants, "--record"];
    firedrill(&run).args(variants).arg(&file).output().expect("it starts");
    let output = firedrill(&["report"]).arg(&file).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = file.with_extension("html");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), page.display().to_string());
    page
}

#[test]
fn the_page_is_whole_by_itself() {
    let folder = tempfile::tempdir().expect("writable");
    let text = fs::read_to_string(page(folder.path())).expect("it is written");
    for foreign in ["http:", "https:", "src=", "<script", "<link", "@import", "url("] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    assert_eq!(text.matches("<svg").count(), 9, "three charts of three lanes");
    assert_eq!(text.matches("role=\"img\" aria-label=\"").count(), 9);
    let source = include_str!("../../incidents/unbuffered_log_channel/broken.rs");
    let waits = source.lines().position(|line| line.contains(".parked(")).expect("it waits");
    for expected in [
        "The verdict held.",
        &format!("incidents/unbuffered_log_channel/broken.rs:{}", waits + 1),
        "log.0.sender.send(line).parked(&quot;log channel&quot;)",
        "firedrill run unbuffered-log-channel --clock virtual --variants broken,buffered,fixed \
         --rate 200 --seed 1 --for 40s",
        "Tasks of lane A, broken: ",
        "killed: ",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
}

#[test]
fn the_page_shows_the_chains_the_log_and_the_slots_of_a_pool() {
    let folder = tempfile::tempdir().expect("writable");
    let order = page_of(folder.path(), "middleware-order", "broken,fixed", "9s");
    let text = fs::read_to_string(order).expect("it is written");
    assert_eq!(text.matches("→ log → auth").count(), 1, "in the broken lane");
    assert_eq!(text.matches("→ auth → log").count(), 1, "in the fixed one");
    let leaked = "401 GET /orders/17?access_token=not-for-the-log";
    assert!(text.contains(leaked) && text.matches("should not be there").count() == 1);
    let pool = page_of(folder.path(), "pool-leak", "broken,fixed", "9s");
    let text = fs::read_to_string(pool).expect("it is written");
    assert_eq!(text.matches("dashed: those of them that are lost").count(), 2);
}

#[test]
fn the_command_on_the_page_reproduces_the_run_to_the_byte() {
    let folder = tempfile::tempdir().expect("writable");
    let first = folder.path().join("first.jsonl");
    let run = ["run", "pool-leak", "--clock", "virtual", "--for", "7.031s", "--seed", "5"];
    let more = ["--rate", "120.5", "--set", "store_ms=7.5", "--record"];
    let chaos = ["--chaos", "latency=20..80ms@30%,most=9", "--chaos", "error=503@2.5%,most=9"];
    let chaos = [&chaos[..], &["--chaos-from", "4s", "--chaos-for", "1.5s"]].concat();
    firedrill(&run).args(chaos).args(more).arg(&first).output().expect("it starts");
    firedrill(&["report"]).arg(&first).output().expect("it starts");
    let page = fs::read_to_string(first.with_extension("html")).expect("it is written");
    assert!(page.contains("this gives the same figures, to the last digit"));
    let command = page.split("firedrill run ").nth(1).and_then(|rest| rest.split('<').next());
    let arguments: Vec<&str> = command.expect("a command").split(' ').collect();
    let second = folder.path().join("second.jsonl");
    let again = firedrill(&["run"]).args(arguments).arg("--record").arg(&second).output();
    again.expect("it starts");
    let read = |file: &Path| fs::read(file).expect("it is recorded");
    assert!(read(&first) == read(&second));
}

/// Chromium's arguments for a run of its own, without any of its services.
fn chromium(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(|name| which::which(name).ok());
    let Some(browser) = browser else {
        // Not by a macro, whose output the test's harness keeps to itself.
        skipped("no Chromium is installed, so no browser has looked at the page");
        return None;
    };
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args(arguments)
        .output()
        .expect("the browser starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn a_browser_shows_it_on_a_phone_and_prints_it() {
    let folder = tempfile::tempdir().expect("writable");
    let page = page(folder.path());
    // A frame as wide as a phone, because the browser's own window cannot be that narrow; the
    // script that measures is the test's, the page has none.
    let probe = folder.path().join("probe.html");
    fs::write(
        &probe,
        format!(
            "<iframe id=phone width=360 height=740 src='{}'></iframe><pre id=said></pre><script>\n\
         onload = () => {{\n\
           const page = phone.contentDocument, charts = [...page.querySelectorAll('svg')];\n\
           const wide = charts.map(chart => chart.getBoundingClientRect().width);\n\
           const high = charts.map(chart => chart.getBoundingClientRect().height);\n\
           said.textContent = JSON.stringify({{\n\
             scroll: page.documentElement.scrollWidth, charts: charts.length,\n\
             narrowest: Math.min(...wide), lowest: Math.min(...high), title: page.title,\n\
             colour: getComputedStyle(page.querySelector('polyline.tasks')).stroke,\n\
           }});\n\
         }}</script>",
            page.file_name().and_then(|name| name.to_str()).expect("a name")
        ),
    )
    .expect("writable");
    let probe = format!("file://{}", probe.display());
    let arguments = ["--allow-file-access-from-files", "--dump-dom", "--virtual-time-budget=5000"];
    let Some(dom) = chromium(folder.path(), &[&arguments[..], &[&probe]].concat()) else {
        return;
    };
    let dom = String::from_utf8_lossy(&dom);
    let said = dom.split("<pre id=\"said\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let said: serde_json::Value = serde_json::from_str(said.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {dom}"));
    assert!(said["scroll"].as_f64() <= Some(360.0), "it scrolls sideways: {said}");
    assert_eq!(
        (&said["charts"], &said["title"]),
        (&9.into(), &"Unbuffered log channel · firedrill".into())
    );
    assert!(
        said["narrowest"].as_f64() > Some(250.0) && said["lowest"].as_f64() > Some(80.0),
        "{said}"
    );
    assert!(said["colour"].as_str().is_some_and(|colour| colour.starts_with("rgb")), "{said}");

    let paper = folder.path().join("page.pdf");
    let print = format!("--print-to-pdf={}", paper.display());
    chromium(
        folder.path(),
        &[&print, "--no-pdf-header-footer", &format!("file://{}", page.display())],
    );
    let pdf = fs::read(paper).expect("it is printed");
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000, "{} bytes", pdf.len());
}
