//! The service's two onions, and the layers that stand in them.
//!
//! Around the routes stand middlewares, around every call to the store stand client layers. Each
//! slot has one *main* place, which the service itself fills or leaves empty, and room beside it.
//! An incident fills, empties or swaps main places, and adds layers beside them; two incidents that
//! claim the same main place cannot be in play at once.

use std::fmt;
use std::sync::Arc;

use axum::{Extension, Router};

use super::client::StoreClient;
use super::env::{Env, PanicRule};
use crate::incident::certificate::{Certificate, CertificateError};

/// A named place in the chain around the routes, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A task of its own for each request, so that a client that hangs up does not cancel it.
    Detach,
    /// Counts and times requests.
    Metrics,
    /// Injects faults.
    Chaos,
    /// Answers a panic with a 500.
    Recover,
    /// Lets only known callers pass.
    Auth,
    /// Writes a line for each request.
    Log,
    /// Refuses what is too much.
    Limit,
}

/// A named place in the chain around every call to the store, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientSlot {
    /// Answers without the store.
    Cache,
    /// Asks no more where asking is in vain.
    Breaker,
    /// Asks again.
    Retry,
    /// Waits no longer than it is told.
    Timeout,
    /// Lends connections.
    Pool,
}

impl Slot {
    /// All slots, outermost first.
    pub const ALL: [Self; 7] = [
        Self::Detach,
        Self::Metrics,
        Self::Chaos,
        Self::Recover,
        Self::Auth,
        Self::Log,
        Self::Limit,
    ];

    /// Its name: `detach`, `metrics` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Detach => "detach",
            Self::Metrics => "metrics",
            Self::Chaos => "chaos",
            Self::Recover => "recover",
            Self::Auth => "auth",
            Self::Log => "log",
            Self::Limit => "limit",
        }
    }
}

impl ClientSlot {
    /// All slots, outermost first.
    pub const ALL: [Self; 5] = [Self::Cache, Self::Breaker, Self::Retry, Self::Timeout, Self::Pool];

    /// Its name: `cache`, `breaker` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Breaker => "breaker",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Pool => "pool",
        }
    }
}

/// The names of all slots, of both onions, outermost first.
pub fn slot_names() -> impl Iterator<Item = &'static str> {
    Slot::ALL.into_iter().map(Slot::name).chain(ClientSlot::ALL.into_iter().map(ClientSlot::name))
}

/// Wraps the routes, or adds some.
pub type Middleware = fn(Router, &Env) -> Router;

/// Wraps the calls to the store.
pub type ClientLayer = fn(StoreClient, &Env) -> StoreClient;

/// Puts an incident's layers into a chain: the one function that a variant's code exports.
pub type Install = fn(&mut Chain);

/// Presents a certificate to a client that connects.
pub type Presenter = Arc<dyn Fn() -> Result<Certificate, CertificateError> + Send + Sync>;

/// Makes what presents certificates.
pub type Presents = fn(&Env) -> Presenter;

/// Whose layer it is: an incident's id, or [`SERVICE`].
pub type Owner = String;

/// The service itself, as the owner of layers.
pub const SERVICE: &str = "service";

/// Two incidents that claim one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{first} and {second} cannot be on together: both claim the `{place}` slot of the chain; \
     switch one of them off first"
)]
pub struct Clash {
    /// The place.
    pub place: String,
    /// Current owner.
    pub first: Owner,
    /// Second claimant.
    pub second: Owner,
}

/// One stack: the content of each slot, outermost first.
#[derive(Clone)]
struct Onion<K, L> {
    /// Slots from the outside in; incidents may swap two.
    order: Vec<K>,
    main: Vec<(K, Owner, Option<L>)>,
    /// In the order in which they came; the first is the outermost.
    beside: Vec<(K, Owner, L)>,
}

impl<K: Copy + PartialEq, L: Copy> Onion<K, L> {
    fn new(order: &[K]) -> Self {
        Self { order: order.to_vec(), main: Vec::new(), beside: Vec::new() }
    }

    /// Claims a main place; returns its owner where that is another incident.
    fn claim(&mut self, slot: K, owner: &str, layer: Option<L>) -> Option<Owner> {
        match self.main.iter_mut().find(|(there, _, _)| *there == slot) {
            Some((_, had, _)) if had != owner && had != SERVICE => Some(had.clone()),
            Some(place) => {
                *place = (slot, owner.to_owned(), layer);
                None
            }
            None => {
                self.main.push((slot, owner.to_owned(), layer));
                None
            }
        }
    }

    /// The layers of a slot, outermost first: what came beside stands outside the main one.
    fn of(&self, slot: K) -> impl DoubleEndedIterator<Item = (&str, L)> {
        let beside = self.beside.iter().filter(move |(there, ..)| *there == slot);
        let main = self.main.iter().filter(move |(there, ..)| *there == slot);
        let main = main.filter_map(|(_, owner, layer)| Some((owner.as_str(), (*layer)?)));
        beside.map(|(_, owner, layer)| (owner.as_str(), *layer)).chain(main)
    }

    /// All layers, outermost first.
    fn all(&self) -> Vec<(K, &str, L)> {
        let each = |slot: &K| {
            let slot = *slot;
            self.of(slot).map(move |(owner, layer)| (slot, owner, layer))
        };
        self.order.iter().flat_map(each).collect()
    }
}

/// A named group of routes, with middlewares of its own.
#[derive(Clone)]
struct Group {
    name: &'static str,
    owner: Owner,
    routes: Vec<Middleware>,
    layers: Vec<(Slot, Owner, Middleware)>,
}

/// A layer of a chain, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The slot that it stands in.
    pub slot: &'static str,
    /// Whose it is.
    pub owner: Owner,
}

/// The content of the middleware slots.
#[derive(Clone)]
pub struct Chain {
    /// Owner of the layers being installed.
    owner: Owner,
    middleware: Onion<Slot, Middleware>,
    client: Onion<ClientSlot, ClientLayer>,
    groups: Vec<Group>,
    presents: Option<(Owner, Presents)>,
    panic_rule: PanicRule,
    clash: Option<Clash>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            owner: SERVICE.to_owned(),
            middleware: Onion::new(&Slot::ALL),
            client: Onion::new(&ClientSlot::ALL),
            groups: Vec::new(),
            presents: None,
            panic_rule: PanicRule::default(),
            clash: None,
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.describe()).finish()
    }
}

impl Chain {
    /// Lets an incident install its layers.
    ///
    /// # Errors
    ///
    /// When it claims a place that another incident has.
    pub fn install(&mut self, owner: &str, install: Install) -> Result<(), Clash> {
        owner.clone_into(&mut self.owner);
        install(self);
        SERVICE.clone_into(&mut self.owner);
        self.clash.take().map_or(Ok(()), Err)
    }

    fn note(&mut self, place: &str, had: Option<Owner>) {
        let Some(first) = had else { return };
        let (place, second) = (place.to_owned(), self.owner.clone());
        self.clash.get_or_insert(Clash { place, first, second });
    }

    /// Puts a middleware into the main place of a slot, in place of the service's own.
    pub fn layer(&mut self, slot: Slot, middleware: Middleware) {
        let had = self.middleware.claim(slot, &self.owner, Some(middleware));
        self.note(slot.name(), had);
    }

    /// Adds a middleware to a slot, outside its main one, which stays.
    pub fn layer_beside(&mut self, slot: Slot, middleware: Middleware) {
        self.middleware.beside.push((slot, self.owner.clone(), middleware));
    }

    /// Empties the main place of a slot.
    pub fn remove(&mut self, slot: Slot) {
        let had = self.middleware.claim(slot, &self.owner, None);
        self.note(slot.name(), had);
    }

    /// Lets two slots change places, with all that stands in them.
    pub fn swap(&mut self, a: Slot, b: Slot) {
        let at = |slot| self.middleware.order.iter().position(|there| *there == slot);
        if let (Some(a), Some(b)) = (at(a), at(b)) {
            self.middleware.order.swap(a, b);
        }
    }

    /// Puts a layer into the main place of a slot around the store.
    pub fn client(&mut self, slot: ClientSlot, layer: ClientLayer) {
        let had = self.client.claim(slot, &self.owner, Some(layer));
        self.note(slot.name(), had);
    }

    /// Adds a layer to a slot around the store, outside its main one, which stays.
    pub fn client_beside(&mut self, slot: ClientSlot, layer: ClientLayer) {
        self.client.beside.push((slot, self.owner.clone(), layer));
    }

    /// Adds routes to the named group, which is its owner's alone. In a group with layers of its own, one
    /// route a call: several that are merged come in no fixed order, which shows in the size of the heap.
    pub fn routes(&mut self, name: &'static str, routes: Middleware) {
        match self.groups.iter_mut().find(|group| group.name == name) {
            Some(there) if there.owner == self.owner => there.routes.push(routes),
            Some(there) => {
                let had = Some(there.owner.clone());
                self.note(name, had);
            }
            None => {
                let owner = self.owner.clone();
                self.groups.push(Group { name, owner, routes: vec![routes], layers: Vec::new() });
            }
        }
    }

    /// Adds a middleware to a slot of one group of routes alone: it stands inside the chain that all
    /// routes share. Nothing happens where there is no such group.
    pub fn layer_of_group(&mut self, name: &str, slot: Slot, middleware: Middleware) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.name == name) {
            group.layers.push((slot, self.owner.clone(), middleware));
            group.layers.sort_by_key(|(slot, ..)| *slot);
        }
    }

    /// Takes everything out of the slot of this name, whatever its owner; returns true if there is
    /// such a slot.
    pub fn without(&mut self, name: &str) -> bool {
        if let Some(slot) = Slot::ALL.into_iter().find(|slot| slot.name() == name) {
            self.middleware.main.retain(|(there, ..)| *there != slot);
            self.middleware.beside.retain(|(there, ..)| *there != slot);
            for group in &mut self.groups {
                group.layers.retain(|(there, ..)| *there != slot);
            }
            return true;
        }
        let Some(slot) = ClientSlot::ALL.into_iter().find(|slot| slot.name() == name) else {
            return false;
        };
        self.client.main.retain(|(there, ..)| *there != slot);
        self.client.beside.retain(|(there, ..)| *there != slot);
        true
    }

    /// Has this present the certificate to each client that connects.
    pub fn certificate(&mut self, presents: Presents) {
        let had = self.presents.as_ref().map(|(owner, _)| owner.clone());
        let other = had.filter(|had| *had != self.owner);
        if other.is_none() {
            self.presents = Some((self.owner.clone(), presents));
        }
        self.note("certificate", other);
    }

    /// Returns the certificate presenter, if an incident has set one.
    pub fn presenter(&self, env: &Env) -> Option<Presenter> {
        self.presents.as_ref().map(|(_, presents)| presents(env))
    }

    /// Chooses what an unrecovered panic does.
    pub fn panic_rule(&mut self, rule: PanicRule) {
        self.panic_rule = rule;
    }

    /// Returns the middleware around the routes, from the outside in.
    pub fn around_routes(&self) -> Vec<Standing> {
        let all = self.middleware.all().into_iter();
        all.map(|(slot, owner, _)| Standing { slot: slot.name(), owner: owner.to_owned() })
            .collect()
    }

    /// Returns the layers around database calls, from the outside in.
    pub fn around_store(&self) -> Vec<Standing> {
        let all = self.client.all().into_iter();
        all.map(|(slot, owner, _)| Standing { slot: slot.name(), owner: owner.to_owned() })
            .collect()
    }

    /// The slots from the outside in, for people: `detach → auth → log`.
    pub fn describe(&self) -> String {
        let mut names: Vec<&str> = self.around_routes().iter().map(|layer| layer.slot).collect();
        names.dedup();
        names.join(" → ")
    }

    /// Builds the service of this chain around `store`.
    pub fn build(&self, store: StoreClient, env: &Env) -> Router {
        env.set_panic_rule(self.panic_rule);
        let client = self.client.all();
        let store = client.iter().rev().fold(store, |inner, (.., layer)| layer(inner, env));
        let each =
            self.groups.iter().flat_map(|group| group.routes.iter().map(move |r| (group, r)));
        let routes = each.fold(Router::new(), |router, (group, routes)| {
            if group.layers.is_empty() {
                return routes(router, env);
            }
            let layers = group.layers.iter().rev();
            router.merge(
                layers.fold(routes(Router::new(), env), |inner, (.., wrap)| wrap(inner, env)),
            )
        });
        // Routes without a state would be made from their handlers, with all layers, for each request.
        let inside = routes.with_state(()).layer(Extension(store));
        let all = self.middleware.all();
        let wrapped = all.iter().rev().fold(inside, |inner, (.., wrap)| wrap(inner, env));
        wrapped.layer(axum::middleware::from_fn_with_state(env.clone(), super::context::attach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(router: Router, _: &Env) -> Router {
        router
    }

    fn slots(chain: &Chain) -> Vec<&'static str> {
        chain.around_routes().iter().map(|layer| layer.slot).collect()
    }

    fn base() -> Chain {
        let mut chain = Chain::default();
        for slot in [Slot::Log, Slot::Detach, Slot::Auth] {
            chain.layer(slot, nothing);
        }
        chain
    }

    #[test]
    fn layers_stand_in_the_order_of_their_slots_and_incidents_change_it() {
        let mut chain = base();
        assert_eq!(slots(&chain), ["detach", "auth", "log"]);
        let done = chain.install("a", |chain| {
            chain.layer(Slot::Log, nothing);
            chain.layer_beside(Slot::Log, nothing);
            chain.swap(Slot::Auth, Slot::Log);
            chain.remove(Slot::Detach);
        });
        assert_eq!(done, Ok(()));
        assert_eq!(slots(&chain), ["log", "log", "auth"]);
        assert_eq!(chain.around_routes()[1].owner, "a");
        assert!(chain.without("log") && !chain.without("lag"));
        assert_eq!(slots(&chain), ["auth"]);
    }

    #[test]
    fn two_incidents_that_claim_one_place_are_named_with_it() {
        let mut chain = base();
        assert_eq!(chain.install("a", |chain| chain.layer(Slot::Log, nothing)), Ok(()));
        // Beside it there is room for all.
        assert_eq!(chain.install("b", |chain| chain.layer_beside(Slot::Log, nothing)), Ok(()));
        let clash = chain.install("c", |chain| chain.remove(Slot::Log)).expect_err("it is taken");
        assert_eq!((clash.first.as_str(), clash.second.as_str()), ("a", "c"));
        assert!(clash.to_string().contains("`log` slot"), "{clash}");
    }
}
