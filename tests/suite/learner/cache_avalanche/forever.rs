//! A cheat: what was read once is served forever.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};
use firedrill_core::service::keyed_cache::Entries;

use super::shared::{ARTICLES, articles, load, page};

const HOUR: Duration = Duration::from_hours(1);

pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

fn routes(routes: Router, env: &Env) -> Router {
    let local = env.shared(|| {
        articles(env).warm_up(env, || HOUR);
        let local = Entries::new(1000);
        (1..=ARTICLES).for_each(|id| local.put(id, (), HOUR));
        local
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
    page(id, load(&store, context, id).await)
}
