//! The outage: a `?` between taking a connection and putting it back.

use crate::incident::chain::{ClientSlot, StoreClient, StoreError, StoreReply, StoreRequest};
use crate::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.replace_client(ClientSlot::Pool, pool);
}

struct Broken(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let pool = env.shared(|| Broken(Pool::new(&store, env)));
    StoreClient::new(move |request| {
        let pool = pool.clone();
        async move { ask(&pool.0, request).await }
    })
}

async fn ask(pool: &Pool, request: StoreRequest) -> Result<StoreReply, StoreError> {
    let mut connection = pool.get().parked("a free connection").await;
    // A command that fails leaves here, and its connection never comes back.
    let reply = connection.command(request).await?;
    pool.put(connection);
    Ok(reply)
}
