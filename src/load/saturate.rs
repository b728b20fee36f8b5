//! A closed loop: each connection sends its next request when the last one is answered. Not for
//! incidents, whose load is open; it measures what the driver itself costs.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;

use super::http::{HttpTarget, Trust};
use firedrill_core::event::LoadTick;
use firedrill_core::event::Outcome;
use firedrill_core::incident::request::Prepared;
use firedrill_core::load::tally::Tally;

/// Sends `requests` requests over `connections` connections, and returns what became of them.
///
/// # Errors
///
/// When the runtime cannot be made.
pub fn saturate(
    (port, trust): (u16, Trust),
    request: Prepared,
    connections: usize,
    requests: u64,
) -> std::io::Result<LoadTick> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let target = HttpTarget::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), trust);
    let shared = Rc::new(Shared {
        target,
        request,
        left: Cell::new(requests),
        tally: RefCell::new(Tally::default()),
    });
    let workers: Vec<_> =
        (0..connections).map(|_| local.spawn_local(work(Rc::clone(&shared)))).collect();
    local.block_on(&runtime, async {
        for worker in workers {
            worker.await.ok();
        }
    });
    Ok(shared.tally.borrow_mut().take())
}

struct Shared {
    target: HttpTarget,
    request: Prepared,
    left: Cell<u64>,
    tally: RefCell<Tally>,
}

async fn work(shared: Rc<Shared>) {
    let timeout = Duration::from_secs(2);
    while let Some(left) = shared.left.get().checked_sub(1) {
        shared.left.set(left);
        let due = Instant::now();
        shared.tally.borrow_mut().started(None);
        let answer = shared.target.send(&shared.request, 0);
        let outcome = match tokio::time::timeout_at(due + timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::NoAnswer,
            Err(_) => Outcome::TimedOut,
        };
        shared.tally.borrow_mut().ended(outcome, None, (due.elapsed(), timeout));
    }
}
