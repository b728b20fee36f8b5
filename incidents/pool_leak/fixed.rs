//! The fix: a pool whose connections are guards, so that every path gives them back, and a
//! timeout on the wait.

use std::convert::Infallible;
use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleResult};

use super::shared::{Connection, Waiting, describe_pool, show_pool, size};
use firedrill_core::incident::ClientSlot;
use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Env, Parked};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Pool, pool);
}

struct Connections(StoreClient);

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = Infallible;

    async fn create(&self) -> Result<Connection, Infallible> {
        Ok(Connection(self.0.clone()))
    }

    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

struct Guarded {
    pool: managed::Pool<Connections>,
    wait: Param,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let guarded = env.shared(|| {
        describe_pool();
        let pool = managed::Pool::builder(Connections(store.clone()))
            .max_size(size(env))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is set, which is all that can be missing");
        Guarded { pool, wait: env.param("pool_wait_ms", 500.0) }
    });
    store.layer(guarded, ask)
}

async fn ask(guarded: Arc<Guarded>, _: StoreClient, request: StoreRequest) -> StoreResult {
    let Guarded { pool, wait } = &*guarded;
    let timeouts = managed::Timeouts { wait: Some(wait.millis()), ..pool.timeouts() };
    let waiting = Waiting::begin();
    let got = pool.timeout_get(&timeouts).parked("a free connection").await;
    drop(waiting);
    let mut connection = got.map_err(|_| StoreError::NoConnection)?;
    guarded.show();
    let reply = connection.command(request).await;
    // fix: a guard: dropped on every path, it gives the connection back.
    drop(connection);
    guarded.show();
    reply
}

impl Guarded {
    fn show(&self) {
        let status = self.pool.status();
        show_pool(status.size - status.available, status.max_size);
    }
}
