//! The fix: a guard that puts the connection back on every path, and a timeout on the wait.

use std::sync::Arc;

use scopeguard::guard;
use tokio::time::timeout;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Guarded {
    pool: Pool,
    wait: Param,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let wait = env.param("pool_wait_ms", 500.0);
    let guarded = env.shared(|| Guarded { pool: Pool::new(&store, env), wait });
    store.layer(guarded, ask)
}

async fn ask(guarded: Arc<Guarded>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let Guarded { pool, wait } = &*guarded;
    let got = timeout(wait.millis(), pool.get()).parked("a free connection").await;
    let connection = got.map_err(|_| StoreError::NoConnection)?;
    // fix: dropped on every path, even by a panic, the guard puts the connection back.
    let mut connection = guard(connection, |connection| pool.put(connection));
    connection.command(request).await
}
