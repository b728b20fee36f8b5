//! The pool: a connection that is taken must be put back.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::shared::{Connection, Waiting, describe_pool, show_pool, size};
use firedrill_core::incident::Env;
use firedrill_core::incident::StoreClient;

pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    available: Semaphore,
    size: usize,
}

impl Pool {
    pub(super) fn new(store: &StoreClient, env: &Env) -> Self {
        describe_pool();
        let size = size(env);
        let idle = (0..size).map(|_| Connection(store.clone())).collect();
        Self { idle: Mutex::new(idle), available: Semaphore::new(size), size }
    }

    /// Takes a connection, waiting for one where there is none.
    pub(super) async fn get(&self) -> Connection {
        self.show();
        let waiting = Waiting::begin();
        let permit = self.available.acquire().await.expect("nobody closes the pool");
        drop(waiting);
        permit.forget();
        let connection = self.idle().pop().expect("a permit stands for an idle connection");
        self.show();
        connection
    }

    /// Puts a connection back.
    pub(super) fn put(&self, connection: Connection) {
        self.idle().push(connection);
        self.available.add_permits(1);
        self.show();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        show_pool(self.size - self.available.available_permits(), self.size);
    }
}
