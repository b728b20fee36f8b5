//! Code shared by the variants: a pool of connections, and the reader of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use firedrill_core::incident::client::{StoreClient, StoreError, StoreRequest, StoreResult};
use firedrill_core::incident::{Env, Parked};
use firedrill_core::service::log_file::{LogFile, log_file};

/// Connections to the store.
const CONNECTIONS: usize = 12;

/// Longest wait for a connection.
const WAIT: Duration = Duration::from_millis(500);

/// The connections, and the log that tells of what goes wrong with them.
pub struct Pool {
    free: Semaphore,
    pub log: Arc<LogFile>,
    errors: Arc<Errors>,
}

/// A connection: [`Pool::give_back`] takes it back; one that is dropped without is lost.
pub struct Connection<'a>(Option<SemaphorePermit<'a>>);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.forget();
        }
    }
}

/// Errors that occurred, and those that the log has named.
#[derive(Default)]
struct Errors {
    /// Errors since the log last named a cause.
    unnamed: AtomicU64,
}

impl Pool {
    pub fn new(env: &Env) -> Self {
        let free = Semaphore::new(CONNECTIONS);
        Self { free, log: log_file(env), errors: watch(env) }
    }

    /// A connection, as soon as one is free.
    pub async fn take(&self) -> Result<Connection<'_>, StoreError> {
        self.show();
        let taken = timeout(WAIT, self.free.acquire()).parked("a free connection").await;
        match taken {
            Ok(permit) => Ok(Connection(Some(permit.expect("nobody closes the pool")))),
            Err(_) => Err(self.errors.happened(StoreError::NoConnection)),
        }
    }

    /// Asks the store by a connection.
    pub async fn command(
        &self,
        _connection: &Connection<'_>,
        store: &StoreClient,
        request: StoreRequest,
    ) -> StoreResult {
        self.show();
        store.ask(request).await.map_err(|error| self.errors.happened(error))
    }

    /// Takes a connection back.
    pub fn give_back(&self, mut connection: Connection<'_>) {
        drop(connection.0.take());
        self.show();
    }

    fn show(&self) {
        gauge!("connections_in_use").set((CONNECTIONS - self.free.available_permits()) as f64);
        gauge!("connections_in_use_capacity").set(CONNECTIONS as f64);
    }
}

impl Errors {
    /// Each error passes here, before anybody can swallow it.
    fn happened(&self, error: StoreError) -> StoreError {
        counter!("errors_happened").increment(1);
        gauge!("errors_unnamed").set((self.unnamed.fetch_add(1, Ordering::Relaxed) + 1) as f64);
        error
    }
}

/// Reads the log, and counts the lines about errors, and those that name a cause.
fn watch(env: &Env) -> Arc<Errors> {
    env.shared(|| {
        describe_gauge!("connections_in_use", Unit::Count, "connections that are not in the pool");
        describe_gauge!("connections_in_use_capacity", Unit::Count, "connections of the pool");
        describe_counter!("errors_happened", Unit::Count, "errors on the way to the store");
        describe_gauge!("errors_unnamed", Unit::Count, "errors since the log last named a cause");
        describe_counter!("error_lines", Unit::Count, "lines in the log about errors");
        describe_counter!("cause_lines", Unit::Count, "of these: with the store's own error");
        for name in ["errors_happened", "error_lines", "cause_lines"] {
            counter!(name).increment(0);
        }
        gauge!("errors_unnamed").set(0.0);
        let errors = Arc::new(Errors::default());
        let read = Arc::clone(&errors);
        log_file(env).subscribe_errors(move |line| {
            counter!("error_lines").increment(1);
            let names = |error: StoreError| line.contains(&error.to_string());
            counter!("cause_lines").increment(names(StoreError::Command).into());
            if names(StoreError::Command) || names(StoreError::NoConnection) {
                read.unnamed.store(0, Ordering::Relaxed);
                gauge!("errors_unnamed").set(0.0);
            }
        });
        Watching(errors)
    })
    .0
    .clone()
}

/// The reader of this server's log, whatever forms of the chain it has had.
struct Watching(Arc<Errors>);
