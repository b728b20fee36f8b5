//! The pool layer that brought the service down: a connection is taken, a command is sent on it, the
//! connection is put back.
//!
//! A share of the store's commands fails (`store_error_percent`). Change this file so that every connection
//! comes back to the pool, whether its command succeeds or fails.

use std::sync::Arc;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the layer into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Pooled(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let pooled = env.shared(|| Pooled(Pool::new(&store, env)));
    store.layer(pooled, ask)
}

async fn ask(pooled: Arc<Pooled>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let Pooled(pool) = &*pooled;
    let mut connection = pool.get().parked("a free connection").await;
    let reply = connection.command(request).await?;
    pool.put(connection);
    Ok(reply)
}
