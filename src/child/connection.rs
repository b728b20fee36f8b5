//! From a socket to the chain in force.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpStream};

use crate::cli::note;
use firedrill_core::incident::env::spawn;
use firedrill_core::service::Gateway;

/// Connections that are open now. Clones count the same ones.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicU64>);

impl Connections {
    /// How many there are.
    pub fn open(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn begin(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// Accepts connections for as long as it is polled. `/metrics` is answered outside the chain, so
/// that it answers when the chain does not.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    prometheus: Option<PrometheusHandle>,
    connections: Connections,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let open = connections.begin();
                let answer = answer(stream, Arc::clone(&gateway), prometheus.clone());
                spawn("connection", async move {
                    let _open = open;
                    answer.await;
                });
            }
            Err(error) => {
                // Out of file descriptors: accepting again at once would spin.
                note(&format!("cannot accept a connection: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, gateway: Arc<Gateway>, prometheus: Option<PrometheusHandle>) {
    // Without it small answers would wait for the client's acknowledgement; a failure to set it
    // changes speed, not meaning.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let gateway = &gateway;
        let prometheus = prometheus.as_ref().filter(|_| request.uri().path() == "/metrics");
        async move {
            Ok::<_, Infallible>(match prometheus {
                Some(prometheus) => {
                    gateway.env().bring_up_to_date();
                    exposition(prometheus)
                }
                None => gateway.handle(request.map(Body::new)).await,
            })
        }
    });
    // An error here is the client's: it left, or spoke no HTTP. The driver counts it on its side.
    http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

/// One open connection, until it is dropped: by its end, or by a panic in it.
struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn exposition(prometheus: &PrometheusHandle) -> Response {
    let mut response = Response::new(Body::from(prometheus.render()));
    let version = "text/plain; version=0.0.4";
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(version));
    response
}
