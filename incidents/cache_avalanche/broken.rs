//! A cache with one lifetime for all articles, and a job that writes all of them at once.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Articles, articles, load, page};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Cached {
    articles: Arc<Articles>,
    ttl: Param,
}

/// Articles from the cache; who misses one loads it.
pub fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, ttl) = (articles(env), env.param("article_ttl_ms", 5000.0));
        let lifetime = ttl.clone();
        // cause: all entries are written at the same moment, for the same time.
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
