//! Single-flight: of all who want the same thing at the same time, one gets it, and the others wait for that result.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Loads that are under way, by key.
#[derive(Debug)]
pub struct SingleFlight<V>(Mutex<BTreeMap<u64, Arc<OnceCell<V>>>>);

impl<V> Default for SingleFlight<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// One of those who wait for a load. The last one to leave takes it off the list.
struct Waiter<'a, V> {
    flights: &'a SingleFlight<V>,
    key: u64,
    load: Arc<OnceCell<V>>,
}

impl<V> Drop for Waiter<'_, V> {
    fn drop(&mut self) {
        let mut loads = self.flights.lock();
        // The list's own, and this one's.
        let is_last = Arc::strong_count(&self.load) <= 2;
        if self.load.initialized() || is_last {
            let is_listed = |load: &Arc<OnceCell<V>>| Arc::ptr_eq(load, &self.load);
            if loads.get(&self.key).is_some_and(is_listed) {
                loads.remove(&self.key);
            }
        }
    }
}

impl<V: Clone> SingleFlight<V> {
    /// Returns the result of the load of this key that is under way; if there is none, `load` is it. One who is dropped
    /// while loading leaves the load to the next one who waits.
    pub async fn run(&self, key: u64, load: impl Future<Output = V>) -> V {
        let shared = Arc::clone(self.lock().entry(key).or_default());
        let waiter = Waiter { flights: self, key, load: shared };
        waiter.load.get_or_init(|| load).await.clone()
    }
}

impl<V> SingleFlight<V> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<OnceCell<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if a load of this key is under way.
    pub fn is_loading(&self, key: u64) -> bool {
        self.lock().contains_key(&key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    async fn load(loads: &AtomicU32) -> u32 {
        sleep(Duration::from_millis(100)).await;
        loads.fetch_add(1, Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_want_one_key_share_a_load() {
        let (flights, loads) = (SingleFlight::default(), AtomicU32::new(0));
        let all = (0..50).map(|_| flights.run(7, load(&loads)));
        assert_eq!(futures_util::future::join_all(all).await, vec![0; 50]);
        assert!(!flights.is_loading(7));
        assert_eq!(flights.run(7, load(&loads)).await, 1, "a later one loads again");
        let two =
            futures_util::future::join(flights.run(1, load(&loads)), flights.run(2, load(&loads)));
        assert_eq!(two.await, (2, 3), "another key is another load");
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_gives_up_leaves_the_load_to_the_next() {
        let (flights, loads) = (SingleFlight::default(), AtomicU32::new(0));
        let gives_up = timeout(Duration::from_millis(50), flights.run(7, load(&loads)));
        let (gave_up, waits) =
            futures_util::future::join(gives_up, flights.run(7, load(&loads))).await;
        assert!(gave_up.is_err());
        assert_eq!(waits, 0);
        assert!(timeout(Duration::from_millis(50), flights.run(8, load(&loads))).await.is_err());
        assert!(!flights.is_loading(8), "nobody waits for it");
    }
}
