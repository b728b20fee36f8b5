//! A solution written otherwise: a guard of its own, whose drop puts the connection back.

use std::sync::Arc;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;
use super::shared::Connection;

pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Guard<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(connection);
        }
    }
}

struct Guarded(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let guarded = env.shared(|| Guarded(Pool::new(&store, env)));
    store.layer(guarded, ask)
}

async fn ask(guarded: Arc<Guarded>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let pool = &guarded.0;
    let connection = pool.get().parked("a free connection").await;
    let mut guard = Guard { pool, connection: Some(connection) };
    match &mut guard.connection {
        Some(connection) => Ok(connection.command(request).await?),
        None => store.ask(request).await,
    }
}
