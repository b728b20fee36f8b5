//! A partial fix: a connection whose command failed is thrown away, and a new one takes its place.

use std::sync::Arc;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;
use super::shared::Connection;

pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Pooled(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let pooled = env.shared(|| Pooled(Pool::new(&store, env)));
    store.layer(pooled, ask)
}

async fn ask(pooled: Arc<Pooled>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let Pooled(pool) = &*pooled;
    let mut connection = pool.get().parked("a free connection").await;
    let reply = connection.command(request).await;
    pool.put(if reply.is_ok() { connection } else { Connection(store) });
    reply
}
