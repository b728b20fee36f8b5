//! The partial fix: a timeout on the wait. Requests fail fast instead of hanging, and the pool
//! still empties.

use std::sync::Arc;

use tokio::time::timeout;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Timed {
    pool: Pool,
    wait: Param,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let wait = env.param("pool_wait_ms", 500.0);
    let timed = env.shared(|| Timed { pool: Pool::new(&store, env), wait });
    store.layer(timed, ask)
}

async fn ask(timed: Arc<Timed>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let got = timeout(timed.wait.millis(), timed.pool.get()).parked("a free connection").await;
    let mut connection = got.map_err(|_| StoreError::NoConnection)?;
    // cause: the same `?`: who fails takes the connection along.
    let reply = connection.command(request).await?;
    timed.pool.put(connection);
    Ok(reply)
}
