//! The gateway that is replayed: a small HTTP service with a store behind it.
//!
//! * [`routes`]: what it offers
//! * [`detach`], [`telemetry`]: the slots that no incident owns
//! * [`store`]: the downstream behind the pool
//! * [`log_file`]: where the log's writer puts its lines
//! * [`connection`]: from a socket to the chain in force

pub mod connection;
pub mod detach;
pub mod log_file;
pub mod routes;
pub mod store;
pub mod telemetry;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use tower::ServiceExt;

use crate::incident::{Chain, Env, Slot};

/// A running service whose chain can be switched while requests run.
#[derive(Debug)]
pub struct Gateway {
    env: Env,
    in_force: ArcSwap<Router>,
    /// The slots in force, from the outside in, for people.
    order: Mutex<String>,
    connections: AtomicU64,
}

/// The chain without any incident's part: the slots that no incident owns, and the routes.
pub fn base_chain() -> Chain {
    let mut chain = Chain::default();
    chain.replace(Slot::Detach, detach::install);
    chain.replace(Slot::Metrics, telemetry::install);
    chain.routes("orders", routes::install);
    chain
}

impl Gateway {
    /// A service that starts with `chain`. Must be called within a runtime: a chain may start
    /// background tasks.
    pub fn new(env: Env, chain: &Chain) -> Arc<Self> {
        let router = chain.build(store::client(&env), &env);
        let in_force = ArcSwap::from_pointee(router);
        let order = Mutex::new(chain.describe());
        Arc::new(Self { env, in_force, order, connections: AtomicU64::new(0) })
    }

    /// Puts `chain` in force for all requests that begin from now on; those under way stay in
    /// theirs. Returns a line about it for people where the order of the slots has changed. Must
    /// be called within a runtime.
    pub fn switch(&self, chain: &Chain) -> Option<String> {
        let router = chain.build(store::client(&self.env), &self.env);
        self.in_force.store(Arc::new(router));
        let now = chain.describe();
        let before = {
            let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *order, now.clone())
        };
        (now != before).then(|| format!("chain: {now}"))
    }

    /// Connections that are open now.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// The service's surroundings.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Answers a request through the chain in force now.
    pub async fn handle(&self, request: Request<Body>) -> Response {
        let router = Router::clone(&self.in_force.load());
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
