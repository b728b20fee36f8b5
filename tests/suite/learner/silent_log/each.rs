//! A partial fix: nothing is lost, and each error is a line.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

use super::shared::Pool;

pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Each(Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    store.layer(env.shared(|| Each(Pool::new(env))), ask)
}

async fn ask(each: Arc<Each>, store: StoreClient, request: StoreRequest) -> StoreResult {
    let connection = each.0.take().await?;
    let reply = each.0.command(&connection, &store, request).await;
    each.0.give_back(connection);
    // Five times, so that it is too much at the lowest load, too.
    reply.inspect_err(|error| (0..5).for_each(|_| each.0.log.append_error(error.to_string())))
}
