//! Code shared by the variants: connections, and the pool's metrics.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::Env;
use firedrill_core::incident::client::{StoreClient, StoreRequest, StoreResult};

/// Twice the number of processors, as the post-mortem has it, and at least 8.
pub fn size(env: &Env) -> usize {
    (2 * env.host().cpus).max(8)
}

pub fn describe_pool() {
    describe_gauge!("pool_in_use", Unit::Count, "connections that are not in the pool");
    describe_gauge!("pool_in_use_capacity", Unit::Count, "connections of the pool");
    describe_gauge!("pool_waiting", Unit::Count, "requests that wait for a connection");
    describe_counter!("pool_lost", Unit::Count, "connections that nobody gave back");
    // Known from the start, so that none lost shows as 0.
    counter!("pool_lost").increment(0);
}

/// Shows the pool that the chain in force uses.
pub fn show_pool(in_use: usize, size: usize) {
    gauge!("pool_in_use").set(in_use as f64);
    gauge!("pool_in_use_capacity").set(size as f64);
}

/// One request that waits for a connection, until it has one or gives up.
pub struct Waiting;

impl Waiting {
    pub fn begin() -> Self {
        gauge!("pool_waiting").increment(1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        gauge!("pool_waiting").decrement(1);
    }
}

/// One connection to the store.
#[derive(Debug)]
pub struct Connection(pub StoreClient);

/// A connection that goes back into its pool is moved; one that is dropped is lost.
impl Drop for Connection {
    fn drop(&mut self) {
        counter!("pool_lost").increment(1);
    }
}

impl Connection {
    pub async fn command(&mut self, request: StoreRequest) -> StoreResult {
        self.0.ask(request).await
    }
}
