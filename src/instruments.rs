//! tokio-console's instruments, in a lane's child.

#[cfg(all(feature = "console", tokio_unstable))]
use std::net::Ipv4Addr;
#[cfg(all(feature = "console", tokio_unstable))]
use std::time::Duration;

#[cfg(not(all(feature = "console", tokio_unstable)))]
use crate::notice::note;

/// True if this build has the instrumentation.
pub const BUILT: bool = cfg!(all(feature = "console", tokio_unstable));

/// Why a build has none, and what to do.
pub const MISSING: &str = "this build is without tokio-console's instruments: it needs the feature `console` and \
     RUSTFLAGS=\"--cfg tokio_unstable\"; rustflags of your own in a Cargo configuration take the place of this \
     project's";

/// Starts tokio-console's instruments; returns their port, or none in a build without them.
///
/// # Errors
///
/// When no port is free.
#[cfg(all(feature = "console", tokio_unstable))]
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
#[cfg(not(all(feature = "console", tokio_unstable)))]
pub fn start() -> anyhow::Result<Option<u16>> {
    note(&format!("{MISSING}; going on without them"));
    Ok(None)
}
