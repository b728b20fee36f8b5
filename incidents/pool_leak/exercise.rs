//! The pool layer that brought the service down: a connection is taken, a command is sent on it, the
//! connection is put back.
//!
//! Change this file so that every connection comes back to the pool on every path: its command
//! succeeds, fails or panics, or its request is cancelled.
//!
//! * `pool.get()` waits for a free connection and takes it out of the pool; `pool.put(connection)` puts it back.
//! * A `Connection` that is dropped is lost: nothing puts it back.
//! * `connection.command(request)` fails for a share of the commands (`store_error_percent`). The driver panics
//!   at replies that it cannot parse; the service answers 500 and continues.
//! * A request is cancelled when its client gives up: its future is dropped at the `.await` where it waits.
//! * The crate `scopeguard` is there for you to use.

use std::sync::Arc;

use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, Env, Parked};

use super::leaky::Pool;

/// Puts the layer into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Pooled(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let pooled = env.shared(|| Pooled(Pool::new(&store, env)));
    store.layer(pooled, ask)
}

async fn ask(pooled: Arc<Pooled>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let Pooled(pool) = &*pooled;
    let mut connection = pool.get().parked("a free connection").await;
    let reply = connection.command(request).await?;
    pool.put(connection);
    Ok(reply)
}
