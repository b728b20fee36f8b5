//! The parts that a news site is put together from: places, a cache whose entries expire together, and retries.
//!
//! Change this file so that, when the entries expire:
//!
//! * at least 97 of 100 readers get their page, of an article or of the weather;
//! * at most 200 queries wait for the database, and articles that have expired are still loaded again.
//!
//! What you need to know:
//!
//! * The database answers 80 queries a second. There are 200 articles; about 320 requests a second are for one of them.
//!   The cache is filled at the start, and each article is loaded again when it has expired.
//! * `retry_storm::broken::retry` sends a query that failed three times more, `retry_storm::fixed::retry` only as long
//!   as retries are a tenth of all queries.
//! * `chain.client(ClientSlot::Breaker, no_circuit_breaker::fixed::breaker)` puts a circuit breaker in front of the
//!   database: while more than half of the loads of a second fail, it refuses them at once.
//! * `SingleFlight::default()` of `firedrill_core::service::single_flight`: `run(key, future)` returns the result of the
//!   load of this key that is under way, and starts one if there is none.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Context, Env};

use crate::cache_avalanche::shared::{Articles, articles, load, page};
use crate::retry_storm;

/// Puts the parts together.
pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.routes("articles", routes);
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}

struct Cached {
    articles: Arc<Articles>,
    ttl: Param,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, ttl) = (articles(env), env.param("article_ttl_ms", 5000.0));
        let lifetime = ttl.clone();
        articles.warm_up(env, move || lifetime.millis());
        Cached { articles, ttl }
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
    let loaded = load(&store, context, id).await;
    if loaded.is_ok() {
        cached.articles.keep(id, cached.ttl.millis()).await;
    }
    page(id, loaded)
}
