//! HTTP for people's browsers: connections, bounded in number and time, and the files of a folder.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use axum::{Extension, Router};
use firedrill_core::child::connection::PATIENCE;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// The address that a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

/// Time after which a connection is closed whose other end takes nothing in, where the system can do that.
#[cfg(target_os = "linux")]
const STALLS_MS: u32 = 30_000;

/// Answers connections, `most` at once, of them half for one address of another machine; each request carries its
/// [`Peer`]. A connection without a request is closed after a time.
pub async fn listen(listener: TcpListener, routes: Router, most: usize) -> Infallible {
    let room = Arc::new(Semaphore::new(most));
    let by_peer: Arc<Mutex<HashMap<IpAddr, usize>>> = Arc::default();
    loop {
        // The semaphore is never closed.
        let place = Arc::clone(&room).acquire_owned().await.ok();
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors: accepting again at once would spin.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Some(counted) = Counted::one_more(&by_peer, peer.ip(), most / 2) else { continue };
        #[cfg(target_os = "linux")]
        {
            use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
            // Where it cannot be set, a stalled connection stays as long as the system lets it.
            setsockopt(&stream, TcpUserTimeout, &STALLS_MS).ok();
        }
        let routes = routes.clone().layer(Extension(Peer(peer.ip())));
        tokio::spawn(async move {
            let _held = (place, counted);
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // An error here is the client's: it left, or spoke no HTTP.
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
                .await
                .ok();
        });
    }
}

/// A connection of an address, until it is dropped.
struct Counted {
    by_peer: Arc<Mutex<HashMap<IpAddr, usize>>>,
    peer: IpAddr,
}

impl Counted {
    /// Counts a connection; none where the address has `most` already.
    fn one_more(
        by_peer: &Arc<Mutex<HashMap<IpAddr, usize>>>,
        peer: IpAddr,
        most: usize,
    ) -> Option<Self> {
        let mut counts = by_peer.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(peer).or_default();
        if *count >= most && !peer.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Self { by_peer: Arc::clone(by_peer), peer })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.by_peer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = counts.entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Output folders of `cargo run --example book` and of mdBook, relative to the root of the source.
const BUILT: [&str; 2] = ["target/book", "book/book"];

/// Finds the folder of the book that was built.
///
/// # Errors
///
/// When the folder is not a built book, or none is given and none is found.
pub fn find_book(folder: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let is_book =
        |folder: &Path| folder.join("index.html").is_file() && folder.join("firedrill").is_dir();
    match folder {
        Some(folder) if is_book(&folder) => Ok(folder),
        Some(folder) if !folder.exists() => bail!("the folder {} does not exist", folder.display()),
        Some(folder) => bail!(
            "{} is not a built book: firedrill/ is missing beside index.html",
            folder.display()
        ),
        None => match BUILT.iter().map(PathBuf::from).find(|folder| is_book(folder)) {
            Some(folder) => Ok(folder),
            None => bail!(
                "no book found in {}; `cargo run --release --example book`, at the root of the source, builds it \
                 (some minutes the first time)",
                BUILT.join(" or ")
            ),
        },
    }
}

/// The file of a folder that a path names; none where there is none, or where a link leads out of the folder.
/// `folder` is canonical.
pub async fn file_within(folder: &Path, path: &str) -> Option<PathBuf> {
    let file = tokio::fs::canonicalize(folder.join(path)).await.ok()?;
    file.starts_with(folder).then_some(file)
}

/// The media type of a file, by its name.
pub fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
