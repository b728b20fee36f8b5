//! The partial fix: a line for each request that fails, without what went wrong.

use std::sync::Arc;

use super::shared::Pool;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Loud(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    store.layer(env.shared(|| Loud(Pool::new(env))), ask)
}

async fn ask(loud: Arc<Loud>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let Loud(pool) = &*loud;
    let failed = |_: StoreError| {
        // cause: the error is in this function's hand, and the line does without it.
        pool.log.append_error("request failed".to_owned());
        StoreError::Refused
    };
    let connection = pool.take().await.map_err(failed)?;
    let reply = pool.command(&connection, &store, request).await.map_err(failed)?;
    pool.give_back(connection);
    Ok(reply)
}
