//! A partial fix: lifetimes that differ, and one load for all who miss the same article. While the cache fails,
//! everybody misses.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::{StoreClient, StoreError};
use firedrill_core::incident::{Chain, Context, Env, Parked};
use firedrill_core::service::single_flight::SingleFlight;

use super::shared::{Articles, Lifetimes, articles, load, page};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Cached {
    articles: Arc<Articles>,
    lifetimes: Lifetimes,
    loads: SingleFlight<Result<(), StoreError>>,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, lifetimes) = (articles(env), Lifetimes::new(env));
        let drawn = lifetimes.clone();
        articles.warm_up(env, move || drawn.next());
        Cached { articles, lifetimes, loads: SingleFlight::default() }
    });
    routes.route("/articles/{id}", get(read).with_state(cached))
}

async fn read(
    State(cached): State<Arc<Cached>>,
    Path(id): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    // cause: an error of the cache is taken for a miss, and the database cannot serve all readers.
    if let Ok(Some(_)) = cached.articles.cache.get(id).await {
        return page(id, Ok(()));
    }
    let once = async {
        let loaded = load(&store, context, id).await;
        if loaded.is_ok() {
            cached.articles.keep(id, cached.lifetimes.next()).await;
        }
        loaded
    };
    page(id, cached.loads.run(id, once).parked("a load").await)
}
