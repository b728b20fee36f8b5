//! A partial fix: no connection is lost, but an error is logged only every four seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};
use tokio::time::Instant;

use super::shared::Pool;

pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Written {
    pool: Pool,
    last: Mutex<(Option<Instant>, u64)>,
}

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    let written = env.shared(|| Written { pool: Pool::new(env), last: Mutex::default() });
    store.layer(written, ask)
}

impl Written {
    fn write(&self, error: StoreError) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, more) = *last;
        if at.is_some_and(|at| at.elapsed() < Duration::from_secs(4)) {
            last.1 += 1;
            return;
        }
        *last = (Some(Instant::now()), 0);
        self.pool.log.append_error(format!("{error}, and {more} before it"));
    }
}

async fn ask(written: Arc<Written>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let connection = written.pool.take().await.inspect_err(|error| written.write(*error))?;
    let reply = written.pool.command(&connection, &store, request).await;
    written.pool.give_back(connection);
    reply.inspect_err(|error| written.write(*error))
}
