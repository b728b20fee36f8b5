//! One timeout for all calls, as the client library has it by default: five seconds.

use std::sync::Arc;

use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Env};

use super::shared::{Permits, call, permits};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.client(ClientSlot::Timeout, calls);
}

struct Calls {
    permits: Arc<Permits>,
    patience: Param,
}

fn calls(store: StoreClient, env: &Env) -> StoreClient {
    let patience = env.param("call_timeout_ms", 5000.0);
    let permits = permits(env);
    store.layer(env.shared(|| Calls { permits, patience }), ask)
}

async fn ask(calls: Arc<Calls>, store: StoreClient, request: StoreRequest) -> StoreResult {
    // cause: a call that hangs keeps its permit for this long, and a normal one takes milliseconds.
    let patience = || calls.patience.millis();
    call(&calls.permits, store, request, patience).await.result
}
