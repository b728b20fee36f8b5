//! A cheat: the store is not asked, so that nothing can fail.

use std::sync::Arc;

use bytes::Bytes;
use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreReply, StoreRequest, StoreResult};
use firedrill_core::incident::{Chain, ClientSlot, Env};

use super::shared::Pool;

pub fn install(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Pool, pool);
}

struct Unasked(#[allow(dead_code, reason = "it registers the metrics")] Pool);

fn pool(store: StoreClient, env: &Env) -> StoreClient {
    store.layer(env.shared(|| Unasked(Pool::new(env))), ask)
}

async fn ask(_: Arc<Unasked>, _: StoreClient, request: StoreRequest) -> StoreResult {
    Ok(match request.command {
        StoreCommand::Put(_) => StoreReply::Kept(1),
        StoreCommand::Get(_) => StoreReply::Found(Bytes::from_static(b"order\n")),
    })
}
