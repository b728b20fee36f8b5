//! A partial fix: each entry lives for a time of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Chain, Context, Env};
use firedrill_core::random::RandomStream;

use super::shared::{Articles, articles, load, page};

/// Puts the partial fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

/// Lifetimes between a quarter of a time and all of it.
#[derive(Clone)]
pub struct Lifetimes {
    longest: Param,
    random: RandomStream,
}

impl Lifetimes {
    /// The lifetimes of this server's entries.
    pub fn new(env: &Env) -> Self {
        let longest = env.param("article_ttl_ms", 5000.0);
        Self { longest, random: env.random("lifetimes of articles") }
    }

    /// The lifetime of the next entry.
    pub fn next(&self) -> Duration {
        self.longest.millis().mul_f64(1.0 - 0.75 * self.random.uniform())
    }
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
