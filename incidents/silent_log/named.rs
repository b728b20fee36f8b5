//! The partial fix: the log names each error, once a second, with its causes and a count. What the error
//! leaves behind is as before.

use std::sync::Arc;

use super::reported::Reported;
use super::shared::Pool;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Named {
    pool: Pool,
    reported: Arc<Reported>,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let named = env.shared(|| Named { pool: Pool::new(env), reported: Reported::start(env) });
    store.layer(named, ask)
}

async fn ask(named: Arc<Named>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let Named { pool, reported } = &*named;
    let taken = pool.take().await;
    let connection = taken.inspect_err(|error| reported.report("getting a connection", error))?;
    let reply = pool.command(&connection, &store, request).await;
    // cause: the line is written, and `?` leaves without giving the connection back.
    let reply = reply.inspect_err(|error| reported.report("asking the store", error))?;
    pool.give_back(connection);
    Ok(reply)
}
