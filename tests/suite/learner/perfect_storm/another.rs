//! A solution written otherwise: each entry has a lifetime of its own, so that few are missing at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, ClientSlot, Context, Env};
use firedrill_core::random::RandomStream;

use crate::cache_avalanche::shared::{Articles, articles, load, page};
use crate::retry_storm;

pub fn install(chain: &mut Chain) {
    super::shared::install(chain);
    chain.routes("articles", routes);
    chain.client(ClientSlot::Retry, retry_storm::broken::retry);
}

struct Cached {
    articles: Arc<Articles>,
    ttl: Param,
    random: RandomStream,
}

impl Cached {
    fn lifetime(&self) -> Duration {
        drawn(&self.ttl, &self.random)
    }
}

fn drawn(ttl: &Param, random: &RandomStream) -> Duration {
    ttl.millis().mul_f64(1.0 - 0.75 * random.uniform())
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let (articles, ttl) = (articles(env), env.param("article_ttl_ms", 5000.0));
        let random = env.random("lifetimes");
        let (longest, dice) = (ttl.clone(), random.clone());
        articles.warm_up(env, move || drawn(&longest, &dice));
        Cached { articles, ttl, random }
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
        cached.articles.keep(id, cached.lifetime()).await;
    }
    page(id, loaded)
}
