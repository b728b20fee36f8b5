//! Code shared by the variants: the articles, in the database and in the cache.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter};
use tokio::time::Instant;

use firedrill_core::incident::client::{StoreClient, StoreCommand, StoreError, StoreRequest};
use firedrill_core::incident::env::Param;
use firedrill_core::incident::{Context, Env, Parked};
use firedrill_core::random::RandomStream;
use firedrill_core::service::keyed_cache::KeyedCache;
use firedrill_core::service::store;

/// Articles that are read, with the numbers from 1 on.
pub const ARTICLES: u64 = 200;

/// Entries that the cache has room for.
const ROOM: usize = 1000;

/// The articles of this server.
pub struct Articles {
    /// The cache. Each entry says until when it is fresh.
    pub cache: KeyedCache<Instant>,
}

/// The articles of this server.
pub fn articles(env: &Env) -> Arc<Articles> {
    let articles = env.shared(|| {
        describe_counter!("articles_loaded", Unit::Count, "articles read from the database");
        counter!("articles_loaded").increment(0);
        Articles { cache: KeyedCache::new(env, ROOM) }
    });
    let shown = Arc::clone(&articles);
    env.collect(move || shown.cache.show());
    articles
}

impl Articles {
    /// Writes all articles into the cache: one query reads them, one command writes them, each for the time that `ttl`
    /// returns. An installation starts with it, so that its first readers need not wait.
    pub fn warm_up(self: &Arc<Self>, env: &Env, ttl: impl Fn() -> Duration + Send + 'static) {
        let (articles, store) = (Arc::clone(self), store::client(env));
        env.go("warm up the cache", async move {
            // A query or command that fails leaves the cache as it is.
            if load(&store, Context::default(), 0).await.is_ok() {
                let entry = |id| {
                    let ttl = ttl();
                    (id, Instant::now() + ttl, ttl)
                };
                let all: Vec<_> = (1..=ARTICLES).map(entry).collect();
                let _ = articles.cache.put(all).await;
            }
        });
    }

    /// Writes an article into the cache for so long. A cache that fails does not keep it: the next reader is served all
    /// the same.
    pub async fn keep(&self, id: u64, ttl: Duration) {
        let _ = self.cache.put([(id, Instant::now() + ttl, ttl)]).await;
    }
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

/// Reads an article from the database.
pub async fn load(store: &StoreClient, context: Context, id: u64) -> Result<(), StoreError> {
    counter!("articles_loaded").increment(1);
    let request = StoreRequest { command: StoreCommand::Get(id), context };
    store.ask(request).parked("the database").await.map(drop)
}

/// The page of an article, or of its failure.
pub fn page(id: u64, loaded: Result<(), StoreError>) -> Response {
    match loaded {
        Ok(()) => format!("article {id}\n").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
