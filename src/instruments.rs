//! tokio-console's instruments, in a lane's child.

#[cfg(tokio_unstable)]
use std::net::Ipv4Addr;
#[cfg(tokio_unstable)]
use std::time::Duration;

#[cfg(not(tokio_unstable))]
use crate::notice::note;

/// Starts tokio-console's instruments; returns their port, or none in a build without them.
///
/// # Errors
///
/// When no port is free.
#[cfg(tokio_unstable)]
pub fn start() -> anyhow::Result<Option<u16>> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    // The instruments bind the port themselves and do not tell which: so find a free one first.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let layer = console_subscriber::ConsoleLayer::builder()
        .server_addr(free)
        // Finished tasks are kept this long; the default hour would be the lesson's memory leak.
        .retention(Duration::from_secs(10))
        // The defaults hold far more than a lesson shows, in memory that counts against the cap.
        .event_buffer_capacity(8 * 1024)
        .client_buffer_capacity(64)
        .spawn();
    tracing_subscriber::registry().with(layer).init();
    Ok(Some(free.port()))
}

/// Says that this build has no instruments.
///
/// # Errors
///
/// Never.
#[cfg(not(tokio_unstable))]
pub fn start() -> anyhow::Result<Option<u16>> {
    note(
        "this build is without tokio-console's instruments (RUSTFLAGS=\"--cfg tokio_unstable\"); \
         going on without them",
    );
    Ok(None)
}
