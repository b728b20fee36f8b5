//! A client's end of TLS in a build without it: there is no such client.

use std::convert::Infallible;
use std::io;

use firedrill_core::event::HandshakeFailed;
use tokio::net::TcpStream;

/// A client that speaks TLS, of which this build has none.
#[derive(Debug, Clone)]
pub struct Client(Infallible);

impl Client {
    /// None.
    pub fn trusting(_: &[u8]) -> Option<Self> {
        None
    }

    /// Never called.
    ///
    /// # Errors
    ///
    /// Never.
    #[expect(clippy::unused_async, reason = "as with TLS")]
    pub async fn connect(&self, _: TcpStream) -> io::Result<TcpStream> {
        match self.0 {}
    }
}

/// None: nobody has shaken hands.
pub fn reason(_: &io::Error) -> Option<HandshakeFailed> {
    None
}
