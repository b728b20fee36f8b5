//! The half-fix: a time-out on the wait. Requests fail fast instead of hanging, and the pool
//! still empties.

use tokio::time::timeout;

use crate::incident::chain::{ClientSlot, StoreClient, StoreError, StoreReply, StoreRequest};
use crate::incident::env::Param;
use crate::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the half-fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.replace_client(ClientSlot::Pool, pool);
}

struct Timed {
    pool: Pool,
    wait: Param,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let wait = env.param("pool_wait_ms", 500.0);
    let timed = env.shared(|| Timed { pool: Pool::new(&store, env), wait });
    StoreClient::new(move |request| {
        let timed = timed.clone();
        async move { ask(&timed, request).await }
    })
}

async fn ask(timed: &Timed, request: StoreRequest) -> Result<StoreReply, StoreError> {
    let got = timeout(timed.wait.millis(), timed.pool.get()).parked("a free connection").await;
    let mut connection = got.map_err(|_| StoreError::NoConnection)?;
    let reply = connection.command(request).await?;
    timed.pool.put(connection);
    Ok(reply)
}
