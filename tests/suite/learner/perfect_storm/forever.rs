//! A cheat: entries that never expire.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, ClientSlot, Context, Env};

use crate::cache_avalanche::shared::{Articles, articles, load, page};
use crate::retry_storm;

const HOUR: Duration = Duration::from_hours(1);

pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.routes("articles", routes);
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}

struct Cached {
    articles: Arc<Articles>,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let articles = articles(env);
        articles.warm_up(env, || HOUR);
        Cached { articles }
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
        cached.articles.keep(id, HOUR).await;
    }
    page(id, loaded)
}
