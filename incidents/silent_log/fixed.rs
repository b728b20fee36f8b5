//! The fix: the log names each error, and the connection comes back in any case.

use std::sync::Arc;

use super::reported::Reported;
use super::shared::Pool;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Mended {
    pool: Pool,
    reported: Arc<Reported>,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let mended = env.shared(|| Mended { pool: Pool::new(env), reported: Reported::start(env) });
    store.layer(mended, ask)
}

async fn ask(mended: Arc<Mended>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let Mended { pool, reported } = &*mended;
    let taken = pool.take().await;
    let connection = taken.inspect_err(|error| reported.report("getting a connection", error))?;
    let reply = pool.command(&connection, &store, request).await;
    pool.give_back(connection);
    // fix: the error is logged with its cause, and passed on.
    reply.inspect_err(|error| reported.report("asking the store", error))
}
