//! The fix: a rate limit for each item.

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

/// Requests a second for one item that may reach the database.
const ITEM_PER_S: f64 = 120.0;

/// Requests for one item that may come at once after a quiet time.
const BURST: f64 = 20.0;

/// Items whose requests are counted; of others the count would be full.
const COUNTED: usize = 1000;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("items", items);
}

/// A bucket for each item that was read a moment ago.
#[derive(Default)]
struct Limits(Mutex<BTreeMap<u64, TokenBucket>>);

impl Limits {
    fn admits(&self, item: u64) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= COUNTED {
            // A full bucket says no more than none.
            buckets.retain(|_, bucket| !bucket.is_full(ITEM_PER_S));
        }
        // fix: each item has tokens of its own.
        buckets.entry(item).or_insert_with(|| TokenBucket::new(BURST)).take(ITEM_PER_S)
    }
}

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
    if !limits.admits(item) {
        return refuse();
    }
    connections.read(&store, context, item).await
}
