//! The signals that end the program: SIGINT, SIGTERM, SIGHUP.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

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
