//! The signals that end the program: SIGINT, SIGTERM, SIGHUP.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Lets a write beyond the limit on file sizes fail, where the system would end the program. Must be
/// called within a runtime.
///
/// # Errors
///
/// When the system does not let us.
pub fn outlive_file_limit() -> io::Result<()> {
    // A listener in place of the system's own is enough: nobody has to listen.
    signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).map(drop)
}

/// Names of the signals that arrive from now on. Must be called within a runtime.
///
/// # Errors
///
/// When the system does not let us listen for one.
pub fn terminations() -> io::Result<mpsc::Receiver<&'static str>> {
    let (send, signals) = mpsc::channel(4);
    let kinds = [
        (SignalKind::interrupt(), "interrupted"),
        (SignalKind::terminate(), "terminated"),
        (SignalKind::hangup(), "hung up"),
    ];
    for (kind, name) in kinds {
        let mut arriving = signal(kind)?;
        let send = send.clone();
        tokio::spawn(async move {
            while arriving.recv().await.is_some() {
                if send.send(name).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(signals)
}
