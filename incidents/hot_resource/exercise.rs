//! The page of an item: each request waits for a connection to the database, whatever item it is for.
//!
//! Change this file so that, while any one item gets nine of ten requests:
//!
//! * the pages of all other items are answered as always;
//! * at least 80 requests a second for that item are still answered;
//! * a request that is refused is refused at once, with the status 429.
//!
//! What you need to know:
//!
//! * The database has 10 connections and serves about 200 requests a second; other items get about 60.
//! * `connections.read(…)` waits for a connection for at most 400 ms and answers the request.
//! * `refuse()` is the answer with the status 429; it also counts in `items_refused`.
//! * `TokenBucket::new(20.0)` makes a bucket of 20 tokens; `bucket.take(50.0)` takes one and returns true, or returns
//!   false if there is none. Tokens come back at the rate that `take` is given, here 50 a second.
//! * `env.shared(|| …)` makes state that all requests share. It is locked by nobody: use a `Mutex`.
//! * There are many items: keep no state for an item that nobody asks for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Connections, connections};

/// Puts the page into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("items", items);
}

fn items(routes: Router, env: &Env) -> Router {
    routes.route("/items/{id}", get(read).with_state(connections(env)))
}

async fn read(
    State(connections): State<Arc<Connections>>,
    Path(item): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    connections.read(&store, context, item).await
}
