//! The driver against servers whose delays are known.

use std::time::Duration;

use firedrill::load::Driver;
use firedrill_core::event::LoadTick;
use firedrill_core::incident::formula::Values;
use firedrill_core::incident::measure::WindowMeasure;
use firedrill_core::incident::traffic::{Arrivals, Load, Request};
use firedrill_core::window::Window;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::alone;

fn load(rate_per_s: f64, client_timeout_ms: u64) -> Load {
    let headers = [("x-marker".to_owned(), "here".to_owned())].into();
    let request = Request { headers, ..Request::get("/") };
    Load { rate_per_s, arrivals: Arrivals::Constant, client_timeout_ms, requests: vec![request] }
}

/// A server that answers each request of a connection after `delay`, in order.
async fn server(delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, delay));
        }
    });
    port
}

async fn answer(mut stream: TcpStream, delay: Duration) {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        request.extend_from_slice(&chunk[..read]);
        if request.ends_with(b"\r\n\r\n") {
            assert!(String::from_utf8_lossy(&request).contains("x-marker: here"));
            request.clear();
            tokio::time::sleep(delay).await;
            let answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            if answered.await.is_err() {
                return;
            }
        }
    }
}

/// Drives for `seconds` and sums up. The servers run on this test's own threads.
async fn drive(load: Load, port: Option<u16>, seconds: f64) -> (Window, LoadTick) {
    let mut driver = Driver::start(&load, &Values::new(), 1, 1).expect("the load is in order");
    driver.set_target(0, port);
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    tokio::task::spawn_blocking(move || {
        driver.stop();
        let tick = driver.take_tick(0);
        let mut sum = Window::default();
        sum.add(&tick);
        (sum, tick)
    })
    .await
    .expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_the_servers_delay() {
    let _alone = alone();
    let port = server(Duration::from_millis(80)).await;
    let (sum, tick) = drive(load(50.0, 5000), Some(port), 3.0).await;
    assert!(tick.sent >= 100, "{tick:?}");
    assert_eq!(sum.outcomes.all(), tick.sent);
    let p50 = sum.value(WindowMeasure::P50Ms, 0.0).expect("requests ended");
    assert!((78.0..400.0).contains(&p50), "{p50}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_outs_count_in_every_percentile() {
    let _alone = alone();
    let port = server(Duration::from_mins(1)).await;
    let (sum, tick) = drive(load(50.0, 300), Some(port), 3.0).await;
    assert!(tick.outcomes.timed_out >= 50 && tick.outcomes.ok == 0, "{tick:?}");
    // Requests that the end cut off count with the time they had: a few, at the bottom.
    assert!(sum.value(WindowMeasure::P50Ms, 0.0).expect("requests ended") >= 300.0);
    assert_eq!(sum.value(WindowMeasure::NaiveP99Ms, 0.0), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_a_failure_and_no_fast_answer() {
    let _alone = alone();
    let (sum, tick) = drive(load(100.0, 1000), None, 1.5).await;
    assert!(tick.outcomes.failed >= 50, "{tick:?}");
    assert_eq!(tick.outcomes.failed + tick.outcomes.unfinished, tick.sent);
    assert!(sum.value(WindowMeasure::P50Ms, 0.0).expect("requests ended") >= 1000.0);

    let closed = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    let (_, tick) = drive(load(100.0, 1000), Some(port), 1.5).await;
    assert!(tick.outcomes.failed >= 50 && tick.outcomes.ok == 0, "{tick:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_go_on_while_the_server_stalls() {
    let _alone = alone();
    // One at a time would send two requests in this time: the load is open.
    let port = server(Duration::from_secs(2)).await;
    let (_, tick) = drive(load(50.0, 10_000), Some(port), 3.0).await;
    assert!(tick.sent >= 100, "{tick:?}");
    assert!(tick.outcomes.unfinished >= 50, "{tick:?}");
}
