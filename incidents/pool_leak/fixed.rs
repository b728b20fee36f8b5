//! The fix: a pool whose connections are guards, so that every path gives them back, and a
//! time-out on the wait.

use std::convert::Infallible;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleResult};

use super::{Connection, Waiting, describe_pool, show_pool, size};
use crate::incident::chain::{ClientSlot, StoreClient, StoreError, StoreReply, StoreRequest};
use crate::incident::env::Param;
use crate::incident::{Chain, Env, Parked};

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.replace_client(ClientSlot::Pool, pool);
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
        let pool = managed::Pool::builder(Connections(store))
            .max_size(size(env))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is set, which is all that can be missing");
        Guarded { pool, wait: env.param("pool_wait_ms", 500.0) }
    });
    StoreClient::new(move |request| {
        let guarded = guarded.clone();
        async move { guarded.ask(request).await }
    })
}

impl Guarded {
    async fn ask(&self, request: StoreRequest) -> Result<StoreReply, StoreError> {
        let timeouts = managed::Timeouts { wait: Some(self.wait.millis()), ..self.pool.timeouts() };
        let waiting = Waiting::begin();
        let got = self.pool.timeout_get(&timeouts).parked("a free connection").await;
        drop(waiting);
        let mut connection = got.map_err(|_| StoreError::NoConnection)?;
        self.show();
        let reply = connection.command(request).await;
        drop(connection);
        self.show();
        reply
    }

    fn show(&self) {
        let status = self.pool.status();
        show_pool(status.size - status.available, status.max_size);
    }
}
