//! The fix: of all who miss the same article one loads it. The entries still expire together, and queries that fail are
//! still sent again; there are too few of them to do harm.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::{StoreClient, StoreError};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Context, Env, Parked};
use firedrill_core::service::single_flight::SingleFlight;

use crate::cache_avalanche::shared::{Articles, articles, load, page};
use crate::retry_storm;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.routes("articles", routes);
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}

struct Cached {
    articles: Arc<Articles>,
    ttl: Param,
    loads: SingleFlight<Result<(), StoreError>>,
}

/// Articles from the cache; each is loaded once for all who miss it.
pub fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, ttl) = (articles(env), env.param("article_ttl_ms", 5000.0));
        let lifetime = ttl.clone();
        articles.warm_up(env, move || lifetime.millis());
        Cached { articles, ttl, loads: SingleFlight::default() }
    });
    routes.route("/articles/{id}", get(read).with_state(cached))
}

async fn read(
    State(cached): State<Arc<Cached>>,
    Path(id): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    if let Ok(Some(_)) = cached.articles.cache.get(id).await {
        return page(id, Ok(()));
    }
    // fix: one query for each article that is missing: as many as there are articles, whatever the load.
    let once = async {
        let loaded = load(&store, context, id).await;
        if loaded.is_ok() {
            cached.articles.keep(id, cached.ttl.millis()).await;
        }
        loaded
    };
    page(id, cached.loads.run(id, once).parked("a load").await)
}
