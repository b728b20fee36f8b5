//! A concurrency limit: so many requests at once, the others wait in the order of their arrival. It knows how many
//! wait, and for how long the oldest of them has waited.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// A concurrency limit that all who hold it share.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    /// A permit for each free place.
    pub free: Semaphore,
    places: usize,
    waiting: Mutex<Waiting>,
}

/// Arrival of each waiting request, by its number.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

/// A request that waits, until it is dropped.
#[derive(Debug)]
pub struct Queued<'a> {
    limit: &'a ConcurrencyLimit,
    number: u64,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.limit.lock().since.remove(&self.number);
    }
}

impl ConcurrencyLimit {
    /// A limit of so many requests at once.
    pub fn new(places: usize) -> Self {
        Self { free: Semaphore::new(places), places, waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request as waiting, for as long as the result lives.
    pub fn queue(&self) -> Queued<'_> {
        let mut waiting = self.lock();
        waiting.next += 1;
        let number = waiting.next;
        waiting.since.insert(number, Instant::now());
        Queued { limit: self, number }
    }

    /// Waits for a place, behind all who wait already.
    ///
    /// # Panics
    ///
    /// When somebody has closed the semaphore.
    pub async fn enter(&self) -> SemaphorePermit<'_> {
        let queued = self.queue();
        let place = self.free.acquire().await.expect("nobody closes it");
        drop(queued);
        place
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.lock().since.len()
    }

    /// Places that are taken.
    pub fn taken(&self) -> usize {
        self.places.saturating_sub(self.free.available_permits())
    }

    /// The wait of the oldest waiting request so far; zero if none waits.
    pub fn oldest_wait(&self) -> Duration {
        let waiting = self.lock();
        waiting.since.first_key_value().map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_request_gets_the_next_place() {
        let limit = Arc::new(ConcurrencyLimit::new(1));
        let first = limit.enter().await;
        assert_eq!((limit.taken(), limit.waiting(), limit.oldest_wait()), (1, 0, Duration::ZERO));
        let waits = Arc::clone(&limit);
        let second = tokio::spawn(async move { drop(waits.enter().await) });
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!((limit.waiting(), limit.oldest_wait()), (1, Duration::from_secs(3)));
        drop(first);
        second.await.expect("it ends");
        assert_eq!((limit.taken(), limit.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_gives_up_waits_no_longer() {
        let limit = ConcurrencyLimit::new(1);
        let _first = limit.enter().await;
        let gives_up = tokio::time::timeout(Duration::from_secs(1), limit.enter()).await;
        assert!(gives_up.is_err());
        assert_eq!((limit.taken(), limit.waiting()), (1, 0));
    }
}
