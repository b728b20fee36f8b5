//! One request over TCP, on kept-alive connections, with hyper's client.

use std::cell::RefCell;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::incident::manifest;

/// Idle connections kept open for later requests.
const MAX_IDLE: usize = 256;

/// Size of a connection's read buffer: with ten thousand requests in flight this is the driver's
/// memory.
const READ_BUFFER: usize = 2 * 1024;

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub struct Prepared {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// Prepares a request of a manifest.
///
/// # Errors
///
/// When HTTP does not allow its method, path or a header.
pub fn build(request: &manifest::Request) -> Result<Prepared, String> {
    let method = request.method.parse::<Method>();
    let method = method.map_err(|_| format!("method `{}`", request.method))?;
    if !request.path.starts_with('/') {
        return Err(format!("path `{}`: expected to begin with `/`", request.path));
    }
    let uri = request.path.parse::<Uri>();
    let uri = uri.map_err(|e| format!("path `{}`: {e}", request.path))?;
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|e| format!("header `{name}`: {e}"))?;
        let value: HeaderValue = value.parse().map_err(|e| format!("header `{name}`: {e}"))?;
        headers.insert(name, value);
    }
    let body = if request.body.is_empty() {
        Bytes::from(vec![b'x'; request.body_bytes])
    } else {
        Bytes::from(request.body.clone())
    };
    Ok(Prepared { method, uri, headers, body })
}

impl Prepared {
    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The connection broke.
    #[error("connection dropped: {0}")]
    Dropped(#[from] hyper::Error),
}

/// A server to send to. Not for use by several threads.
#[derive(Debug)]
pub struct HttpTarget {
    address: SocketAddr,
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
}

impl HttpTarget {
    /// The server at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, idle: RefCell::default() }
    }

    /// Sends a request and reads the whole answer. When the future is dropped before, its
    /// connection is closed, as a client does that gives up.
    ///
    /// # Errors
    ///
    /// When no whole answer comes.
    pub async fn send(&self, prepared: &Prepared) -> Result<StatusCode, Unanswered> {
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut response = connection.send_request(prepared.request()).await?;
        while let Some(frame) = response.body_mut().frame().await {
            frame?;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MAX_IDLE && !connection.is_closed() {
            idle.push(connection);
        }
        Ok(response.status())
    }

    /// The connection used last, so that a lower rate lets the others rest.
    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.borrow_mut();
        loop {
            let connection = idle.pop()?;
            if connection.is_ready() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Unanswered> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::Builder::new()
            .read_buf_exact_size(Some(READ_BUFFER))
            .handshake(TokioIo::new(stream))
            .await?;
        // Its error reaches the request that is on it.
        tokio::spawn(connection);
        Ok(sender)
    }
}
