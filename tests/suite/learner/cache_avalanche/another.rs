//! A solution written otherwise: a job loads one article after the other, all the time, into the server's own memory.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};
use firedrill_core::service::keyed_cache::Entries;
use firedrill_core::service::store;

use super::shared::{ARTICLES, load, page};

const EVERY: Duration = Duration::from_millis(22);

const KEPT: Duration = Duration::from_secs(60);

pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

fn routes(routes: Router, env: &Env) -> Router {
    let local = env.shared(|| Entries::<()>::new(1000));
    let (kept, store) = (Arc::clone(&local), store::client(env));
    env.go("load the articles", async move {
        let mut turns = tokio::time::interval(EVERY);
        for id in (1..=ARTICLES).cycle() {
            turns.tick().await;
            if load(&store, Context::default(), id).await.is_ok() {
                kept.put(id, (), KEPT);
            }
        }
    });
    routes.route("/articles/{id}", get(read).with_state(local))
}

async fn read(
    State(local): State<Arc<Entries<()>>>,
    Path(id): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    if local.get(id).is_some() {
        return page(id, Ok(()));
    }
    let loaded = load(&store, context, id).await;
    if loaded.is_ok() {
        local.put(id, (), KEPT);
    }
    page(id, loaded)
}
