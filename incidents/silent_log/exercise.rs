//! The way to the store, of a service that went down while its log was silent.
//!
//! Change this file so that the log says what goes wrong: within two seconds of an error, a line that holds the error's
//! own text, and at most five lines a second however many errors there are. `pool.log.append_error(…)` writes one.
//! Also make sure that no connection is lost when a command fails.

use std::sync::Arc;

use super::shared::Pool;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the layer into the chain.
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
    let Some(reply) = pool.command(&connection, &store, request).await.ok() else {
        return Err(StoreError::Refused);
    };
    pool.give_back(connection);
    Ok(reply)
}
