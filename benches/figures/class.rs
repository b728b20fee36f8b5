//! A class of 300 learners on one hub: a push of a step, and a vote of all within a second.

use std::fs;
use std::io::{BufRead, BufReader as StdReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use firedrill::run::memory::Memory;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::{FIREDRILL, tell};

/// Learners of the class.
const LEARNERS: usize = 300;

/// An incident whose second page asks a question.
const INCIDENT: &str = "context-key-clash";

struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The newest state that a browser was sent, and when it came.
type Seen = watch::Receiver<(Instant, Value)>;

/// A connection that takes in the events of a person, until it is dropped.
struct Events {
    seen: Seen,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Events {
    async fn open(at: SocketAddr, cookie: &str) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(at).await?;
        let request =
            format!("GET /class/events HTTP/1.1\r\nHost: {at}\r\nCookie: {cookie}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let (to, mut seen) = watch::channel((Instant::now(), Value::Null));
        let task = tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Some(line) = lines.next_line().await? {
                if let Some(data) = line.strip_prefix("data: ") {
                    to.send_replace((Instant::now(), serde_json::from_str(data)?));
                }
            }
            Ok(())
        });
        timeout(Duration::from_secs(10), seen.changed()).await??;
        Ok(Self { seen, task })
    }

    /// The time at which a state came that is as wanted.
    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Instant> {
        let mut seen = self.seen.clone();
        let found =
            timeout(Duration::from_secs(30), seen.wait_for(|(_, state)| wanted(state))).await;
        Ok(found.context("it did not come within 30 s")??.0)
    }
}

async fn ask(at: SocketAddr, request: &str, cookie: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    let kind = if body.starts_with('{') {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    };
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {at}\r\nOrigin: http://{at}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

async fn say(at: SocketAddr, cookie: &str, message: &Value) -> anyhow::Result<()> {
    let response = ask(at, "POST /class/say", cookie, &message.to_string()).await?;
    ensure!(response.starts_with("HTTP/1.1 204"), "{message}: {response}");
    Ok(())
}

fn cookie(response: &str) -> anyhow::Result<String> {
    let line = response.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let pair = line.and_then(|line| line.split(';').next());
    Ok(pair.with_context(|| format!("no cookie: {response}"))?.to_owned())
}

/// The state says that all have voted.
fn all_voted(state: &Value) -> bool {
    let voted = format!("<strong>{LEARNERS}</strong> of {LEARNERS} have voted");
    state["panel"].as_str().is_some_and(|panel| panel.contains(&voted))
}

pub fn class() -> anyhow::Result<()> {
    firedrill_core::child::files::raise(4 * LEARNERS as u64)?;
    let folder = tempfile::tempdir()?;
    let book = folder.path().join("book");
    for file in ["index.html", "firedrill/lane.js", "firedrill/walk.js", "walk/index.html"] {
        let file = book.join(file);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(file, "firedrillRoom")?;
    }
    let mut hub = Command::new(FIREDRILL);
    hub.args(["class", "--listen", "127.0.0.1:0", "--file"]).arg(folder.path().join("class.json"));
    hub.arg("--book").arg(&book).stdout(Stdio::piped());
    let mut hub = Hub(hub.spawn()?);
    let lines = StdReader::new(hub.0.stdout.take().context("piped")?).lines();
    let lines: Vec<String> = lines.map_while(Result::ok).skip(2).take(2).collect();
    let learners: Vec<&str> = lines[0].split_whitespace().collect();
    let presenter = lines[1].split_whitespace().last().context("an address")?;
    let at = learners[1].trim_start_matches("http://").trim_end_matches('/').parse()?;
    let code = learners[3].to_owned();
    let path = presenter.split_once("presenter").context("a path")?.1;
    let path = format!("GET /presenter{path}");
    let pid = hub.0.id();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure(at, &code, &path, pid))
}

async fn measure(at: SocketAddr, code: &str, path: &str, pid: u32) -> anyhow::Result<()> {
    let presenter = cookie(&ask(at, path, "", "").await?)?;
    let mut cookies = Vec::new();
    for n in 0..LEARNERS {
        let joined =
            ask(at, "POST /class/join", "", &format!("code={code}&name=learner{n}")).await?;
        cookies.push(cookie(&joined)?);
    }
    let mut browsers = Vec::new();
    for cookie in &cookies {
        browsers.push(Events::open(at, cookie).await?);
    }
    let projector = Events::open(at, &presenter).await?;
    let open = json!({ "Open": { "incident": INCIDENT } });
    say(at, &presenter, &open).await?;
    sleep(Duration::from_secs(1)).await;

    let began = Instant::now();
    say(at, &presenter, &json!({ "Step": 2 })).await?;
    let mut pushed = Vec::new();
    for browser in &browsers {
        let came = browser.until(|state| state["place"]["at"] == 2).await?;
        pushed.push(came.duration_since(began).as_secs_f64() * 1000.0);
    }
    pushed.sort_by(f64::total_cmp);
    let p99 = pushed[LEARNERS * 99 / 100];
    let measured = format!("p99 {p99:.0} ms, median {:.0} ms", pushed[LEARNERS / 2]);
    tell("push of a step to 300 learners", &measured, "p99 <= 250 ms", p99 <= 250.0);

    let cookies = Arc::new(cookies);
    for (round, cut) in [("First", false), ("Second", true)] {
        if cut {
            for round in ["Discussion", "Second"] {
                say(at, &presenter, &json!({ "Round": round })).await?;
            }
        }
        let votes = tokio::spawn(voted(at, Arc::clone(&cookies), round));
        if cut {
            // Half of the connections go in the middle of the vote, and come back.
            sleep(Duration::from_millis(500)).await;
            browsers.truncate(LEARNERS / 2);
            for cookie in &cookies[LEARNERS / 2..] {
                browsers.push(Events::open(at, cookie).await?);
            }
        }
        let last = votes.await??;
        let shown = projector.until(all_voted).await?;
        if cut {
            // Votes that are sent once more count once.
            voted(at, Arc::clone(&cookies), round).await?;
            projector.until(all_voted).await?;
        }
        let ms = shown.saturating_duration_since(last).as_secs_f64() * 1000.0;
        let name = if cut {
            "the same, half of the connections cut"
        } else {
            "votes of 300 within a second"
        };
        tell(name, &format!("all counted {ms:.0} ms after the last"), "<= 500 ms", ms <= 500.0);
    }
    let resident = Memory::new().resident(std::iter::once(Some(pid)))[0].context("it runs")?;
    let mib = resident.bytes as f64 / 1_048_576.0;
    tell("hub with 300 learners", &format!("{mib:.0} MiB"), "<= 100 MiB", mib <= 100.0);
    Ok(())
}

/// Everybody votes, spread over a second. Returns the time of the last vote.
async fn voted(
    at: SocketAddr,
    cookies: Arc<Vec<String>>,
    round: &'static str,
) -> anyhow::Result<Instant> {
    let message = |n: usize| json!({ "Vote": { "incident": INCIDENT, "page": 2, "round": round, "answer": { "Choice": n % 3 } } });
    let began = Instant::now();
    let votes: Vec<_> = (0..LEARNERS)
        .map(|n| {
            let (cookies, message) = (Arc::clone(&cookies), message(n));
            tokio::spawn(async move {
                sleep(Duration::from_secs_f64(n as f64 / LEARNERS as f64)).await;
                let sent = Instant::now();
                say(at, &cookies[n], &message).await.map(|()| sent)
            })
        })
        .collect();
    let mut last = began;
    for vote in votes {
        last = last.max(vote.await??);
    }
    Ok(last)
}
