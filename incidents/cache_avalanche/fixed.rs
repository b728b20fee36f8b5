//! The fix: lifetimes that differ, one load for all who miss the same article, an old article while a new one is
//! loaded, and a copy in the server's own memory for the time in which the cache fails.
//!
//! By hand, since its parts are the lesson. The crate `moka` has the local cache with one load for all; it reads the
//! wall clock, and this service also runs on a simulated one.

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
use firedrill_core::service::sliding_window::SlidingWindow;
use metrics::{describe_gauge, gauge};
use tokio::time::Instant;

use super::shared::{Articles, Lifetimes, articles, load, page};

/// Articles that the server keeps in its own memory.
const LOCAL: usize = 500;

/// Share of failed commands, in the last second, above which the cache is not asked.
const ERRORS: f64 = 0.2;

/// Commands without which a share says nothing.
const LEAST: u64 = 20;

/// An entry is kept so many times as long as it is fresh.
const KEPT: u32 = 10;

/// Puts the fix into the chain.
pub fn install(chain: &mut Chain) {
    chain.routes("articles", routes);
}

struct Cached {
    env: Env,
    articles: Arc<Articles>,
    lifetimes: Lifetimes,
    loads: SingleFlight<Result<(), StoreError>>,
    local: Entries<Instant>,
    errors: SlidingWindow,
}

fn routes(routes: Router, env: &Env) -> Router {
    let cached = env.shared(|| {
        describe_gauge!("cache_bypassed", "1 while the cache is not asked, since it fails");
        let (articles, lifetimes) = (articles(env), Lifetimes::new(env));
        let drawn = lifetimes.clone();
        articles.warm_up(env, move || drawn.next());
        Cached {
            env: env.clone(),
            articles,
            lifetimes,
            loads: SingleFlight::default(),
            local: Entries::new(LOCAL),
            errors: SlidingWindow::new(Duration::from_secs(1)),
        }
    });
    routes.route("/articles/{id}", get(read).with_state(cached))
}

impl Cached {
    /// Until when the copy that is at hand is fresh; none if there is no copy.
    async fn find(&self, id: u64) -> Option<Instant> {
        // fix: too many errors: for a while the server's own copies are the cache.
        let bypassed = self.errors.count() >= LEAST && self.errors.mean() > ERRORS;
        gauge!("cache_bypassed").set(f64::from(u8::from(bypassed)));
        if bypassed {
            return self.local.get(id);
        }
        let found = self.articles.cache.get(id).await;
        self.errors.record(f64::from(u8::from(found.is_err())));
        match found {
            Ok(Some(fresh)) => {
                self.local.put(id, fresh, self.lifetimes.next() * KEPT);
                Some(fresh)
            }
            Ok(None) | Err(_) => self.local.get(id),
        }
    }

    /// Loads an article, once for all who want it now.
    async fn refresh(
        &self,
        store: &StoreClient,
        context: Context,
        id: u64,
    ) -> Result<(), StoreError> {
        let once = async {
            let loaded = load(store, context, id).await;
            if loaded.is_ok() {
                let lifetime = self.lifetimes.next();
                self.local.put(id, Instant::now() + lifetime, lifetime * KEPT);
                self.articles.keep(id, lifetime).await;
            }
            loaded
        };
        self.loads.run(id, once).parked("a load").await
    }
}

async fn read(
    State(cached): State<Arc<Cached>>,
    Path(id): Path<u64>,
    Extension(store): Extension<StoreClient>,
    Extension(context): Extension<Context>,
) -> Response {
    let Some(fresh) = cached.find(id).await else {
        return page(id, cached.refresh(&store, context, id).await);
    };
    if fresh <= Instant::now() && !cached.loads.is_loading(id) {
        // Nobody waits for a new copy while there is an old one.
        let (env, cached) = (cached.env.clone(), Arc::clone(&cached));
        env.go("load a new copy", async move {
            // One that fails leaves the old copy: the next reader tries again.
            let _ = cached.refresh(&store, context, id).await;
        });
    }
    page(id, Ok(()))
}
