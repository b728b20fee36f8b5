//! A solution written otherwise: names stay, and the account gets one of its own.

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env, Slot};

use super::shared::{INVOICES_ACCOUNT, Locals, ORDERS_ACCOUNT, describe, page, signed_in};

pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, sessions);
    chain.routes("mine", |routes, _| {
        let account = |name: &'static str| from_fn_with_state(name, keep_account);
        routes
            .route("/orders/mine", get(my_orders).layer(account(ORDERS_ACCOUNT)))
            .route("/invoices/mine", get(my_invoices).layer(account(INVOICES_ACCOUNT)))
    });
}

fn sessions(routes: Router, env: &Env) -> Router {
    describe(env);
    routes.layer(from_fn(sign_in))
}

async fn sign_in(mut request: Request, next: Next) -> Response {
    if let Some(customer) = signed_in(request.headers()) {
        Locals::of(&mut request).set("customer", customer);
    }
    next.run(request).await
}

async fn keep_account(
    State(account): State<&'static str>,
    mut request: Request,
    next: Next,
) -> Response {
    Locals::of(&mut request).set("account", account);
    next.run(request).await
}

async fn my_orders(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("order", (locals.get("customer"), locals.get("account")), (store, context)).await
}

async fn my_invoices(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("invoice", (locals.get("customer"), locals.get("account")), (store, context)).await
}
