//! The server alone: events, commands, metrics, and its end.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use firedrill_core::event::{ChainShown, ParentSays, Ready, ServerSays};

use crate::common::{firedrill, wait_for};

struct Served {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = firedrill(&[&["serve"], arguments].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut served = Self { child, stdin, stdout, port: 0 };
        let ServerSays::Ready(Ready { port: Some(port), .. }) = served.next() else {
            panic!("ready comes first")
        };
        served.port = port;
        served
    }

    fn next(&mut self) -> ServerSays {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("readable");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    fn request(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        answer
    }

    fn get(&self, path: &str) -> String {
        let token = "authorization: Bearer demo-token";
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\n{token}\r\nconnection: close\r\n\r\n"
        ))
    }

    fn tell(&mut self, command: &ParentSays) {
        let stdin = self.stdin.as_mut().expect("still open");
        writeln!(stdin, "{}", serde_json::to_string(command).expect("plain data")).expect("read");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn it_serves_samples_and_exposes_metrics() {
    let mut served = Served::start(&["--bugs", "middleware-order=fixed"]);
    assert!(served.get("/orders/7").contains("order 7"));
    assert!(
        served
            .request("GET /orders/7 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .contains("401")
    );
    // The figures of the runtime come with the first sample.
    while !matches!(served.next(), ServerSays::Server(_)) {}
    let metrics = served.get("/metrics");
    for line in [
        "httpRequestCount{method=\"GET\",path=\"/orders/{id}\",status=\"200\"} 1",
        "httpRequestCount{method=\"GET\",path=\"/orders/{id}\",status=\"401\"} 1",
        "httpRequestDuration_bucket{",
        "http_requests_total{method=\"GET\",path=\"/orders/{id}\",status=\"401\"} 1",
        "# TYPE http_requests_total counter",
        "http_request_duration_seconds_bucket{",
        "# TYPE http_request_duration_seconds histogram",
        "tokio_alive_tasks",
        "audit_rejections 1",
        "# TYPE audit_rejections counter",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let documented: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next())
        .collect();
    let of_type =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in of_type {
        assert!(documented.contains(name), "{name} has no help:\n{metrics}");
    }
    let sample = loop {
        if let ServerSays::Server(sample) = served.next()
            && sample.metrics.get("audit_rejections") == Some(&1.0)
        {
            break sample;
        }
    };
    assert!(sample.series > 5 && sample.heap_bytes > 0, "{sample:?}");
}

#[test]
fn a_switch_holds_for_the_next_request() {
    let mut served = Served::start(&[]);
    let bugs = [("middleware-order".to_owned(), "broken".to_owned())].into();
    served.tell(&ParentSays::SetBugs { bugs });
    loop {
        if let ServerSays::Chain(ChainShown { routes, .. }) = served.next() {
            let order: Vec<&str> = routes.iter().map(|(slot, _)| slot.as_str()).collect();
            if order == ["detach", "metrics", "recover", "log", "auth"] {
                break;
            }
        }
    }
    served.request(
        "GET /orders/1?access_token=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    );
    loop {
        if let ServerSays::Server(sample) = served.next()
            && sample.metrics.get("log_secrets") >= Some(&1.0)
        {
            break;
        }
    }
}

#[test]
fn the_end_of_its_input_ends_it_also_when_it_is_full_of_stuck_requests() {
    let mut served =
        Served::start(&["--bugs", "unbuffered-log-channel", "--set", "log_write_ms=1000"]);
    let stuck: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", served.port)).expect("it listens");
            let token = "authorization: Bearer demo-token";
            write!(stream, "GET /orders/1 HTTP/1.1\r\nhost: localhost\r\n{token}\r\n\r\n")
                .expect("it reads");
            stream
        })
        .collect();
    loop {
        if let ServerSays::Server(sample) = served.next()
            && sample.wait_sites.iter().any(|site| site.waiting >= 10)
        {
            let site = &sample.wait_sites[0];
            assert_eq!(site.file, "incidents/unbuffered_log_channel/broken.rs");
            let source = include_str!("../../incidents/unbuffered_log_channel/broken.rs");
            let line = source.lines().nth(site.line as usize - 1).unwrap_or_default();
            assert!(line.contains(".parked(\"log channel\")"), "{line}");
            break;
        }
    }
    drop(served.stdin.take());
    let mut status = None;
    wait_for("the child ends", Duration::from_secs(5), || {
        status = served.child.try_wait().expect("our child");
        status.is_some()
    });
    assert!(status.is_some_and(|status| status.success()));
    drop(stuck);
}

#[test]
fn its_own_heap_limit_is_a_second_line_of_defence() {
    let limit = (64 << 20).to_string();
    let mut served = Served::start(&["--bugs", "unbuffered-log-channel", "--heap-limit", &limit]);
    let body = "x".repeat(1 << 20);
    for _ in 0..200 {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", served.port)) else {
            break;
        };
        let token = "authorization: Bearer demo-token";
        let length = body.len();
        let head = format!(
            "POST /orders HTTP/1.1\r\nhost: localhost\r\n{token}\r\ncontent-length: {length}\r\n\r\n"
        );
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()))
            .is_err()
        {
            break;
        }
    }
    wait_for("the child aborts", Duration::from_secs(20), || {
        served.child.try_wait().expect("our child").is_some_and(|status| !status.success())
    });
}

#[test]
fn by_hand_it_answers_to_loopback_alone_and_counts_invented_methods_as_one() {
    let served = Served::start(&[]);
    let ask = |method: &str, host: &str| {
        let token = "authorization: Bearer demo-token";
        served.request(&format!(
            "{method} /orders/1 HTTP/1.1\r\nhost: {host}\r\n{token}\r\nconnection: close\r\n\r\n"
        ))
    };
    for host in ["localhost", "LOCALHOST", "localhost:8080", "127.0.0.1", "[::1]:9"] {
        assert!(ask("GET", host).starts_with("HTTP/1.1 200"), "{host}");
    }
    for host in
        ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "a b", "user@localhost"]
    {
        assert!(!ask("GET", host).starts_with("HTTP/1.1 200"), "{host}");
    }
    assert!(ask("GET", "evil.example").starts_with("HTTP/1.1 421"));
    let two = ask("GET", "localhost\r\nhost: evil.example");
    assert!(!two.starts_with("HTTP/1.1 200"), "{two}");
    let large = ask("POST", "localhost\r\ncontent-length: 2000000");
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    for n in 0..50 {
        ask(&format!("MADEUP{n}"), "localhost");
    }
    let metrics = served.get("/metrics");
    assert!(metrics.contains("method=\"other\"") && !metrics.contains("MADEUP"), "{metrics}");
}

#[test]
fn bytes_that_are_no_text_do_not_end_it() {
    let mut served = Served::start(&[]);
    let stdin = served.stdin.as_mut().expect("still open");
    stdin.write_all(b"\xff\xfe\n").expect("it reads");
    stdin
        .write_all(b"{\"command\":\"set_bugs\",\"bugs\":{\"middleware-order\":\"broken\"}}\n")
        .expect("it reads");
    loop {
        if let ServerSays::Chain(ChainShown { routes, .. }) = served.next()
            && routes.iter().any(|(_, owner)| owner == "middleware-order")
        {
            break;
        }
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = taken.local_addr().expect("bound").port().to_string();
    let output = firedrill(&["serve", "--port", &port]).stdin(Stdio::null()).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}
