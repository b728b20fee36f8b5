//! No limit: each request waits for a connection, whatever item it is for.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Connections, connections};

/// Puts the bug into the chain.
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
    // cause: requests for all items wait in one line for the connections, and nearly all want the same item.
    connections.read(&store, context, item).await
}
