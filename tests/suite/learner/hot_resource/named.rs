//! A cheat: the limit is for item 1 alone, which is the one on sale today.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};
use firedrill_core::service::token_bucket::TokenBucket;

use super::shared::{Connections, connections, refuse};

pub fn install(chain: &mut Chain) {
    chain.routes("items", items);
}

struct OfItem1(TokenBucket);

fn items(routes: Router, env: &Env) -> Router {
    let bucket = env.shared(|| OfItem1(TokenBucket::new(20.0)));
    routes.route("/items/{id}", get(read).with_state((connections(env), bucket)))
}

async fn read(
    State((connections, bucket)): State<(Arc<Connections>, Arc<OfItem1>)>,
    Path(item): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    if item == 1 && !bucket.0.take(110.0) {
        return refuse();
    }
    connections.read(&store, context, item).await
}
