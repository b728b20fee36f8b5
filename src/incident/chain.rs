//! The service's two onions, and the patches that bugs are.
//!
//! Around the routes stand middlewares, around every call to the store stand client layers. The
//! healthy chain is every slot in its fixed form; a bug replaces a slot, removes it, or swaps two.

use std::task::{Context, Poll};

use axum::{Extension, Router};
use bytes::Bytes;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use super::env::{Env, PanicRule};

/// A named place in the chain around the routes, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A task of its own for each request, so that a client that hangs up does not cancel it.
    Detach,
    /// Counts and times requests.
    Metrics,
    /// Answers a panic with a 500.
    Recover,
    /// Lets only known callers pass.
    Auth,
    /// Writes a line for each request.
    Log,
}

/// A named place in the chain around every call to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientSlot {
    /// Lends connections.
    Pool,
}

/// Wraps the routes, or adds some.
pub type Middleware = fn(Router, &Env) -> Router;

/// Wraps the calls to the store.
pub type ClientLayer = fn(StoreClient, &Env) -> StoreClient;

/// Patches a chain: the one function that a variant's code exports.
pub type Install = fn(&mut Chain);

/// What stands in which slot.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    middleware: Vec<(Slot, Middleware)>,
    client: Vec<(ClientSlot, ClientLayer)>,
    routes: Vec<(&'static str, Middleware)>,
    panic_rule: PanicRule,
}

impl Chain {
    /// Puts a middleware into a slot, in place of what stood there; an empty slot is filled
    /// where the order of [`Slot`] has it.
    pub fn replace(&mut self, slot: Slot, middleware: Middleware) {
        place(&mut self.middleware, slot, middleware);
    }

    /// Empties a slot.
    pub fn remove(&mut self, slot: Slot) {
        self.middleware.retain(|(there, _)| *there != slot);
    }

    /// Lets two slots change places; nothing happens where one of them is empty.
    pub fn swap(&mut self, a: Slot, b: Slot) {
        let at = |slot| self.middleware.iter().position(|(there, _)| *there == slot);
        if let (Some(a), Some(b)) = (at(a), at(b)) {
            self.middleware.swap(a, b);
        }
    }

    /// Puts a layer into a slot around the store.
    pub fn replace_client(&mut self, slot: ClientSlot, layer: ClientLayer) {
        place(&mut self.client, slot, layer);
    }

    /// Adds a named group of routes, in place of the group that had this name.
    pub fn routes(&mut self, name: &'static str, routes: Middleware) {
        place(&mut self.routes, name, routes);
    }

    /// Chooses what an unrecovered panic does.
    pub fn panic_rule(&mut self, rule: PanicRule) {
        self.panic_rule = rule;
    }

    /// The slots from the outside in, for people: `detach → auth → log`.
    pub fn describe(&self) -> String {
        let names: Vec<String> =
            self.order().iter().map(|slot| format!("{slot:?}").to_lowercase()).collect();
        names.join(" → ")
    }

    /// The slots from the outside in.
    pub fn order(&self) -> Vec<Slot> {
        self.middleware.iter().map(|(slot, _)| *slot).collect()
    }

    /// Builds the service of this chain around `store`.
    pub fn build(&self, store: StoreClient, env: &Env) -> Router {
        env.set_panic_rule(self.panic_rule);
        let store = self.client.iter().rev().fold(store, |inner, (_, layer)| layer(inner, env));
        let routes = self.routes.iter().fold(Router::new(), |router, (_, add)| add(router, env));
        let inside = routes.layer(Extension(store));
        self.middleware.iter().rev().fold(inside, |inner, (_, wrap)| wrap(inner, env))
    }
}

fn place<K: PartialEq + PartialOrd, V>(onion: &mut Vec<(K, V)>, key: K, value: V) {
    if let Some((_, there)) = onion.iter_mut().find(|(k, _)| *k == key) {
        *there = value;
    } else {
        let at = onion.iter().position(|(k, _)| *k > key).unwrap_or(onion.len());
        onion.insert(at, (key, value));
    }
}

/// What the service asks of its store.
#[derive(Debug, Clone)]
pub enum StoreRequest {
    /// Keep an order.
    Put(Bytes),
    /// Look an order up.
    Get(u64),
}

/// What the store answers.
#[derive(Debug, Clone)]
pub enum StoreReply {
    /// The order is kept under this number.
    Kept(u64),
    /// The order, as the store has it.
    Found(Bytes),
}

/// Why a call to the store came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store failed the command.
    #[error("the store failed the command")]
    Command,
    /// No connection became free in time.
    #[error("no connection to the store became free in time")]
    NoConnection,
}

/// A way to the store, through whatever layers the chain has.
#[derive(Debug, Clone)]
pub struct StoreClient(BoxCloneSyncService<StoreRequest, StoreReply, StoreError>);

impl StoreClient {
    /// A client that answers each request with `call`.
    pub fn new<C, F>(call: C) -> Self
    where
        C: FnMut(StoreRequest) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<StoreReply, StoreError>> + Send + 'static,
    {
        Self(BoxCloneSyncService::new(tower::service_fn(call)))
    }

    /// Asks the store.
    ///
    /// # Errors
    ///
    /// What the store, or a layer on the way to it, says.
    pub async fn ask(&self, request: StoreRequest) -> Result<StoreReply, StoreError> {
        self.clone().oneshot(request).await
    }
}

impl Service<StoreRequest> for StoreClient {
    type Response = StoreReply;
    type Error = StoreError;
    type Future = <BoxCloneSyncService<StoreRequest, StoreReply, StoreError> as Service<
        StoreRequest,
    >>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: StoreRequest) -> Self::Future {
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(router: Router, _: &Env) -> Router {
        router
    }

    #[test]
    fn a_slot_is_filled_in_its_place_and_patched() {
        let mut chain = Chain::default();
        chain.replace(Slot::Log, nothing);
        chain.replace(Slot::Detach, nothing);
        chain.replace(Slot::Auth, nothing);
        chain.replace(Slot::Auth, nothing);
        assert_eq!(chain.order(), [Slot::Detach, Slot::Auth, Slot::Log]);
        chain.swap(Slot::Auth, Slot::Log);
        chain.swap(Slot::Auth, Slot::Recover);
        assert_eq!(chain.order(), [Slot::Detach, Slot::Log, Slot::Auth]);
        chain.remove(Slot::Detach);
        assert_eq!(chain.order(), [Slot::Log, Slot::Auth]);
    }
}
