//! A cheat: five requests a second for an item, so that nothing is ever busy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

#[derive(Default)]
struct Limits(Mutex<BTreeMap<u64, TokenBucket>>);

fn items(routes: Router, env: &Env) -> Router {
    let limits = env.shared(Limits::default);
    routes.route("/items/{id}", get(read).with_state((connections(env), limits)))
}

async fn read(
    State((connections, limits)): State<(Arc<Connections>, Arc<Limits>)>,
    Path(item): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    let admits = {
        let mut buckets = limits.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(item).or_insert_with(|| TokenBucket::new(5.0)).take(5.0)
    };
    if !admits {
        return refuse();
    }
    connections.read(&store, context, item).await
}
