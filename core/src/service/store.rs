//! The store behind the pool, and the cache beside it. It keeps nothing but the number of orders.
//!
//! Each instance of a lane has a store of its own: a store that several instances share is another
//! outage than those that are told here, and would let one instance's bug be seen in all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::downstream::Downstream;
use crate::incident::Env;
use crate::incident::client::{StoreClient, StoreCommand, StoreError, StoreReply};

struct Store {
    downstream: Arc<Downstream>,
    orders: AtomicU64,
}

/// A client that speaks to the store directly, without a pool.
pub fn client(env: &Env) -> StoreClient {
    let store = env.shared(|| {
        describe_counter!("store_commands", Unit::Count, "commands that have come to the store");
        describe_gauge!("store_busy", Unit::Count, "commands that the store works on");
        describe_gauge!("store_waiting", Unit::Count, "commands that wait for the store");
        let (busy, waiting) = (gauge!("store_busy"), gauge!("store_waiting"));
        let metrics = (counter!("store_commands"), busy, waiting);
        let downstream = Arc::new(Downstream::new(env, "store", metrics));
        Store { downstream, orders: AtomicU64::new(0) }
    });
    StoreClient::new(move |request| {
        let store = store.clone();
        async move {
            Arc::clone(&store.downstream).take().await?;
            Ok(match request.command {
                StoreCommand::Put(_) => {
                    StoreReply::Kept(store.orders.fetch_add(1, Ordering::Relaxed))
                }
                StoreCommand::Get(id) => StoreReply::Found(Bytes::from(format!("order {id}\n"))),
            })
        }
    })
}

/// The cache beside the store; a layer of the `cache` slot may ask it.
pub struct Cache(Arc<Downstream>);

impl Cache {
    /// The cache of this server.
    pub fn new(env: &Env) -> Self {
        describe_counter!("cache_commands", Unit::Count, "commands that have come to the cache");
        describe_gauge!("cache_busy", Unit::Count, "commands that the cache works on");
        describe_gauge!("cache_waiting", Unit::Count, "commands that wait for the cache");
        let (busy, waiting) = (gauge!("cache_busy"), gauge!("cache_waiting"));
        let metrics = (counter!("cache_commands"), busy, waiting);
        Self(Arc::new(Downstream::new(env, "cache", metrics)))
    }

    /// Takes a command.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub async fn take(&self) -> Result<(), StoreError> {
        Arc::clone(&self.0).take().await
    }
}
