//! The mix-up: authentication keeps the customer under the name `user`, and each group of routes keeps
//! its own account under the same name.

use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router, extract::State};

use super::shared::{INVOICES_ACCOUNT, Locals, ORDERS_ACCOUNT, describe, page, signed_in};
use firedrill_core::incident::client::StoreClient;
use firedrill_core::incident::{Chain, Context, Env, Slot};

/// Puts the bug into the chain.
pub fn install(chain: &mut Chain) {
    chain.layer_beside(Slot::Auth, sessions);
    chain.routes("my orders", |routes, _| routes.route("/orders/mine", get(my_orders)));
    chain.layer_of_group("my orders", Slot::Auth, |routes, _| {
        routes.layer(from_fn_with_state(ORDERS_ACCOUNT, keep_account))
    });
    chain.routes("my invoices", |routes, _| routes.route("/invoices/mine", get(my_invoices)));
    chain.layer_of_group("my invoices", Slot::Auth, |routes, _| {
        routes.layer(from_fn_with_state(INVOICES_ACCOUNT, keep_account))
    });
}

fn sessions(routes: Router, env: &Env) -> Router {
    describe(env);
    routes.layer(from_fn(sign_in))
}

async fn sign_in(mut request: Request, next: Next) -> Response {
    if let Some(customer) = signed_in(request.headers()) {
        Locals::of(&mut request).set("user", customer);
    }
    next.run(request).await
}

async fn keep_account(
    State(account): State<&'static str>,
    mut request: Request,
    next: Next,
) -> Response {
    // cause: `user` is the customer already; from here on it is the group's own account.
    Locals::of(&mut request).set("user", account);
    next.run(request).await
}

async fn my_orders(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("order", (locals.get("user"), locals.get("user")), (store, context)).await
}

async fn my_invoices(
    locals: Extension<Locals>,
    store: Extension<StoreClient>,
    context: Extension<Context>,
) -> Response {
    page("invoice", (locals.get("user"), locals.get("user")), (store, context)).await
}
