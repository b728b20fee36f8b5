//! The downstream behind the pool: its latency and its errors are parameters, so that phases
//! control them. It keeps nothing but the number of orders.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::incident::Env;
use crate::incident::chain::{StoreClient, StoreError, StoreReply, StoreRequest};
use crate::incident::env::Param;

struct Store {
    latency: Param,
    error_percent: Param,
    dice: Mutex<ChaCha8Rng>,
    orders: AtomicU64,
}

/// A client that speaks to the store directly, without a pool.
pub fn client(env: &Env) -> StoreClient {
    let store = env.shared(|| Store {
        latency: env.param("store_ms", 1.0),
        error_percent: env.param("store_error_percent", 0.0),
        dice: Mutex::new(ChaCha8Rng::seed_from_u64(env.host().seed)),
        orders: AtomicU64::new(0),
    });
    StoreClient::new(move |request| {
        let store = store.clone();
        async move { store.answer(request).await }
    })
}

impl Store {
    async fn answer(&self, request: StoreRequest) -> Result<StoreReply, StoreError> {
        let latency = self.latency.millis();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let thrown: f64 = self.dice.lock().unwrap_or_else(PoisonError::into_inner).random();
        if thrown * 100.0 < self.error_percent.get() {
            return Err(StoreError::Command);
        }
        Ok(match request {
            StoreRequest::Put(_) => StoreReply::Kept(self.orders.fetch_add(1, Ordering::Relaxed)),
            StoreRequest::Get(id) => StoreReply::Found(Bytes::from(format!("order {id}\n"))),
        })
    }
}
