//! A class from outside: hostile clients, votes that are sent twice, a hub that is killed and started again.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use firedrill_core::random::RandomStream;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::book::{built, lane};
use crate::common::{Ends, firedrill, skipped};

/// A hub, and how to reach it.
pub struct Hub {
    process: Ends,
    address: String,
    /// The join code.
    pub code: String,
    /// The presenter's address.
    pub presenter: String,
}

impl Hub {
    /// Starts a hub.
    pub fn starts(file: &Path, address: &str) -> Self {
        let mut hub = firedrill(&["class", "--listen", address, "--file"]);
        hub.arg(file).arg("--book").arg(built());
        hub.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Ends(hub.spawn().expect("it starts"));
        let stdout = process.0.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let learners = lines.find(|line| line.starts_with("Learners:")).expect("an address");
        let words: Vec<&str> = learners.split_whitespace().collect();
        let [_, url, "code", code] = words[..] else { panic!("{learners}") };
        let presenter = lines.next().expect("the presenter's address");
        let presenter = presenter.trim_start_matches("Presenter:").trim().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { process, address, code: code.to_owned(), presenter }
    }

    /// Kills it.
    pub fn is_killed(&mut self) {
        self.process.0.kill().expect("our child");
        self.process.0.wait().expect("our child");
    }

    /// Kills it while others use it.
    fn kills(&self) {
        let pid = i32::try_from(self.process.0.id()).expect("a process id");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("our child");
    }

    /// Starts it again where it was.
    pub fn starts_again(&mut self, file: &Path) {
        let (address, code) = (self.address.clone(), self.code.clone());
        *self = Self::starts(file, &address);
        assert_eq!(self.code, code);
    }

    /// Sends a request, with these headers besides `Host`; the response whole.
    fn asks(&self, request: &str, headers: &[(&str, &str)], body: &str) -> String {
        self.answers(request, headers, body).expect("it listens")
    }

    /// The same; none where nobody listens.
    fn answers(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let named = headers.iter().any(|(name, _)| *name == "Host");
        let host = (!named).then_some(("Host", &*self.address));
        let headers = headers.iter().copied().chain(host);
        let headers: String =
            headers.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        // A hub that refuses early may close before it has read everything.
        stream.write_all(text.as_bytes()).ok();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).ok();
        Some(String::from_utf8_lossy(&response).into_owned())
    }

    /// Its origin, as browsers name it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Posts a form to the door; the response.
    fn joins(&self, code: &str, name: &str) -> String {
        let origin = self.origin();
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        self.asks(
            "POST /class/join",
            &[("Origin", &origin), form],
            &format!("code={code}&name={name}"),
        )
    }

    /// A learner's cookie.
    fn learner(&self, name: &str) -> String {
        cookie(&self.joins(&self.code, name))
    }

    /// The presenter's cookie.
    pub fn leads(&self) -> String {
        let path = self.presenter.split_once(&self.address).expect("its address").1;
        cookie(&self.asks(&format!("GET {path}"), &[], ""))
    }

    /// Sends a message; the status.
    pub fn says(&self, cookie: &str, message: &Value) -> u16 {
        let origin = self.origin();
        let headers =
            [("Cookie", cookie), ("Origin", &origin), ("Content-Type", "application/json")];
        status(&self.asks("POST /class/say", &headers, &message.to_string()))
    }

    /// Sends a message; the status, or none where no answer comes.
    fn tries(&self, cookie: &str, message: &Value) -> Option<u16> {
        let origin = self.origin();
        let headers =
            [("Cookie", cookie), ("Origin", &origin), ("Content-Type", "application/json")];
        let response = self.answers("POST /class/say", &headers, &message.to_string())?;
        Some(status(&response)).filter(|status| *status != 0)
    }

    pub fn results(&self, presenter: &str) -> Value {
        let response = self.asks("GET /class/results.json", &[("Cookie", presenter)], "");
        let body = response.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"))
    }
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

fn cookie(response: &str) -> String {
    let line = response.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let line = line.unwrap_or_else(|| panic!("no cookie: {response}"));
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict"), "{line}");
    line.split(';').next().expect("a pair").to_owned()
}

/// A place for the file of a class; none where the book has no walks that run in a browser.
pub fn place(folder: &Path) -> Option<PathBuf> {
    if !lane().exists() {
        skipped("the lane for browsers is not built: cargo run --release --example book");
        return None;
    }
    Some(folder.join("class.json"))
}

/// An incident whose walk begins without a question.
pub const LESSON: &str = "context-key-clash";

fn vote(choice: usize, round: &str) -> Value {
    let page = first_question(LESSON);
    json!({ "Vote": { "incident": LESSON, "page": page, "round": round, "answer": { "Choice": choice } } })
}

/// The first page of this walk that asks a question, from 1.
pub fn first_question(id: &str) -> usize {
    let walk = &crate::common::catalogue().find(id).expect("known").manifest.walk;
    1 + walk.iter().position(|step| step.asks.is_some()).expect("a question")
}

#[test]
fn strangers_and_foreign_pages_get_nothing() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");

    // Without a key, all doors but the first are closed; the headers are on every response.
    for path in [
        "/room",
        "/class/events",
        "/walk/pool-leak.html",
        "/firedrill/lane.js",
        "/class/results.csv",
    ] {
        let response = hub.asks(&format!("GET {path}"), &[], "");
        assert_eq!(status(&response), 401, "{path}: {response}");
    }
    let first = hub.asks("GET /", &[], "");
    assert_eq!(status(&first), 200);
    for response in [&first, &hub.asks("GET /incidents/pool-leak.html", &[], "")] {
        let policy = response.lines().find(|line| line.starts_with("content-security-policy: "));
        let policy = policy.unwrap_or_else(|| panic!("no policy: {response}"));
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"),
            "{policy}"
        );
    }
    assert_eq!(status(&hub.asks("GET /presenter?key=0", &[], "")), 403);

    // A name that resolves here, two names, and a post of another site's page.
    for host in ["evil.example", "localhost.evil.example:1", ""] {
        assert_eq!(status(&hub.asks("GET /", &[("Host", host)], "")), 403, "{host}");
    }
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let body = format!("code={}&name=Eve", hub.code);
    for foreign in ["http://evil.example", "null", "https://127.0.0.1"] {
        let response = hub.asks("POST /class/join", &[("Origin", foreign), form], &body);
        assert_eq!(status(&response), 403, "{foreign}");
    }
    assert_eq!(status(&hub.asks("POST /class/join", &[form], &body)), 403, "no origin");
}

#[test]
fn names_and_messages_are_a_closed_set() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");

    // Names: long, empty, with script in them.
    let learner = hub.learner("%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    assert_eq!(status(&hub.joins(&hub.code, "%20%09")), 422);
    let long = "x".repeat(10_000);
    assert_eq!(status(&hub.joins(&hub.code, &long)), 413);
    let events = {
        let mut stream = TcpStream::connect(&hub.address).expect("it listens");
        let text = format!(
            "GET /class/events HTTP/1.1\r\nHost: {}\r\nCookie: {learner}\r\n\r\n",
            hub.address
        );
        stream.write_all(text.as_bytes()).expect("it reads");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line.contains("data: ")).expect("an event")
    };
    assert!(!events.contains("<script") && events.contains("&lt;script"), "{events}");

    // What a learner may say is a closed set.
    let presents = json!({ "Open": { "incident": "pool-leak" } });
    for (message, expected) in [
        (presents.clone(), 400),
        (json!({ "Round": "Revealed" }), 400),
        (json!("Hand"), 400),
        (json!({ "Hand": true, "Step": 1 }), 400),
        (
            json!({ "Progress": { "incident": "nowhere", "page": 1, "hints": 0, "answered": 0, "right": 0, "finished": false } }),
            409,
        ),
        (vote(0, "First"), 409),
        (json!({ "Hand": true }), 204),
    ] {
        assert_eq!(hub.says(&learner, &message), expected, "{message}");
    }
    for results in ["csv", "json"] {
        let path = format!("GET /class/results.{results}");
        assert_eq!(status(&hub.asks(&path, &[("Cookie", &learner)], "")), 403);
    }
    let presenter = hub.leads();
    for (message, expected) in [
        (json!({ "Step": 2 }), 409),
        (json!({ "Open": { "incident": "../../etc/passwd" } }), 409),
        (json!({ "Open": { "incident": "pool-leak", "code": "rm" } }), 400),
        (presents, 204),
        (json!({ "Step": 10_000 }), 409),
    ] {
        assert_eq!(hub.says(&presenter, &message), expected, "{message}");
    }
}

#[test]
fn files_outside_floods_and_wrong_codes_are_refused() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let hub = Hub::starts(&file, "127.0.0.1:0");
    let (origin, learner) = (hub.origin(), hub.learner("Ada"));
    // Files outside the book, and what is large.
    for path in ["/walk/..%2f..%2fCargo.toml", "/firedrill/..%2findex.html", "/walk/nowhere.html"] {
        let response = hub.asks(&format!("GET {path}"), &[("Cookie", &learner)], "");
        assert_eq!(status(&response), 404, "{path}: {response}");
    }
    let flood = "[".repeat(100_000);
    let headers =
        [("Cookie", &*learner), ("Origin", &*origin), ("Content-Type", "application/json")];
    assert_eq!(status(&hub.asks("POST /class/say", &headers, &flood)), 413);

    // Wrong codes: after many, even the right one has to wait.
    let refused: Vec<u16> = (0..100).map(|_| status(&hub.joins("AAAAAA", "Eve"))).collect();
    assert!(refused[0] == 403 && refused.ends_with(&[429]), "{refused:?}");
    assert_eq!(status(&hub.joins(&hub.code, "Eve")), 429);
}

#[test]
fn votes_are_counted_once_and_outlive_a_hub_that_is_killed() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let mut hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = hub.leads();
    let page = first_question(LESSON);
    for message in [json!({ "Open": { "incident": LESSON } }), json!({ "Step": page })] {
        assert_eq!(hub.says(&presenter, &message), 204);
    }
    let names: Vec<String> = (0..40).map(|n| format!("learner{n}")).collect();
    let learners: Vec<String> = names.iter().map(|name| hub.learner(name)).collect();
    for killed in 0..3 {
        let round = if killed == 0 { "First" } else { "Second" };
        let hub_ref = &hub;
        std::thread::scope(|scope| {
            for (n, learner) in learners.iter().enumerate() {
                // Each votes twice, as one does whose connection was cut before the answer came.
                scope.spawn(move || {
                    for _ in 0..2 {
                        assert_eq!(hub_ref.says(learner, &vote((n + killed) % 3, round)), 204);
                    }
                });
            }
        });
        // What was answered is stored: it survives a kill.
        hub.is_killed();
        hub.starts_again(&file);
        let results = hub.results(&presenter);
        let results = results.as_array().expect("a list");
        assert_eq!(results.len(), learners.len());
        for (n, result) in results.iter().enumerate() {
            let votes = result["votes"].as_array().expect("a list");
            assert_eq!(votes.len(), 1, "{result}");
            let choice = |n: usize| json!({ "Choice": n % 3 + 1 });
            let first = choice(n);
            let second = if killed == 0 { Value::Null } else { choice(n + killed) };
            assert_eq!((&votes[0]["first"], &votes[0]["second"]), (&first, &second), "{result}");
        }
        if killed == 0 {
            assert_eq!(hub.says(&learners[0], &vote(0, "Second")), 409, "not open yet");
            for round in ["Discussion", "Second"] {
                assert_eq!(hub.says(&presenter, &json!({ "Round": round })), 204);
            }
        }
    }
}

#[test]
fn fifty_kills_at_any_moment_lose_no_vote_that_was_taken() {
    const KILLS: u64 = 50;
    /// The latest moment of a kill, in milliseconds.
    const LATEST_MS: f64 = 120.0;
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    let mut hub = Hub::starts(&file, "127.0.0.1:0");
    let presenter = hub.leads();
    for message in
        [json!({ "Open": { "incident": LESSON } }), json!({ "Step": first_question(LESSON) })]
    {
        assert_eq!(hub.says(&presenter, &message), 204);
    }
    let names: Vec<String> = (0..5).map(|n| format!("learner{n}")).collect();
    let learners: Vec<String> = names.iter().map(|name| hub.learner(name)).collect();
    let dice = RandomStream::new(1, "kills");
    let mut taken = vec![None; learners.len()];
    for _ in 0..KILLS {
        let after = Duration::from_millis((dice.uniform() * LATEST_MS) as u64);
        // Each learner votes again and again, until nobody answers: the last vote is taken, or not.
        let tried: Vec<(Option<usize>, usize)> = std::thread::scope(|scope| {
            let votes = |(n, learner): (usize, &String)| {
                let (hub, learner, before) = (&hub, learner.clone(), taken[n]);
                scope.spawn(move || {
                    let mut last = before;
                    for choice in (0..3).cycle().skip(n) {
                        match hub.tries(&learner, &vote(choice, "First")) {
                            Some(204) => last = Some(choice),
                            Some(status) => panic!("{status}"),
                            None => return (last, choice),
                        }
                    }
                    unreachable!("the hub is killed")
                })
            };
            let threads: Vec<_> = learners.iter().enumerate().map(votes).collect();
            std::thread::sleep(after);
            hub.kills();
            threads.into_iter().map(|thread| thread.join().expect("it votes")).collect()
        });
        hub.starts_again(&file);
        let results = hub.results(&presenter);
        for (n, (last, tried)) in tried.into_iter().enumerate() {
            let choice = &results[n]["votes"][0]["first"]["Choice"];
            let stored = choice.as_u64().map(|choice| choice as usize - 1);
            assert!(
                stored == last || stored == Some(tried),
                "learner {n}: {last:?} was taken and {tried} was tried, stored is {stored:?}"
            );
            taken[n] = stored;
        }
    }
    assert!(taken.iter().all(Option::is_some), "votes were taken: {taken:?}");
}

#[test]
fn a_class_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("writable");
    let Some(file) = place(folder.path()) else { return };
    fs::write(&file, "{ damaged").expect("writable");
    let hub = Hub::starts(&file, "127.0.0.1:0");
    assert!(folder.path().join("class.json.aside-1").exists());
    let refused = |arguments: &[&str], expected: &str| {
        let output = firedrill(&["class"]).args(arguments).output();
        let output = output.expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && said.contains(expected),
            "{arguments:?}: {said}"
        );
    };
    let book = built().display().to_string();
    let path = file.display().to_string();
    let any = "127.0.0.1:0";
    refused(
        &["--book", &book, "--file", &path, "--listen", any],
        "another class runs with this file",
    );
    let other = folder.path().join("other.json").display().to_string();
    refused(&["--book", &book, "--file", &other, "--listen", &hub.address], "cannot listen on");
    refused(&["--book", &book, "--file", &other, "--incidents", "pool-leek"], "pool-leak");
    refused(&["--book", "/nowhere", "--file", &other], "does not exist");
}
