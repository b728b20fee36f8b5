//! Wait sites: how many tasks wait at which line of the source.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{Location, PanicHookInfo};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::event::WaitSite;

/// Marks a future as a place where tasks may get stuck.
pub trait Parked: Future + Sized {
    /// Counts this future, while it is pending, at the caller's line.
    ///
    /// A future that is ready at its first poll is never counted and costs nothing more.
    #[track_caller]
    fn parked(self, label: &'static str) -> ParkedFuture<Self> {
        let site = Site { location: Location::caller(), label };
        ParkedFuture { future: self, site, waiting: None }
    }
}

impl<F: Future> Parked for F {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Site {
    location: &'static Location<'static>,
    label: &'static str,
}

pin_project! {
    /// The future that [`Parked::parked`] returns.
    #[derive(Debug)]
    pub struct ParkedFuture<F> {
        #[pin]
        future: F,
        site: Site,
        waiting: Option<Waiting>,
    }
}

impl<F: Future> Future for ParkedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = this.future.poll(context);
        if outcome.is_ready() {
            *this.waiting = None;
        } else if this.waiting.is_none() {
            *this.waiting = Some(Waiting::at(*this.site));
        }
        outcome
    }
}

/// One task counted at a site, until it is dropped.
#[derive(Debug)]
struct Waiting(Arc<AtomicU64>);

/// The wait sites of one lane. Clones share them. One entry a marked line of source: bounded by
/// the size of the program.
#[derive(Debug, Clone, Default)]
pub struct Sites(Arc<Mutex<HashMap<Site, Arc<AtomicU64>>>>);

thread_local! {
    /// Counters for the tasks polled by this thread.
    static CURRENT: RefCell<Option<Sites>> = const { RefCell::new(None) };
}

/// The path of a source file as it is in the tree: a package that is built elsewhere has core under a path of
/// that machine.
fn in_the_tree(file: &str) -> String {
    let core = file.strip_prefix(env!("CARGO_MANIFEST_DIR"));
    core.map_or_else(|| file.to_owned(), |inside| format!("core{}", inside.replace('\\', "/")))
}

impl Sites {
    /// Counts what waits in tasks that this thread polls from now on here.
    pub fn enter(&self) {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.clone()));
    }

    /// All sites where a task has ever waited, with the tasks that wait there now, ordered by
    /// place.
    pub fn snapshot(&self) -> Vec<WaitSite> {
        let sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut snapshot: Vec<WaitSite> = sites
            .iter()
            .map(|(site, count)| WaitSite {
                file: in_the_tree(site.location.file()),
                line: site.location.line(),
                label: site.label.to_owned(),
                waiting: count.load(Ordering::Relaxed),
            })
            .collect();
        snapshot.sort_by(|a, b| (&a.file, a.line, &a.label).cmp(&(&b.file, b.line, &b.label)));
        snapshot
    }

    /// Those where tasks wait now.
    pub fn waiting(&self) -> Vec<WaitSite> {
        self.snapshot().into_iter().filter(|site| site.waiting > 0).collect()
    }
}

impl Waiting {
    /// Counted nowhere in a thread that entered no sites.
    fn at(site: Site) -> Self {
        let sites = CURRENT.with(|current| current.borrow().clone()).unwrap_or_default();
        let mut sites = sites.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = Arc::clone(sites.entry(site).or_default());
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A panic in one line: where, and what.
pub fn panic_line(panic: &PanicHookInfo) -> String {
    let message = panic.payload_as_str().unwrap_or("(no text)");
    let place =
        panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    format!("panicked{place}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts_only_while_pending() {
        let sites = Sites::default();
        sites.enter();
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let line = line!() + 1;
        let wait = tokio::spawn(receiver.parked("the test"));
        let waiting = || {
            let here = |site: &&WaitSite| site.line == line && site.file.ends_with("wait.rs");
            sites.snapshot().iter().find(here).map_or(0, |site| site.waiting)
        };
        while waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(waiting(), 1);
        sender.send(()).expect("somebody waits");
        wait.await.expect("no panic").expect("sent");
        assert_eq!(waiting(), 0);

        let abandoned = tokio::spawn(std::future::pending::<()>().parked("the other"));
        while !sites.snapshot().iter().any(|site| site.label == "the other" && site.waiting == 1) {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.expect_err("was aborted").is_cancelled());
        assert!(!sites.snapshot().iter().any(|site| site.label == "the other" && site.waiting > 0));
    }
}
