//! A partial fix: each entry lives for a time of its own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Articles, Lifetimes, articles, load, page};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Cached {
    articles: Arc<Articles>,
    lifetimes: Lifetimes,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, lifetimes) = (articles(env), Lifetimes::new(env));
        let drawn = lifetimes.clone();
        articles.warm_up(env, move || drawn.next());
        Cached { articles, lifetimes }
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
    // cause: all who miss the same article at the same time ask the database for it, each for itself.
    let loaded = load(&store, context, id).await;
    if loaded.is_ok() {
        cached.articles.keep(id, cached.lifetimes.next()).await;
    }
    page(id, loaded)
}
