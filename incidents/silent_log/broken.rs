//! The silence: the store's error is swallowed where it happens. The connection is lost with it, and no
//! line says so.

use std::sync::Arc;

use super::shared::Pool;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Silent(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    store.layer(env.shared(|| Silent(Pool::new(env))), ask)
}

async fn ask(silent: Arc<Silent>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let Silent(pool) = &*silent;
    let connection = pool.take().await?;
    // cause: `ok` throws the error away; from here on nobody can say what it was.
    let Some(reply) = pool.command(&connection, &store, request).await.ok() else {
        return Err(StoreError::Refused);
    };
    pool.give_back(connection);
    Ok(reply)
}
