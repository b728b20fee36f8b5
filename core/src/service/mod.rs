//! The gateway that is replayed: a small HTTP service with a store behind it.
//!
//! * [`routes`]: what it offers
//! * [`detach`], [`telemetry`], [`base`]: its own layers of the chain
//! * [`chaos`]: faults on purpose, in any lane
//! * [`store`]: what it depends on; [`downstream`]: how that saturates, fails and hangs
//! * [`limit`]: a concurrency limit; [`lines`]: workers with a line for each group of requests
//! * [`keyed_cache`]: a cache with contents; [`single_flight`]: one load for all who want the same
//! * [`sliding_window`]: values of the last seconds; [`token_bucket`]: a rate limit
//! * [`log_file`]: where the log's writer puts its lines

pub mod base;
pub mod chaos;
pub mod detach;
pub mod downstream;
pub mod keyed_cache;
pub mod limit;
pub mod lines;
pub mod log_file;
pub mod routes;
pub mod single_flight;
pub mod sliding_window;
pub mod store;
pub mod telemetry;
pub mod token_bucket;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::ServiceExt;

use crate::incident::certificate::{Certificate, CertificateError, certificate_file};
use crate::incident::chain::{Presenter, Standing};
use crate::incident::{Chain, Env, Slot};

/// The text of a source file of the service, by its path, as compiler and wait sites name it.
pub fn source(file: &str) -> Option<&'static str> {
    let here = file!().strip_suffix("mod.rs")?;
    match file.strip_prefix(here)? {
        "chaos.rs" => Some(include_str!("chaos.rs")),
        "base.rs" => Some(include_str!("base.rs")),
        "detach.rs" => Some(include_str!("detach.rs")),
        "downstream.rs" => Some(include_str!("downstream.rs")),
        "log_file.rs" => Some(include_str!("log_file.rs")),
        "routes.rs" => Some(include_str!("routes.rs")),
        "store.rs" => Some(include_str!("store.rs")),
        "telemetry.rs" => Some(include_str!("telemetry.rs")),
        _ => None,
    }
}

/// A running service whose chain can be switched while requests run.
#[derive(Debug)]
pub struct Gateway {
    env: Env,
    /// As it was asked for, without the service's own faults.
    chain: Mutex<Chain>,
    in_force: ArcSwap<Router>,
    /// The installed middleware: around the routes, and around database calls.
    stands: Mutex<(Vec<Standing>, Vec<Standing>)>,
    presents: ArcSwap<Presents>,
}

/// The certificate presenter, if the stack has one.
struct Presents(Option<Presenter>);

impl fmt::Debug for Presents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Presents").field(&self.0.is_some()).finish()
    }
}

/// The chain without any incident's part.
pub fn base_chain() -> Chain {
    let mut chain = Chain::default();
    chain.layer(Slot::Detach, detach::install);
    chain.layer(Slot::Metrics, telemetry::install);
    chain.layer(Slot::Recover, base::recover);
    chain.layer(Slot::Auth, base::auth);
    chain.layer(Slot::Log, base::log);
    chain.routes("orders", routes::install);
    chain
}

/// A chain with the service's own faults, where parameters ask for any.
fn with_chaos(chain: &Chain, env: &Env) -> Chain {
    let mut chain = chain.clone();
    if chaos::wanted(env) {
        chain.layer_beside(Slot::Chaos, chaos::install);
    }
    chain
}

impl Gateway {
    /// A service that starts with `chain`. Must be called within a runtime: a chain may start
    /// background tasks.
    pub fn new(env: Env, chain: &Chain) -> Arc<Self> {
        let asked = Mutex::new(chain.clone());
        let chain = &with_chaos(chain, &env);
        let router = chain.build(store::client(&env), &env);
        let in_force = ArcSwap::from_pointee(router);
        let stands = Mutex::new((chain.around_routes(), chain.around_store()));
        let presents = ArcSwap::from_pointee(Presents(chain.presenter(&env)));
        Arc::new(Self { env, chain: asked, in_force, stands, presents })
    }

    /// Puts `chain` in force for all requests that begin from now on; those under way stay in
    /// theirs. Tells whether what stands in the chain has changed. Must be called within a runtime.
    pub fn switch(&self, chain: &Chain) -> bool {
        chain.clone_into(&mut self.chain.lock().unwrap_or_else(PoisonError::into_inner));
        let chain = &with_chaos(chain, &self.env);
        let router = chain.build(store::client(&self.env), &self.env);
        self.in_force.store(Arc::new(router));
        self.presents.store(Arc::new(Presents(chain.presenter(&self.env))));
        let now = (chain.around_routes(), chain.around_store());
        let mut stands = self.stands.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *stands != now;
        *stands = now;
        changed
    }

    /// Gives a parameter a new value. One that asks for the first fault, or ends the last, puts the slot
    /// `chaos` into the chain, or takes it out. Must be called within a runtime.
    pub fn set_param(&self, name: &str, value: f64) {
        let had = chaos::wanted(&self.env);
        self.env.set_param(name, value);
        if chaos::wanted(&self.env) != had {
            let chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.switch(&chain);
        }
    }

    /// The certificate for a client that connects now: what the chain in force presents, or else what stands
    /// in the file.
    ///
    /// # Errors
    ///
    /// When there is none, and none can be made.
    pub fn certificate(&self) -> Result<Certificate, CertificateError> {
        match &self.presents.load().0 {
            Some(presents) => presents(),
            None => certificate_file(&self.env).read(),
        }
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
