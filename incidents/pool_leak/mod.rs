//! A connection pool that loses a connection at every failed command.

mod broken;
mod fixed;
mod leaky;
mod timeout;

use metrics::{Unit, describe_gauge};

use crate::incident::chain::{StoreClient, StoreError, StoreReply, StoreRequest};
use crate::incident::{Env, Incident, Variant};

/// What the catalogue knows of it.
pub static INCIDENT: Incident = Incident {
    module: "pool_leak",
    manifest_toml: include_str!("incident.toml"),
    variants: &[
        Variant { name: "broken", install: broken::install, source: include_str!("broken.rs") },
        Variant { name: "timeout", install: timeout::install, source: include_str!("timeout.rs") },
        Variant { name: "fixed", install: fixed::install, source: include_str!("fixed.rs") },
    ],
};

/// Twice the number of processors, as the post-mortem has it, and at least 8.
fn size(env: &Env) -> usize {
    (2 * env.host().cpus).max(8)
}

fn describe_pool() {
    describe_gauge!("pool_in_use", Unit::Count, "connections that are not in the pool");
    describe_gauge!("pool_in_use_capacity", Unit::Count, "connections of the pool");
    describe_gauge!("pool_waiting", Unit::Count, "requests that wait for a connection");
}

/// One connection to the store.
#[derive(Debug)]
struct Connection(StoreClient);

impl Connection {
    async fn command(&mut self, request: StoreRequest) -> Result<StoreReply, StoreError> {
        self.0.ask(request).await
    }
}
