//! The routes that every incident shares.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;

use crate::incident::Context;
use crate::incident::Env;
use crate::incident::client::{StoreClient, StoreCommand, StoreError, StoreReply, StoreRequest};

/// Adds the routes.
pub fn install(router: Router, _: &Env) -> Router {
    router
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(find_order))
        .route("/healthz", get(|| async { "ok\n" }))
}

/// Keeps an order and answers with it, as a receipt.
async fn place_order(
    store: Extension<StoreClient>,
    Extension(context): Extension<Context>,
    order: Bytes,
) -> Result<Response, Unavailable> {
    let command = StoreCommand::Put(order.clone());
    match store.ask(StoreRequest { command, context }).await? {
        StoreReply::Kept(id) => {
            let location = [(header::LOCATION, format!("/orders/{id}"))];
            Ok((StatusCode::CREATED, location, order).into_response())
        }
        StoreReply::Found(_) => Err(Unavailable(StoreError::Command)),
    }
}

async fn find_order(
    store: Extension<StoreClient>,
    Extension(context): Extension<Context>,
    Path(id): Path<u64>,
) -> Result<Response, Unavailable> {
    match store.ask(StoreRequest { command: StoreCommand::Get(id), context }).await? {
        StoreReply::Found(order) => Ok(order.into_response()),
        StoreReply::Kept(_) => Err(Unavailable(StoreError::Command)),
    }
}

/// The store could not be asked, or failed.
struct Unavailable(StoreError);

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", self.0)).into_response()
    }
}
