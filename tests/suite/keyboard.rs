//! The book by the keyboard alone, and as a screen reader is told of it, in a real browser.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::book::{built, copy, lane};
use crate::book_in_browser::chromium;
use crate::common::{Ends, skipped};

/// A browser with one page, spoken to in its own protocol.
struct Browser {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u64,
    _process: Ends,
}

impl Browser {
    fn opens(browser: &Path, folder: &Path, page: &str) -> Self {
        let mut command = Command::new(browser);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .arg(format!("--user-data-dir={}", folder.join("keyboard").display()))
            .args(["--remote-debugging-port=0", page])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = Ends(command.spawn().expect("the browser starts"));
        let stderr = process.0.stderr.take().expect("piped");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let found = lines.find_map(|line| {
            line.strip_prefix("DevTools listening on ").map(|address| address.trim().to_owned())
        });
        let address = found.expect("it says where it listens");
        // It goes on writing: somebody has to read.
        std::thread::spawn(move || lines.for_each(drop));
        let (socket, _) = tungstenite::connect(address).expect("it listens");
        let mut browser = Self { socket, session: None, calls: 0, _process: process };
        let targets = browser.call("Target.getTargets", &json!({}));
        let targets = targets["targetInfos"].as_array().expect("a list");
        let target = targets.iter().find(|target| target["type"] == "page").expect("a page");
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        self.socket.send(Message::text(call.to_string())).expect("it hears");
        loop {
            let said = self.socket.read().expect("it answers");
            let Ok(text) = said.to_text() else { continue };
            let Ok(said) = serde_json::from_str::<Value>(text) else { continue };
            if said["id"] == self.calls {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    /// Evaluates an expression in the page.
    fn sees(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let said = self.call("Runtime.evaluate", &asked);
        assert!(said["exceptionDetails"].is_null(), "{expression}: {said}");
        said["result"]["value"].clone()
    }

    fn waits(&mut self, expression: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.sees(expression) != true {
            assert!(Instant::now() < deadline, "{expression}: not within a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn presses(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            " " => ("Space", 32, " "),
            "ArrowRight" => ("ArrowRight", 39, ""),
            "ArrowLeft" => ("ArrowLeft", 37, ""),
            other => panic!("{other}: no such key here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut press = json!({
                "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number,
            });
            if kind == "keyDown" && !text.is_empty() {
                press["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", &press);
        }
    }

    /// Tabs on until the focus is on what this selects.
    fn tabs_to(&mut self, selector: &str) {
        for _ in 0..400 {
            if self.sees(&format!("document.activeElement.matches({selector:?})")) == true {
                return;
            }
            self.presses("Tab");
        }
        panic!("{selector} cannot be reached by tab");
    }
}

#[test]
fn the_book_can_be_used_and_heard_without_a_mouse() {
    let Some(chromium) = chromium() else { return };
    if !lane().exists() {
        skipped("the lane for browsers is not built: cargo run --release --example book");
        return;
    }
    let folder = tempfile::tempdir().expect("writable");
    let book = folder.path().join("book");
    copy(built(), &book);
    let page = book.join("incidents/pool-leak.html");
    assert!(fs::exists(&page).expect("readable"));
    let mut browser =
        Browser::opens(&chromium, folder.path(), &format!("file://{}", page.display()));
    browser.waits("document.documentElement?.dataset.firedrill === 'ready'");

    // Each slider moves by one step with one press, either way, and the chart says something else.
    let sliders = browser.sees("document.querySelectorAll('.fd-live input[type=range]').length");
    let sliders = sliders.as_u64().expect("a count");
    assert!(sliders >= 2, "{sliders} sliders");
    browser.sees("document.querySelectorAll('.fd-live input[type=range]').forEach((s, i) => s.dataset.at = i); 0");
    for at in 0..sliders {
        let slider = format!(".fd-live input[data-at='{at}']");
        browser.tabs_to(&slider);
        let value = format!("Number(document.querySelector({slider:?}).value)");
        let before = browser.sees(&value).as_f64().expect("a number");
        browser.presses("ArrowRight");
        let after = browser.sees(&value).as_f64().expect("a number");
        assert!(after > before, "slider {at} stays at {before}");
        browser.presses("ArrowLeft");
        let back = browser.sees(&value).as_f64().expect("a number");
        assert!((back - before).abs() < 1e-9, "slider {at}: {before}, {after}, {back}");
        let told = browser.sees("document.activeElement.getAttribute('aria-valuetext')");
        assert!(told.as_str().is_some_and(|told| !told.is_empty()), "slider {at} says no value");
    }
    let says = "document.querySelector('.fd-live svg[role=img]').getAttribute('aria-label')";
    let before = browser.sees(says);
    browser.tabs_to(".fd-live input[data-at='0']");
    let drawn = "Number(document.querySelector('.fd-live').dataset.drawn ?? 0)";
    let times = browser.sees(drawn);
    for _ in 0..8 {
        browser.presses("ArrowRight");
    }
    browser.waits(&format!("{drawn} > {times}"));
    // Its text alternative tells of the new run, once that is drawn.
    browser.waits(&format!("{says} !== {before}"));

    // A question: chosen with space, answered with enter.
    browser.sees(
        "document.querySelector('form.fd-question:has(input[type=radio])').id ||= 'fd-first'; 0",
    );
    let form = format!(
        "#{}",
        browser
            .sees("document.querySelector('form.fd-question:has(input[type=radio])').id")
            .as_str()
            .expect("an id")
    );
    browser.tabs_to(&format!("{form} input"));
    browser.presses(" ");
    browser.tabs_to(&format!("{form} button[type=submit], {form} button:not([type])"));
    browser.presses("Enter");
    browser.waits(&format!(
        "['right', 'wrong'].includes(document.querySelector({form:?}).dataset.state)"
    ));
    browser.waits(&format!("!document.querySelector({form:?}).querySelector('.fd-answer').hidden"));

    // What a screen reader is told: names for all that can be operated, and for all pictures.
    browser.call("Accessibility.enable", &json!({}));
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().expect("a tree");
    let mut heard = 0;
    for node in nodes.iter().filter(|node| node["ignored"] != true) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if !["slider", "radio", "checkbox", "button", "spinbutton"].contains(&role) {
            continue;
        }
        heard += 1;
        let name = node["name"]["value"].as_str().unwrap_or_default();
        assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
    }
    assert!(heard > 10, "{heard} named controls");
    let mute = "[...document.querySelectorAll('main svg')].filter((svg) => \
                svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label')).length";
    assert_eq!(browser.sees(mute), 0, "pictures without a text");
}
