//! From a socket to the chain in force.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyStream, Limited, StreamBody};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower_http::timeout::TimeoutBody;

use super::note;
use crate::incident::env::spawn;
use crate::service::Gateway;
use crate::service::telemetry::with_conventional_names;

/// Connections that are open now. Clones count the same ones.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicU64>);

impl Connections {
    /// Returns the number of open connections.
    pub fn open(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn begin(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// Connections that a server started by hand has at most.
const MOST_CONNECTIONS: u64 = 2000;

/// The largest body that it takes, in bytes: more than any incident sends.
const LARGEST_BODY: usize = 1 << 20;

/// Time limit for a request's head, and for each further part of its body.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Time limit for a whole body.
const WHOLE: Duration = Duration::from_secs(30);

/// Clients that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// The driver of a run.
    Driver,
    /// Anybody who reaches loopback, a page in a browser among them.
    Anybody,
}

/// Accepts connections for as long as it is polled. `/metrics` is answered outside the chain, so
/// that it answers when the chain does not.
pub async fn serve(
    listener: TcpListener,
    clients: Clients,
    gateway: Arc<Gateway>,
    prometheus: Option<PrometheusHandle>,
    connections: Connections,
) -> Infallible {
    let tls = Tls::new(&gateway);
    loop {
        match listener.accept().await {
            Ok(_) if clients == Clients::Anybody && connections.open() >= MOST_CONNECTIONS => {
                // Dropped: its client sees it closed.
            }
            Ok((stream, _)) => {
                let open = connections.begin();
                let served = (Arc::clone(&gateway), prometheus.clone());
                let answer = accept(stream, tls.clone(), clients, served);
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

/// The first byte of a client that speaks TLS: the record that a handshake begins with.
#[cfg(feature = "tls")]
const HANDSHAKE: u8 = 22;

/// TLS configuration of the server; empty without the feature `tls`.
#[derive(Clone)]
struct Tls {
    #[cfg(feature = "tls")]
    acceptor: Option<tokio_rustls::TlsAcceptor>,
}

impl Tls {
    #[cfg(feature = "tls")]
    fn new(gateway: &Arc<Gateway>) -> Self {
        let acceptor = super::tls::acceptor(Arc::clone(gateway));
        Self { acceptor: acceptor.inspect_err(|error| note(&error.to_string())).ok() }
    }

    #[cfg(not(feature = "tls"))]
    fn new(_: &Arc<Gateway>) -> Self {
        Self {}
    }
}

/// Answers a client, in TLS where it begins with that.
async fn accept(
    stream: TcpStream,
    tls: Tls,
    clients: Clients,
    served: (Arc<Gateway>, Option<PrometheusHandle>),
) {
    // Without it small answers would wait for the client's acknowledgement; a failure to set it
    // changes speed, not meaning.
    stream.set_nodelay(true).ok();
    #[cfg(feature = "tls")]
    if let Some(acceptor) = &tls.acceptor {
        let mut first = [0];
        // A client that says nothing is one that has not made up its mind: it may take its time, as any
        // request may, unless anybody can be a client.
        let peeked = match clients {
            Clients::Driver => stream.peek(&mut first).await.ok(),
            Clients::Anybody => tokio::time::timeout(PATIENCE, stream.peek(&mut first))
                .await
                .ok()
                .and_then(Result::ok),
        };
        if peeked != Some(1) {
            return;
        }
        if first[0] == HANDSHAKE {
            // A handshake that fails is the client's to tell: it knows why it did not trust.
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                answer(stream, clients, served).await;
            }
            return;
        }
    }
    let _ = tls;
    answer(stream, clients, served).await;
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    clients: Clients,
    (gateway, prometheus): (Arc<Gateway>, Option<PrometheusHandle>),
) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let gateway = &gateway;
        let prometheus = prometheus.as_ref().filter(|_| request.uri().path() == "/metrics");
        async move {
            if clients == Clients::Anybody && !names_loopback(&request) {
                return Ok(misdirected());
            }
            if clients == Clients::Anybody && is_too_large(&request) {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                return Ok(response);
            }
            Ok::<_, Infallible>(match prometheus {
                Some(prometheus) => {
                    gateway.env().bring_up_to_date();
                    exposition(prometheus)
                }
                None if clients == Clients::Driver => gateway.handle(request.map(Body::new)).await,
                None => {
                    let bounded = |body| {
                        Limited::new(in_time(TimeoutBody::new(PATIENCE, body)), LARGEST_BODY)
                    };
                    gateway.handle(request.map(|body| Body::new(bounded(body)))).await
                }
            })
        }
    });
    // An error here is the client's: it left, or spoke no HTTP. The driver counts it on its side.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    // The driver keeps its connections for later.
    if clients == Clients::Anybody {
        http.header_read_timeout(PATIENCE);
    }
    http.serve_connection(TokioIo::new(stream), service).await.ok();
}

/// Returns true if a request is addressed to loopback. A page of another site whose name resolves to this address
/// sends that site's name.
pub fn names_loopback<B>(request: &hyper::Request<B>) -> bool {
    let named = request.headers().get(HOST);
    let one = request.headers().get_all(HOST).iter().count() <= 1;
    let is_loopback = |authority: &Authority| {
        let host = authority.host();
        let known = ["localhost", "127.0.0.1", "[::1]"];
        // What stands behind the name is a port, or nothing.
        let names_port = authority.as_str() == host || authority.port_u16().is_some();
        known.iter().any(|name| host.eq_ignore_ascii_case(name))
            && names_port
            && !authority.as_str().contains('@')
    };
    let authority = named.and_then(|name| Authority::try_from(name.as_bytes()).ok());
    // HTTP/1.0 has no such header; a proxy's request has the name in its first line too.
    one && authority.as_ref().map_or(named.is_none(), is_loopback)
        && request.uri().authority().is_none_or(is_loopback)
}

/// Returns true if a request declares a body above the limit.
fn is_too_large<B>(request: &hyper::Request<B>) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|n| n > LARGEST_BODY as u64)
}

/// A body that ends with an error when it has not come within [`WHOLE`], however little of it comes at a
/// time.
fn in_time<B>(body: B) -> impl hyper::body::Body<Data = Bytes, Error = BoxError>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let deadline = tokio::time::Instant::now() + WHOLE;
    StreamBody::new(BodyStream::new(body).map(move |frame| {
        if tokio::time::Instant::now() > deadline {
            return Err("the body takes too long".into());
        }
        frame.map_err(Into::into)
    }))
}

fn misdirected() -> Response {
    let says = "this server answers to localhost and 127.0.0.1 alone\n";
    let mut response = Response::new(Body::from(says));
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    response
}

/// One open connection, until it is dropped: by its end, or by a panic in it.
struct Open(Connections);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn exposition(prometheus: &PrometheusHandle) -> Response {
    let mut response = Response::new(Body::from(with_conventional_names(prometheus.render())));
    let version = "text/plain; version=0.0.4";
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(version));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};
    use hyper::body::Frame;

    use super::*;

    #[test]
    fn only_loopbacks_own_names_are_answered() {
        let named = |names: &[&[u8]], uri: &str| {
            let mut request = hyper::Request::builder().uri(uri);
            for name in names {
                request = request.header(HOST, *name);
            }
            names_loopback(&request.body(()).expect("a request"))
        };
        for name in ["localhost", "127.0.0.1:8080", "[::1]:80", "LOCALHOST"] {
            assert!(named(&[name.as_bytes()], "/"), "{name}");
        }
        for name in ["evil.example", "127.0.0.1:evil", "a@localhost", "", "127.0.0.1.evil.example"]
        {
            assert!(!named(&[name.as_bytes()], "/"), "{name}");
        }
        assert!(!named(&["caf\u{e9}".as_bytes()], "/"));
        assert!(!named(&[b"localhost", b"localhost"], "/"));
        assert!(!named(&[b"localhost"], "http://evil.example/"));
        assert!(named(&[], "/"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_in_is_not_waited_for_for_ever() {
        let whole = in_time(Full::new(Bytes::from_static(b"at once")));
        assert_eq!(whole.collect().await.expect("it came").to_bytes(), "at once");
        // A byte a second, which no timeout between two of them notices.
        let trickle = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))), ()))
        });
        let began = tokio::time::Instant::now();
        let body = in_time(StreamBody::new(Box::pin(trickle)));
        assert!(body.collect().await.is_err());
        assert!(began.elapsed() <= WHOLE + Duration::from_secs(2), "{:?}", began.elapsed());
    }
}
