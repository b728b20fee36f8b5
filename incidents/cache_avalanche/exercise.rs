//! The articles of a news site: all are written into the cache when the server starts, each for five seconds.
//!
//! Change this file so that, whatever happens to the cache:
//!
//! * at most 40 queries wait for the database;
//! * while the cache fails 80 of 100 commands, at least 98 of 100 readers get their article;
//! * an article is loaded again at the latest ten seconds after it was loaded.
//!
//! What you need to know:
//!
//! * The database answers 100 queries a second. There are 200 articles, and all of them are read.
//! * `articles.cache.get(id)` is `Ok(Some(fresh))` with the moment until which the entry is fresh, `Ok(None)` if there
//!   is no entry, and an error if the cache fails. `articles.keep(id, ttl)` writes an entry.
//! * `Entries::new(500)` is a cache in your own memory: `get(key)`, `put(key, value, ttl)`.
//! * `SingleFlight::default()`: `run(key, future)` returns the result of the load of this key that is under way, and
//!   starts one if there is none.
//! * `SlidingWindow::new(Duration::from_secs(1))` keeps the values of the last second: `record(value)`, `count()`,
//!   `mean()`.
//! * `Lifetimes::new(env)` of `shared.rs`: `next()` is a lifetime between a quarter of five seconds and all of them.
//! * `env.go("a name", future)` starts a job.
//! * `env.shared(|| …)` makes state that all requests share. Time is `tokio::time`, not that of `std`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Articles, articles, load, page};

/// Lifetime of an entry.
const TTL: Duration = Duration::from_secs(5);

/// Puts the articles into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Cached {
    articles: Arc<Articles>,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        let articles = articles(env);
        articles.warm_up(env, || TTL);
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
        cached.articles.keep(id, TTL).await;
    }
    page(id, loaded)
}
