//! A solution written otherwise: each item may use six connections at once, and nobody waits for a seventh.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env};

use super::shared::{Connections, connections, refuse};

const MOST: usize = 6;

pub fn install(chain: &mut Chain) {
    chain.routes("items", items);
}

#[derive(Default)]
struct InUse(Mutex<BTreeMap<u64, usize>>);

struct One<'a>(&'a InUse, u64);

impl InUse {
    fn take(&self, item: u64) -> Option<One<'_>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(item).or_default();
        (*count < MOST).then(|| {
            *count += 1;
            One(self, item)
        })
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
        }
        counts.retain(|_, count| *count > 0);
    }
}

fn items(routes: Router, env: &Env) -> Router {
    let in_use = env.shared(InUse::default);
    routes.route("/items/{id}", get(read).with_state((connections(env), in_use)))
}

async fn read(
    State((connections, in_use)): State<(Arc<Connections>, Arc<InUse>)>,
    Path(item): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    let Some(_one) = in_use.take(item) else { return refuse() };
    connections.read(&store, context, item).await
}
