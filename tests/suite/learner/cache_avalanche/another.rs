//! A solution written otherwise: jobs load one article after the other, all the time, into the server's own memory.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::{StoreClient, StoreError};
use firedrill_core::incident::{Chain, Context, Env, Parked};
use firedrill_core::service::keyed_cache::Entries;
use firedrill_core::service::single_flight::SingleFlight;
use firedrill_core::service::store;

use super::shared::{ARTICLES, load, page};

/// Jobs, each with every so many articles.
const JOBS: u64 = 4;

const KEPT: Duration = Duration::from_mins(1);

pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Local {
    kept: Entries<()>,
    loads: SingleFlight<Result<(), StoreError>>,
}

fn routes(routes: Router, env: &Env) -> Router {
    let local = env.shared(|| Local { kept: Entries::new(1000), loads: SingleFlight::default() });
    let (warmed, store) = (Arc::clone(&local), store::client(env));
    env.go("load all articles", async move {
        if load(&store, Context::default(), 0).await.is_ok() {
            (1..=ARTICLES).for_each(|id| warmed.kept.put(id, (), KEPT));
        }
    });
    for job in 0..JOBS {
        let (renewed, store) = (Arc::clone(&local), store::client(env));
        env.go("load articles again", async move {
            for id in (1..=ARTICLES).cycle().filter(|id| id % JOBS == job) {
                if load(&store, Context::default(), id).await.is_ok() {
                    renewed.kept.put(id, (), KEPT);
                }
            }
        });
    }
    routes.route("/articles/{id}", get(read).with_state(local))
}

async fn read(
    State(local): State<Arc<Local>>,
    Path(id): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    if local.kept.get(id).is_some() {
        return page(id, Ok(()));
    }
    let once = load(&store, context, id);
    page(id, local.loads.run(id, once).parked("a load").await)
}
