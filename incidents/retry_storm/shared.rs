//! Code shared by the variants: the number of retries, the timeout of a command, and the amplification.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::timeout;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Env};
use firedrill_core::service::sliding_window::SlidingWindow;

/// Times that a failed call is tried again, as in the post-mortem's configuration.
pub const RETRIES: u32 = 3;

pub fn describe() {
    describe_counter!("store_calls", Unit::Count, "calls to the store, each with its retries");
    describe_counter!("store_retries", Unit::Count, "times that a call was tried again");
    // Known from the start, so that none shows as 0.
    counter!("store_retries").increment(0);
}

/// Puts around and inside the retries what all variants have: the count of calls, and the timeout of a command.
pub fn around(chain: &mut Chain) {
    chain.client_beside(ClientSlot::Retry, count);
    chain.client(ClientSlot::Timeout, patience);
}

/// Calls and commands of the last second.
struct Sent {
    calls: SlidingWindow,
    commands: SlidingWindow,
}

fn sent(env: &Env) -> Arc<Sent> {
    let sent = env.shared(|| {
        describe_gauge!(
            "store_amplification",
            "commands sent, divided by the calls made, both in the last second"
        );
        let second = || SlidingWindow::new(Duration::from_secs(1));
        Sent { calls: second(), commands: second() }
    });
    let shown = Arc::clone(&sent);
    env.collect(move || {
        let calls = shown.calls.count().max(1) as f64;
        gauge!("store_amplification").set(shown.commands.count() as f64 / calls);
    });
    sent
}

/// Counts calls, each with its retries.
pub fn count(store: StoreClient, env: &Env) -> StoreClient {
    store.layer(sent(env), count_call)
}

async fn count_call(sent: Arc<Sent>, store: StoreClient, request: StoreRequest) -> StoreResult {
    sent.calls.record(1.0);
    store.ask(request).await
}

struct Patience {
    wait: Param,
    sent: Arc<Sent>,
}

/// Waits for the store no longer than `store_wait_ms`.
fn patience(store: StoreClient, env: &Env) -> StoreClient {
    wait_for(store, env, env.param("store_wait_ms", 500.0))
}

/// Waits for the store no longer than a parameter says, and counts what is sent.
pub fn wait_for(store: StoreClient, env: &Env, wait: Param) -> StoreClient {
    let sent = sent(env);
    store.layer(env.shared(|| Patience { wait, sent }), ask_in_time)
}

async fn ask_in_time(
    patience: Arc<Patience>,
    store: StoreClient,
    request: StoreRequest,
) -> StoreResult {
    patience.sent.commands.record(1.0);
    timeout(patience.wait.millis(), store.ask(request)).await.unwrap_or(Err(StoreError::TimedOut))
}
