//! A real browser, spoken to in its own protocol: its keys are pressed, and what it complains of is heard.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::common::{Ends, skipped};

/// The browser of this machine, if it has one.
pub fn chromium() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"];
    let found = found.into_iter().find_map(|name| which::which(name).ok());
    if found.is_none() {
        skipped("no Chromium is installed, so no browser has looked at the book");
    }
    found
}

/// A browser with one page.
pub struct Browser {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u64,
    /// Errors of the page: of its scripts, of what it could not load, of its policy.
    pub errors: Vec<String>,
    /// Addresses that it asked for.
    pub asked_for: BTreeSet<String>,
    /// Its address.
    address: String,
    process: Arc<Ends>,
}

impl Browser {
    /// Opens a page.
    pub fn opens(browser: &Path, folder: &Path, page: &str) -> Self {
        let mut command = Command::new(browser);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .args(["--remote-debugging-port=0", "about:blank"])
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
        Self::attached(&address, &json!({}), Arc::new(process), page)
    }

    /// Opens a page in the same browser that shares nothing with the others: for another person.
    pub fn beside(&mut self, page: &str) -> Self {
        let session = self.session.take();
        let context = self.call("Target.createBrowserContext", &json!({}));
        self.session = session;
        Self::attached(&self.address, &context, Arc::clone(&self.process), page)
    }

    /// A new page, in a context of its own or in the browser's.
    fn attached(address: &str, context: &Value, process: Arc<Ends>, page: &str) -> Self {
        let (socket, _) = tungstenite::connect(address).expect("it listens");
        let (errors, asked_for) = (Vec::new(), BTreeSet::new());
        let address = address.to_owned();
        let mut browser =
            Self { socket, session: None, calls: 0, errors, asked_for, address, process };
        let mut target = context.clone();
        target["url"] = "about:blank".into();
        let target = browser.call("Target.createTarget", &target);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Runtime", "Log", "Network", "Page"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.goes_to(page);
        browser
    }

    /// Calls a method of the browser's protocol.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.tries(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a method that a page which is just being left answers with an error.
    fn tries(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
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
                return if said["error"].is_null() {
                    Ok(said["result"].clone())
                } else {
                    Err(said["error"].clone())
                };
            }
            self.hears(&said);
        }
    }

    fn hears(&mut self, said: &Value) {
        let params = &said["params"];
        let is_error = match said["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => params["type"] == "error",
            "Log.entryAdded" => params["entry"]["level"] == "error",
            "Network.requestWillBeSent" => {
                let address = params["request"]["url"].as_str().unwrap_or_default();
                // What stands in the page itself is not asked for.
                if !address.starts_with("data:") && !address.starts_with("blob:") {
                    self.asked_for.insert(address.to_owned());
                }
                false
            }
            _ => false,
        };
        if is_error {
            self.errors.push(params.to_string());
        }
    }

    /// Loads another page, or the same again.
    pub fn goes_to(&mut self, page: &str) {
        self.call("Page.navigate", &json!({ "url": page }));
        self.waits("document.readyState === 'complete'");
    }

    /// Evaluates an expression in the page.
    pub fn sees(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let said = self.call("Runtime.evaluate", &asked);
        assert!(said["exceptionDetails"].is_null(), "{expression}: {said}");
        said["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn waits(&mut self, expression: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let asked = json!({ "expression": expression, "returnByValue": true });
        loop {
            let said = self.tries("Runtime.evaluate", &asked);
            if said.is_ok_and(|said| said["result"]["value"] == true) {
                return;
            }
            if Instant::now() > deadline {
                let shown = self.sees("document.body?.innerText");
                panic!("{expression}: not within a minute: {:?}: {shown}", self.errors);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses a key: one with a name, or a letter or digit.
    pub fn presses(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            " " => ("Space", 32, " "),
            "ArrowRight" => ("ArrowRight", 39, ""),
            "ArrowLeft" => ("ArrowLeft", 37, ""),
            "ArrowDown" => ("ArrowDown", 40, ""),
            key if key.len() == 1 => ("", i32::from(key.to_uppercase().as_bytes()[0]), key),
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

    /// Types a text where the focus is.
    pub fn types(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Tabs on until the focus is on what this selects.
    pub fn tabs_to(&mut self, selector: &str) {
        for _ in 0..400 {
            if self.sees(&format!("document.activeElement.matches({selector:?})")) == true {
                return;
            }
            self.presses("Tab");
        }
        panic!("{selector} cannot be reached by tab");
    }

    /// A window of this size, of a telephone or not, that asks for light or dark.
    pub fn becomes(&mut self, (width, height): (u32, u32), scheme: &str) {
        let mobile = width < 500;
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
        });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": scheme }));
    }

    /// A picture of the page as it is, to look at.
    pub fn pictured(&mut self, name: &str) {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let data = self.call("Page.captureScreenshot", &whole);
        let bytes = BASE64_STANDARD.decode(data["data"].as_str().expect("a picture"));
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        std::fs::write(file, bytes.expect("base64")).expect("writable");
    }
}
