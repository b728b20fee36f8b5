//! The outage: a `?` between taking a connection and putting it back.

use std::sync::Arc;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Broken(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let pool = env.shared(|| Broken(Pool::new(&store, env)));
    store.layer(pool, ask)
}

async fn ask(pool: Arc<Broken>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let Broken(pool) = &*pool;
    let mut connection = pool.get().parked("a free connection").await;
    // cause: a command that fails leaves here, and its connection never comes back.
    let reply = connection.command(request).await?;
    pool.put(connection);
    Ok(reply)
}
