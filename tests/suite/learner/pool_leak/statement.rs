//! A partial fix: the connection is put back in a statement, which neither a panic nor a cancelled request reaches.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env, Parked};

use super::leaky::Pool;

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
    let reply = connection.command(request).await;
    pool.put(connection);
    reply
}
