//! A cache with contents: entries under keys, each until it expires, so many at most.
//!
//! [`Entries`] is the contents alone, as a process keeps them in its own memory. [`KeyedCache`] is a server beside the
//! service that keeps them: asking it takes time, and can fail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::Instant;

use super::store::Cache;
use crate::incident::Env;
use crate::incident::client::StoreError;

/// Entries under keys, each with the moment at which it expires.
#[derive(Debug)]
pub struct Entries<V> {
    capacity: usize,
    entries: Mutex<BTreeMap<u64, (Instant, V)>>,
}

impl<V: Clone> Entries<V> {
    /// No entries, and room for so many.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry under this key, if there is one that has not expired.
    pub fn get(&self, key: u64) -> Option<V> {
        let mut entries = self.lock();
        let (expires, value) = entries.get(&key)?;
        if *expires > Instant::now() {
            return Some(value.clone());
        }
        entries.remove(&key);
        None
    }

    /// Keeps an entry for so long. Where there is no room, the entry that would expire first goes.
    pub fn put(&self, key: u64, value: V, ttl: Duration) {
        let mut entries = self.lock();
        if entries.len() >= self.capacity && !entries.contains_key(&key) {
            let first =
                entries.iter().min_by_key(|(_, (expires, _))| *expires).map(|(key, _)| *key);
            first.and_then(|key| entries.remove(&key));
        }
        entries.insert(key, (Instant::now() + ttl, value));
    }

    /// Number of entries that have not expired.
    pub fn len(&self) -> usize {
        let now = Instant::now();
        self.lock().values().filter(|(expires, _)| *expires > now).count()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of entries that expire within so much time from now.
    pub fn expiring_within(&self, time: Duration) -> usize {
        let now = Instant::now();
        let soon = now..=now + time;
        self.lock().values().filter(|(expires, _)| soon.contains(expires)).count()
    }
}

/// A cache server. Its latency, errors and hangs are the parameters `cache_…` of the service.
pub struct KeyedCache<V> {
    server: Cache,
    entries: Entries<V>,
}

impl<V: Clone> KeyedCache<V> {
    /// An empty cache with room for so many entries.
    pub fn new(env: &Env, capacity: usize) -> Self {
        describe_counter!("cache_hits", Unit::Count, "reads that found an entry in the cache");
        describe_counter!("cache_misses", Unit::Count, "reads that found none");
        describe_counter!("cache_errors", Unit::Count, "commands that the cache failed");
        describe_gauge!("cache_entries", Unit::Count, "entries in the cache that have not expired");
        describe_gauge!("cache_expiring", Unit::Count, "entries that expire in the next second");
        for name in ["cache_hits", "cache_misses", "cache_errors"] {
            counter!(name).increment(0);
        }
        Self { server: Cache::new(env), entries: Entries::new(capacity) }
    }

    async fn command(&self) -> Result<(), StoreError> {
        let taken = self.server.take().await;
        if taken.is_err() {
            counter!("cache_errors").increment(1);
        }
        taken
    }

    /// Reads an entry: none if there is none, or if it has expired.
    ///
    /// # Errors
    ///
    /// When the command fails.
    pub async fn get(&self, key: u64) -> Result<Option<V>, StoreError> {
        self.command().await?;
        let found = self.entries.get(key);
        let name = if found.is_some() { "cache_hits" } else { "cache_misses" };
        counter!(name).increment(1);
        Ok(found)
    }

    /// Writes entries with one command, each with the time after which it expires.
    ///
    /// # Errors
    ///
    /// When the command fails; then none is written.
    pub async fn put(
        &self,
        entries: impl IntoIterator<Item = (u64, V, Duration)>,
    ) -> Result<(), StoreError> {
        self.command().await?;
        for (key, value, ttl) in entries {
            self.entries.put(key, value, ttl);
        }
        Ok(())
    }

    /// Shows the number of entries, and of those that expire soon.
    pub fn show(&self) {
        gauge!("cache_entries").set(self.entries.len() as f64);
        let soon = self.entries.expiring_within(Duration::from_secs(1));
        gauge!("cache_expiring").set(soon as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_entry_is_there_until_it_expires() {
        let entries = Entries::new(2);
        entries.put(1, 'a', Duration::from_secs(2));
        entries.put(2, 'b', Duration::from_secs(3));
        assert_eq!((entries.get(1), entries.get(2), entries.len()), (Some('a'), Some('b'), 2));
        assert_eq!(entries.expiring_within(Duration::from_secs(2)), 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((entries.get(1), entries.get(2), entries.len()), (None, Some('b'), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_room_the_entry_that_expires_first_goes() {
        let entries = Entries::new(2);
        entries.put(1, 'a', Duration::from_secs(5));
        entries.put(2, 'b', Duration::from_secs(3));
        entries.put(2, 'c', Duration::from_secs(4));
        entries.put(3, 'd', Duration::from_secs(1));
        assert_eq!((entries.get(1), entries.get(2), entries.get(3)), (Some('a'), None, Some('d')));
    }
}
