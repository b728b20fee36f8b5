//! The way to the store: what the service asks of it, and the layers between.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use super::context::Context;

/// A request of the service to its database.
#[derive(Debug, Clone)]
pub struct StoreRequest {
    /// The command.
    pub command: StoreCommand,
    /// The request on whose behalf it is done.
    pub context: Context,
}

/// A command to the store.
#[derive(Debug, Clone)]
pub enum StoreCommand {
    /// Keep an order.
    Put(Bytes),
    /// Look an order up.
    Get(u64),
}

impl StoreRequest {
    /// The key that the command is about; none for what is new.
    pub fn key(&self) -> Option<u64> {
        match self.command {
            StoreCommand::Put(_) => None,
            StoreCommand::Get(id) => Some(id),
        }
    }
}

/// Reply of the database.
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
    /// The store took no more commands: as many as it queues were waiting.
    #[error("the store refused the command: its queue was full")]
    Refused,
    /// No connection became free in time.
    #[error("no connection to the store became free in time")]
    NoConnection,
    /// The store did not answer in time.
    #[error("the store did not answer in time")]
    TimedOut,
    /// A breaker was open: the store was not asked.
    #[error("the store was not asked: the breaker is open")]
    Open,
    /// The deadline of the request had passed.
    #[error("the request's deadline had passed")]
    Deadline,
}

/// Result of a database call.
pub type StoreResult = Result<StoreReply, StoreError>;

/// A way to the store, through whatever layers the chain has.
#[derive(Debug, Clone)]
pub struct StoreClient(BoxCloneSyncService<StoreRequest, StoreReply, StoreError>);

impl StoreClient {
    /// A client that answers each request with `call`.
    pub fn new<C, F>(call: C) -> Self
    where
        C: FnMut(StoreRequest) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = StoreResult> + Send + 'static,
    {
        Self(BoxCloneSyncService::new(tower::service_fn(call)))
    }

    /// This client with a layer around it: each request goes to `ask`, with the layer's state and
    /// the client inside.
    #[must_use]
    pub fn layer<S, F>(self, state: Arc<S>, ask: fn(Arc<S>, Self, StoreRequest) -> F) -> Self
    where
        S: Send + Sync + 'static,
        F: Future<Output = StoreResult> + Send + 'static,
    {
        Self::new(move |request| ask(Arc::clone(&state), self.clone(), request))
    }

    /// Asks the store.
    ///
    /// # Errors
    ///
    /// What the store, or a layer on the way to it, says.
    pub async fn ask(&self, request: StoreRequest) -> StoreResult {
        self.clone().oneshot(request).await
    }
}

impl Service<StoreRequest> for StoreClient {
    type Response = StoreReply;
    type Error = StoreError;
    type Future = <BoxCloneSyncService<StoreRequest, StoreReply, StoreError> as Service<
        StoreRequest,
    >>::Future;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), StoreError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: StoreRequest) -> Self::Future {
        self.0.call(request)
    }
}
