//! Code shared by the variants: the connections to the database, and the page of an item.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time::timeout;

use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreReply, StoreRequest};
use firedrill_core::incident::{Context, Env, Parked};
use firedrill_core::service::limit::ConcurrencyLimit;

/// Connections to the database.
pub const CONNECTIONS: usize = 10;

/// Longest wait for a connection, in milliseconds.
pub const WAIT_MS: u64 = 400;

/// The connections of this server.
pub struct Connections(ConcurrencyLimit);

/// The connections of this server.
pub fn connections(env: &Env) -> Arc<Connections> {
    let connections = env.shared(|| {
        describe_gauge!("items_busy", Unit::Count, "connections to the database in use");
        describe_gauge!("items_waiting", Unit::Count, "requests that wait for a connection");
        describe_counter!("items_refused", Unit::Count, "requests refused by a limit");
        describe_counter!("items_given_up", Unit::Count, "requests that got no connection in time");
        counter!("items_refused").increment(0);
        counter!("items_given_up").increment(0);
        Connections(ConcurrencyLimit::new(CONNECTIONS))
    });
    let shown = Arc::clone(&connections);
    env.collect(move || {
        gauge!("items_busy").set(shown.0.taken() as f64);
        gauge!("items_waiting").set(shown.0.waiting() as f64);
    });
    connections
}

impl Connections {
    /// Reads an item from the database and answers with it; the first who waits gets the next connection.
    pub async fn read(&self, store: &StoreClient, context: Context, item: u64) -> Response {
        let waits = timeout(Duration::from_millis(WAIT_MS), self.0.enter());
        let Ok(connection) = waits.parked("a connection").await else {
            counter!("items_given_up").increment(1);
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let reply = store.ask(StoreRequest { command: StoreCommand::Get(item), context }).await;
        drop(connection);
        match reply {
            Ok(StoreReply::Found(_)) => format!("item {item}\n").into_response(),
            Ok(StoreReply::Kept(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

/// Refuses a request.
pub fn refuse() -> Response {
    counter!("items_refused").increment(1);
    StatusCode::TOO_MANY_REQUESTS.into_response()
}
