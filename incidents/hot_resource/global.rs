//! The partial fix: one rate limit for all items.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};
use firedrill_core::service::token_bucket::TokenBucket;

use super::shared::{Connections, connections, refuse};

/// Requests a second that may reach the database.
const ALL_PER_S: f64 = 180.0;

/// Requests that may come at once after a quiet time.
const BURST: f64 = 20.0;

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("items", items);
}

struct Limit(TokenBucket);

fn items(routes: Router, env: &Env) -> Router {
    let limit = env.shared(|| Limit(TokenBucket::new(BURST)));
    routes.route("/items/{id}", get(read).with_state((connections(env), limit)))
}

async fn read(
    State((connections, limit)): State<(Arc<Connections>, Arc<Limit>)>,
    Path(item): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    // cause: the limit counts requests for all items together, so it refuses those of every item alike.
    if !limit.0.take(ALL_PER_S) {
        return refuse();
    }
    connections.read(&store, context, item).await
}
