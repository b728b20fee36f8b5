//! One request over TCP, on kept-alive connections, with hyper's client.

use std::cell::RefCell;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use firedrill_core::event::{HandshakeFailed, Outcome};
use firedrill_core::incident::request::Prepared;

use super::tls::{self, Client};

/// Idle connections kept open for later requests.
const MAX_IDLE: usize = 256;

/// Size of a connection's read buffer: with ten thousand requests in flight this is the driver's
/// memory.
const READ_BUFFER: usize = 2 * 1024;

/// Bytes of an answer that are looked at.
const MOST_BODY: usize = 64 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// No connection could be made, and not for the server's sake.
    #[error("this machine has no connection left: {0}")]
    NotSent(std::io::Error),
    /// The server is not trusted.
    #[error("handshake failed: {}", .0.word())]
    Handshake(HandshakeFailed),
    /// The connection broke.
    #[error("connection dropped: {0}")]
    Dropped(#[from] hyper::Error),
}

/// Ways to talk to a server.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Without TLS.
    Plain,
    /// With TLS.
    Tls(Client),
    /// With TLS, of which the server has none.
    Missing,
}

/// A server to send to. Not for use by several threads.
#[derive(Debug)]
pub struct HttpTarget {
    address: SocketAddr,
    trust: Trust,
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
}

impl HttpTarget {
    /// The server at this address.
    pub fn new(address: SocketAddr, trust: Trust) -> Self {
        Self { address, trust, idle: RefCell::default() }
    }

    /// Sends a request and reads the whole answer. When the future is dropped before, its
    /// connection is closed, as a client does that gives up.
    ///
    /// # Errors
    ///
    /// When no whole answer comes.
    pub async fn send(&self, prepared: &Prepared, key: u64) -> Result<Outcome, Unanswered> {
        let alone = prepared.new_connection();
        let mut connection = match if alone { None } else { self.take_idle() } {
            Some(connection) => connection,
            // Boxed: it is rare, and would make every request under way as large as a handshake.
            None => Box::pin(self.connect()).await?,
        };
        let mut response = connection.send_request(prepared.request(key)).await?;
        let mut body = Vec::new();
        while let Some(frame) = response.body_mut().frame().await {
            // Only where it matters what the answer says is it kept, and no more than matters.
            if let (true, Some(data)) = (prepared.has_right_answer(), frame?.data_ref()) {
                let room = MOST_BODY.saturating_sub(body.len());
                body.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        let mut idle = self.idle.borrow_mut();
        if !alone && idle.len() < MAX_IDLE && !connection.is_closed() {
            idle.push(connection);
        }
        Ok(prepared.outcome(response.status(), &body, key))
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
        let stream = TcpStream::connect(self.address).await.map_err(|error| {
            if is_own(&error) { Unanswered::NotSent(error) } else { Unanswered::Connect(error) }
        })?;
        stream.set_nodelay(true)?;
        match &self.trust {
            Trust::Plain => speak(stream).await,
            Trust::Tls(client) => match client.connect(stream).await {
                Ok(stream) => speak(stream).await,
                Err(error) => Err(match tls::reason(&error) {
                    Some(why) => Unanswered::Handshake(why),
                    None => Unanswered::Connect(error),
                }),
            },
            Trust::Missing => Err(Unanswered::Handshake(HandshakeFailed::NoTls)),
        }
    }
}

/// Returns true if a connection failed because of the client's side: no local ports, files, memory, or loopback.
fn is_own(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as E;
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        use nix::errno::Errno;
        let out_of = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
        if out_of.contains(&Errno::from_raw(code)) {
            return true;
        }
    }
    matches!(
        error.kind(),
        E::AddrNotAvailable | E::NetworkUnreachable | E::NetworkDown | E::HostUnreachable
    )
}

/// Speaks HTTP on a connection that has been made.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, Unanswered> {
    let (sender, connection) = http1::Builder::new()
        .read_buf_exact_size(Some(READ_BUFFER))
        .handshake(TokioIo::new(stream))
        .await?;
    // Its error reaches the request that is on it.
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_lacks_is_told_apart_from_what_the_server_refuses() {
        use std::io::{Error, ErrorKind};
        for own in [ErrorKind::AddrNotAvailable, ErrorKind::NetworkUnreachable] {
            assert!(is_own(&Error::from(own)), "{own}");
        }
        for servers in
            [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset, ErrorKind::TimedOut]
        {
            assert!(!is_own(&Error::from(servers)), "{servers}");
        }
        #[cfg(unix)]
        assert!(is_own(&Error::from(nix::errno::Errno::EMFILE)));
    }
}
